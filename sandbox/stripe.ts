import { createHmac, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { writeAtomic } from "../lib/atomic.ts";
import facts from "../schemas/stripe-facts.json" with { type: "json" };

interface Endpoint {
  id: string; object: "webhook_endpoint"; url: string; enabled_events: string[]; api_version: string | null; description: string | null;
  metadata: Record<string, string>; status: "enabled" | "disabled"; livemode: boolean; created: number; secret: string; connect: boolean;
}
interface State { endpoints: Endpoint[]; idempotent: Record<string, { request: string; id: string }>; accountId: string; lastCreated: number }

export interface StripeSandbox {
  readonly url: string;
  readonly close: () => Promise<void>;
}
const EVENTS = new Set(facts.events);
const alnum = (n: number): string => randomBytes(n * 2).toString("base64").replace(/[^A-Za-z0-9]/g, "").slice(0, n);

/**
 * A stateful fake of Stripe's balance, account and webhook endpoints on 127.0.0.1, kept in `dir`.
 * Right: secret on create only, 16 endpoints, HTTPS in live mode, idempotency keys, 401 and 403 (`rk_` without the right), pages.
 * Keys: any well-formed one is accepted, save those that end in `dead` (401), `expired` (401) or, restricted, `norights` (403).
 */
export async function startStripe(dir: string, port = 0): Promise<StripeSandbox> {
  const file = join(dir, "stripe.json");
  const state: State = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as State) : { endpoints: [], idempotent: {}, accountId: `acct_${alnum(16)}`, lastCreated: 0 };
  const save = (): void => { writeAtomic(file, `${JSON.stringify(state, null, 1)}\n`, 0o600); };
  const server = createServer((req, res) => {
    void handle(req, res).catch(() => { reply(res, 500, { error: { type: "api_error", message: "sandbox fault" } }); });
  });
  const reply = (res: ServerResponse, status: number, body: unknown): void => {
    res.writeHead(status, { "content-type": "application/json", "request-id": `req_${alnum(14)}` }).end(JSON.stringify(body));
  };
  const fail = (res: ServerResponse, status: number, message: string, extra: Record<string, string> = {}): void => { reply(res, status, { error: { type: "invalid_request_error", message, ...extra } }); };
  const shown = ({ secret: _s, connect: _c, ...e }: Endpoint, withSecret?: string): unknown => ({ ...e, application: null, ...(withSecret !== undefined && { secret: withSecret }) });

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? "/", "http://sandbox");
    let body = "";
    for await (const chunk of req) {
      body += String(chunk);
      if (body.length > 1 << 20) { fail(res, 400, "too large"); return; }
    }
    const auth = req.headers.authorization ?? "";
    const key = auth.startsWith("Bearer ") ? auth.slice(7) : auth.startsWith("Basic ") ? (Buffer.from(auth.slice(6), "base64").toString().split(":")[0] ?? "") : "";
    if (!/^(sk|rk)_(test|live)_[A-Za-z0-9]{10,}$/.test(key) || key.endsWith("dead")) { fail(res, 401, "Invalid API Key provided"); return; }
    if (key.endsWith("expired")) { fail(res, 401, "Expired API Key provided", { code: "api_key_expired" }); return; }
    if (key.startsWith("rk_") && key.endsWith("norights")) { fail(res, 403, "The provided key does not have the required permissions for this endpoint"); return; }
    const livemode = key.includes("_live_");
    const route = `${req.method ?? ""} ${url.pathname}`;
    if (route === "GET /v1/balance") { reply(res, 200, { object: "balance", livemode, available: [{ amount: 0, currency: "usd" }], pending: [{ amount: 0, currency: "usd" }] }); return; }
    if (route === "GET /v1/account") { reply(res, 200, { id: state.accountId, object: "account", charges_enabled: true }); return; }
    const mine = state.endpoints.filter((e) => e.livemode === livemode);
    if (route === "GET /v1/webhook_endpoints") {
      const limit = Math.min(100, Number(url.searchParams.get("limit") ?? "10"));
      const after = url.searchParams.get("starting_after");
      const from = after === null ? 0 : mine.findIndex((e) => e.id === after) + 1;
      const newest = [...mine];
      reply(res, 200, { object: "list", url: "/v1/webhook_endpoints", has_more: from + limit < newest.length, data: newest.slice(from, from + limit).map((e) => shown(e)) });
      return;
    }
    const form = parseForm(body);
    if (route === "POST /v1/webhook_endpoints") { create(res, form, livemode, mine, req.headers["idempotency-key"], body); return; }
    const id = /^\/v1\/webhook_endpoints\/([A-Za-z0-9_]+)$/.exec(url.pathname)?.[1];
    const found = mine.find((e) => e.id === id);
    if (id !== undefined && !found) { fail(res, 404, "No such webhook endpoint", { code: "resource_missing", param: "webhook_endpoint" }); return; }
    if (found && req.method === "GET") { reply(res, 200, shown(found)); return; }
    if (found && req.method === "DELETE") {
      state.endpoints = state.endpoints.filter((e) => e !== found);
      save();
      reply(res, 200, { id: found.id, object: "webhook_endpoint", deleted: true });
      return;
    }
    if (found && req.method === "POST") {
      if ("api_version" in form || "connect" in form) { fail(res, 400, "Received unknown parameter", { code: "parameter_unknown", param: "api_version" }); return; }
      const bad = invalid(form, livemode);
      if (bad) { fail(res, 400, bad[0], { param: bad[1] }); return; }
      apply(found, form);
      save();
      reply(res, 200, shown(found));
      return;
    }
    fail(res, 404, "Unrecognized request URL");
  }
  function create(res: ServerResponse, form: Form, livemode: boolean, mine: Endpoint[], idempotency: string | string[] | undefined, body: string): void {
    const once = typeof idempotency === "string" ? state.idempotent[idempotency] : undefined;
    if (once) {
      const e = state.endpoints.find((x) => x.id === once.id);
      if (once.request !== body) fail(res, 400, "Keys for idempotent requests can only be used with the same parameters", { type: "idempotency_error" });
      else if (e) reply(res, 200, shown(e, e.secret));
      else fail(res, 404, "gone");
      return;
    }
    if (!form.text["url"]) { fail(res, 400, "Missing required param: url.", { param: "url", code: "parameter_missing" }); return; }
    if (!form.list["enabled_events"]?.length) { fail(res, 400, "Missing required param: enabled_events.", { param: "enabled_events", code: "parameter_missing" }); return; }
    const bad = invalid(form, livemode);
    if (bad) { fail(res, 400, bad[0], { param: bad[1] }); return; }
    if (mine.length >= 16) { fail(res, 400, "You have reached the maximum of 16 webhook endpoints"); return; }
    state.lastCreated = Math.max(state.lastCreated + 1, Math.floor(Date.now() / 1000));
    const e: Endpoint = { id: `we_${alnum(24)}`, object: "webhook_endpoint", url: "", enabled_events: [], api_version: form.text["api_version"] ?? null, description: null, metadata: {}, status: "enabled", livemode, created: state.lastCreated, secret: `whsec_${alnum(32)}`, connect: form.text["connect"] === "true" };
    apply(e, form);
    state.endpoints.unshift(e);
    if (typeof idempotency === "string") state.idempotent[idempotency] = { request: body, id: e.id };
    save();
    reply(res, 200, shown(e, e.secret));
  }
  await new Promise<void>((done, failed) => { server.once("error", failed).listen(port, "127.0.0.1", done); });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((done) => { server.close(() => { done(); }); server.closeAllConnections(); }),
  };
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
function invalid(f: Form, livemode: boolean): [string, string] | null {
  const url = f.text["url"];
  if (url !== undefined && !URL.canParse(url)) return ["Invalid URL", "url"];
  if (url !== undefined && livemode && !url.startsWith("https://")) return ["Invalid URL: must be https in live mode", "url"];
  const unknown = f.list["enabled_events"]?.find((e) => !EVENTS.has(e));
  return unknown !== undefined ? ["Invalid enabled_events", "enabled_events"] : null;
}
function apply(e: Endpoint, f: Form): void {
  if (f.text["url"] !== undefined) e.url = f.text["url"];
  if (f.list["enabled_events"]) e.enabled_events = f.list["enabled_events"];
  if (f.text["description"] !== undefined) e.description = f.text["description"] || null;
  if (f.text["disabled"] !== undefined) e.status = f.text["disabled"] === "true" ? "disabled" : "enabled";
  for (const [k, v] of Object.entries(f.map["metadata"] ?? {})) e.metadata[k] = v;
}

/** A test event as Stripe would send it, signed with an endpoint's own secret: body and `Stripe-Signature`. Null where there is no such endpoint. */
export function signedEvent(dir: string, endpointId: string, type: string, now: Date): { readonly body: string; readonly signature: string } | null {
  const state = JSON.parse(readFileSync(join(dir, "stripe.json"), "utf8")) as State;
  const e = state.endpoints.find((x) => x.id === endpointId);
  if (!e) return null;
  const t = Math.floor(now.getTime() / 1000);
  const body = JSON.stringify({ id: `evt_${alnum(24)}`, object: "event", api_version: e.api_version, created: t, livemode: e.livemode, type, data: { object: { id: `pi_${alnum(24)}`, object: "payment_intent" } } });
  return { body, signature: `t=${t},v1=${createHmac("sha256", e.secret).update(`${t}.${body}`).digest("hex")}` };
}
