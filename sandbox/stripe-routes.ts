import { sha256 } from "../lib/sha256.ts";
import facts from "../schemas/stripe-facts.json" with { type: "json" };
import type { Incoming } from "./server.ts";
import { alnum, Refusal, type Endpoint, type State } from "./stripe-state.ts";

// The routes of the fake Stripe.

export const EVENTS = new Set(facts.events);
const LIMIT = 16;
const CREATE = new Set(["url", "enabled_events", "api_version", "connect", "description", "metadata", "expand"]);
const UPDATE = new Set(["url", "enabled_events", "description", "metadata", "disabled", "expand"]);

export interface Outcome { readonly body: unknown; readonly changed?: boolean }
export function route(req: Incoming, state: State, livemode: boolean): Outcome {
  const { url, body, method } = req;
  const form = parseForm(body);
  const mine = state.endpoints.filter((e) => e.livemode === livemode);
  switch (`${method} ${url.pathname}`) {
    case "GET /v1/balance": return { body: { object: "balance", livemode, available: [{ amount: 0, currency: "usd" }], pending: [{ amount: 0, currency: "usd" }] } };
    case "GET /v1/account": return { body: { id: state.accountId, object: "account", type: "standard", country: "US", charges_enabled: true, payouts_enabled: true, details_submitted: true, ...state.facts } };
    case "GET /v1/payment_intents": case "GET /v1/customers": case "GET /v1/subscriptions": case "GET /v1/prices": return { body: { object: "list", url: url.pathname, has_more: false, data: [] } };
    case "GET /v1/events": return { body: undelivered(url, state, livemode) };
    case "GET /v1/webhook_endpoints": return { body: page(url, mine) };
    case "POST /v1/webhook_endpoints": return create(state, form, livemode, mine, req.headers["idempotency-key"], body);
  }
  const id = /^\/v1\/webhook_endpoints\/([A-Za-z0-9_]+)$/.exec(url.pathname)?.[1];
  if (id === undefined) throw new Refusal(404, `Unrecognized request URL (${method}: ${url.pathname})`);
  const found = mine.find((e) => e.id === id);
  if (!found) throw new Refusal(404, `No such webhook endpoint: '${id}'`, { code: "resource_missing", param: "webhook_endpoint" });
  switch (method) {
    case "GET": return { body: shown(found) };
    case "DELETE":
      state.endpoints = state.endpoints.filter((e) => e !== found);
      return { body: { id: found.id, object: "webhook_endpoint", deleted: true }, changed: true };
    case "POST":
      judge(form, livemode, UPDATE);
      apply(found, form);
      return { body: shown(found), changed: true };
    default: throw new Refusal(404, `Unrecognized request URL (${method}: ${url.pathname})`);
  }
}
const shown = ({ secret, connect: _c, ...e }: Endpoint, withSecret = false): unknown => ({ ...e, application: null, ...(withSecret && { secret }) });

/** Newest first; only those that an endpoint hasn't taken where that is asked. */
function undelivered(url: URL, state: State, livemode: boolean): unknown {
  const wanted = url.searchParams.get("delivery_success");
  const list = (state.events ?? []).filter((e) => e.livemode === livemode && (wanted === null || String(e.delivered) === wanted));
  const limit = Number(url.searchParams.get("limit") ?? "10");
  return { object: "list", url: "/v1/events", has_more: list.length > limit, data: list.slice(0, limit).map(({ delivered, ...e }) => ({ ...e, object: "event", pending_webhooks: delivered ? 0 : 1, data: { object: {} } })) };
}
/** Newest first, as Stripe lists. */
function page(url: URL, mine: readonly Endpoint[]): unknown {
  const limit = Number(url.searchParams.get("limit") ?? "10");
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) throw new Refusal(400, "Invalid integer: limit must be between 1 and 100", { param: "limit" });
  const cursor = (name: string): number | null => {
    const id = url.searchParams.get(name);
    if (id === null) return null;
    const at = mine.findIndex((e) => e.id === id);
    if (at < 0) throw new Refusal(400, `No such webhook endpoint: '${id}'`, { code: "resource_missing", param: name });
    return at;
  };
  const [after, before] = [cursor("starting_after"), cursor("ending_before")];
  const from = before !== null ? Math.max(0, before - limit) : after === null ? 0 : after + 1;
  const to = before ?? from + limit;
  return { object: "list", url: "/v1/webhook_endpoints", has_more: before !== null ? from > 0 : to < mine.length, data: mine.slice(from, to).map((e) => shown(e)) };
}
function create(state: State, form: Form, livemode: boolean, mine: readonly Endpoint[], idempotency: string | undefined, body: string): Outcome {
  const request = sha256(body);
  const once = typeof idempotency === "string" ? state.idempotent[idempotency] : undefined;
  if (once && once.request !== request) throw new Refusal(400, "Keys for idempotent requests can only be used with the same parameters they were first used with.", { type: "idempotency_error" });
  const repeated = once && state.endpoints.find((x) => x.id === once.id);
  if (repeated) return { body: shown(repeated, true) };
  for (const param of ["url", "enabled_events"]) if (!form.text[param] && !form.list[param]?.length) throw new Refusal(400, `Missing required param: ${param}.`, { param, code: "parameter_missing" });
  judge(form, livemode, CREATE);
  if (mine.length >= LIMIT) throw new Refusal(400, `You have reached the maximum of ${LIMIT} test webhook endpoints.`);
  state.lastCreated = Math.max(state.lastCreated + 1, Math.floor(Date.now() / 1000));
  const e: Endpoint = { id: `we_${alnum(24)}`, object: "webhook_endpoint", url: "", enabled_events: [], api_version: form.text["api_version"] ?? null, description: null, metadata: {}, status: "enabled", livemode, created: state.lastCreated, secret: `whsec_${alnum(32)}`, connect: form.text["connect"] === "true" };
  apply(e, form);
  state.endpoints.unshift(e);
  if (typeof idempotency === "string") state.idempotent = Object.fromEntries([...Object.entries(state.idempotent).slice(-200), [idempotency, { request, id: e.id }]]);
  return { body: shown(e, true), changed: true };
}

interface Form { readonly text: Record<string, string>; readonly list: Record<string, string[]>; readonly map: Record<string, Record<string, string>> }
function parseForm(body: string): Form {
  const f: Form = { text: {}, list: {}, map: {} };
  for (const [k, v] of new URLSearchParams(body)) {
    const m = /^([a-z_]+)\[([^\]]*)\]$/.exec(k);
    if (!m) f.text[k] = v;
    else if (m[2] === "" || /^\d+$/.test(m[2] as string)) (f.list[m[1] as string] ??= []).push(v);
    else (f.map[m[1] as string] ??= {})[m[2] as string] = v;
  }
  return f;
}
function judge(f: Form, livemode: boolean, known: ReadonlySet<string>): void {
  const unknown = [...Object.keys(f.text), ...Object.keys(f.list), ...Object.keys(f.map)].find((k) => !known.has(k));
  if (unknown !== undefined) throw new Refusal(400, `Received unknown parameter: ${unknown}`, { code: "parameter_unknown", param: unknown });
  const url = f.text["url"];
  if (url !== undefined && (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))) throw new Refusal(400, "Invalid URL: An explicit scheme (such as https) must be provided.", { code: "url_invalid", param: "url" });
  if (url !== undefined && livemode && !url.startsWith("https://")) throw new Refusal(400, "Invalid URL: URL must be an HTTPS URL in live mode.", { code: "url_invalid", param: "url" });
  const bad = f.list["enabled_events"]?.findIndex((e) => !EVENTS.has(e)) ?? -1;
  if (bad >= 0) throw new Refusal(400, "Invalid enabled_events: must be one of the event types", { param: `enabled_events[${bad}]` });
  const version = f.text["api_version"];
  if (version !== undefined && !/^\d{4}-\d{2}-\d{2}(\.[a-z]+)?$/.test(version)) throw new Refusal(400, "Invalid API version", { param: "api_version" });
}
function apply(e: Endpoint, f: Form): void {
  if (f.text["url"] !== undefined) e.url = f.text["url"];
  if (f.list["enabled_events"]) e.enabled_events = f.list["enabled_events"];
  if (f.text["description"] !== undefined) e.description = f.text["description"] || null;
  if (f.text["disabled"] !== undefined) e.status = f.text["disabled"] === "true" ? "disabled" : "enabled";
  // An empty value takes the key away.
  e.metadata = Object.fromEntries(Object.entries({ ...e.metadata, ...f.map["metadata"] }).filter(([, v]) => v !== ""));
}
