import { createHash, createHmac, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { writeAtomic } from "../lib/atomic.ts";
import { loopback } from "../schemas/fields.ts";
import facts from "../schemas/stripe-facts.json" with { type: "json" };

interface Endpoint {
  id: string; object: "webhook_endpoint"; url: string; enabled_events: string[]; api_version: string | null; description: string | null;
  metadata: Record<string, string>; status: "enabled" | "disabled"; livemode: boolean; created: number; secret: string; connect: boolean;
}
const KEY_STATES = ["active", "dead", "expired", "restricted"] as const;
type KeyState = (typeof KEY_STATES)[number];
interface State {
  endpoints: Endpoint[];
  idempotent: Record<string, { request: string; id: string }>;
  accountId: string;
  lastCreated: number;
  /** SHA-256 of a key → its state. Where a mode has one registered, no other key of that mode is accepted. */
  keys?: Record<string, { mode: "test" | "live"; state: KeyState }>;
  /** Digests of the quarters of keys that were taken in: a near miss of one is a corrupted copy. */
  seen?: string[][];
}
const FAULTS = ["latency", "429", "500", "reset", "half-open", "json"] as const;
interface Fault {
  readonly kind: (typeof FAULTS)[number];
  times: number;
  /** Of latency, or Retry-After in seconds. */
  readonly amount: number;
}
export interface Delivery {
  readonly endpoint: string;
  readonly attempts: number;
  /** The last answer's status; 0 where there was none, null where the URL isn't on this machine and wasn't called. */
  readonly status: number | null;
}
export interface StripeSandbox {
  readonly url: string;
  /** Sends a signed event to every endpoint that wants it, as `POST /_sandbox/events` does. */
  deliver(type: string, object?: unknown): Promise<{ readonly event: string; readonly deliveries: readonly Delivery[] }>;
  close(): Promise<void>;
}
const EVENTS = new Set(facts.events);
const LIMIT = 16;
const CREATE = new Set(["url", "enabled_events", "api_version", "connect", "description", "metadata", "expand"]);
const UPDATE = new Set(["url", "enabled_events", "description", "metadata", "disabled", "expand"]);
const alnum = (n: number): string => randomBytes(n * 3).toString("base64").replace(/[^A-Za-z0-9]/g, "").slice(0, n);
const sha256 = (s: string): string => createHash("sha256").update(s).digest("hex");
class Refusal extends Error {
  readonly status: number;
  readonly body: Readonly<Record<string, string>>;
  constructor(status: number, message: string, body: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.body = { type: "invalid_request_error", ...body };
  }
}

/** The state on disk is read for every request: a sandbox that runs beside sees the same account. */
class Account {
  private readonly file: string;
  constructor(dir: string) {
    this.file = join(dir, "stripe.json");
  }
  load(): State {
    return existsSync(this.file) ? (JSON.parse(readFileSync(this.file, "utf8")) as State) : { endpoints: [], idempotent: {}, accountId: `acct_${alnum(16)}`, lastCreated: 0 };
  }
  save(state: State): void {
    writeAtomic(this.file, `${JSON.stringify(state, null, 1)}\n`, 0o600);
  }
}

/**
 * A stateful fake of Stripe's balance, account and webhook endpoints, on 127.0.0.1 alone and kept in `dir`.
 * As at Stripe: the secret on create only, 16 endpoints, HTTPS in live mode, idempotency keys, pages, 401 and 403, signed deliveries with retries.
 * Any well-formed key is accepted until one is registered at `POST /_sandbox/keys`; a key that ends in `dead`, `expired` or, restricted, `norights` never is.
 */
export async function startStripe(dir: string, port = 0, options: { readonly retryMs?: number } = {}): Promise<StripeSandbox> {
  const account = new Account(dir);
  const faults: Fault[] = [];
  const retryMs = options.retryMs ?? 500;
  const closing = new AbortController();
  const server = createServer((req, res) => {
    void answer(req, res).catch((e: unknown) => {
      if (e instanceof Refusal) reply(res, e.status, { error: { ...e.body, message: e.message } });
      else reply(res, 500, { error: { type: "api_error", message: "sandbox fault" } });
    });
  });

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? "/", "http://sandbox");
    // A page in a browser can reach loopback by another name.
    if (!loopback((req.headers.host ?? "").replace(/:\d+$/, ""))) throw new Refusal(403, "the sandbox answers to loopback names only");
    const body = await bodyOf(req);
    if (url.pathname.startsWith("/_sandbox/")) return control(req, res, url.pathname.slice("/_sandbox/".length), body);
    if (await faulty(res)) return;
    const state = account.load();
    const seen = state.seen?.length ?? 0;
    const livemode = authorize(req, state);
    if ((state.seen?.length ?? 0) !== seen) account.save(state);
    const result = route(req, url, parseForm(body), body, state, livemode);
    if (result.changed) account.save(state);
    reply(res, 200, result.body);
  }
  async function faulty(res: ServerResponse): Promise<boolean> {
    const f = faults[0];
    if (!f) return false;
    if (--f.times <= 0) faults.shift();
    switch (f.kind) {
      case "latency": await pause(f.amount, closing.signal); return false;
      case "429": res.setHeader("retry-after", String(f.amount)); reply(res, 429, { error: { type: "invalid_request_error", code: "rate_limit", message: "Too many requests" } }); return true;
      case "500": reply(res, 500, { error: { type: "api_error", message: "Something went wrong" } }); return true;
      case "reset": res.socket?.resetAndDestroy(); return true;
      case "half-open": res.writeHead(200, { "content-type": "application/json", "content-length": "1000" }).write("{"); return true;
      case "json": res.writeHead(200, { "content-type": "text/html" }).end("<html>proxy</html>"); return true;
    }
  }
  async function control(req: IncomingMessage, res: ServerResponse, what: string, text: string): Promise<void> {
    if (req.method !== "POST" || !(req.headers["content-type"] ?? "").startsWith("application/json")) throw new Refusal(405, "POST application/json");
    const body = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (what === "events") {
      if (typeof body["type"] !== "string" || !EVENTS.has(body["type"])) throw new Refusal(400, "unknown event type", { param: "type" });
      reply(res, 200, await deliver(body["type"], body["object"]));
    } else if (what === "faults") {
      const kind = FAULTS.find((k) => k === body["kind"]);
      if (!kind) throw new Refusal(400, `kind is one of ${FAULTS.join(", ")}`, { param: "kind" });
      faults.push({ kind, times: Number(body["times"] ?? 1), amount: Number(body["amount"] ?? 0) });
      reply(res, 200, {});
    } else if (what === "keys") {
      const state = KEY_STATES.find((k) => k === body["state"]);
      const m = /^[sr]k_(test|live)_/.exec(typeof body["key"] === "string" ? body["key"] : "");
      if (!state || !m) throw new Refusal(400, `key is a secret or restricted key, state one of ${KEY_STATES.join(", ")}`);
      const all = account.load();
      (all.keys ??= {})[sha256(body["key"] as string)] = { mode: m[1] as "test" | "live", state };
      account.save(all);
      reply(res, 200, {});
    } else throw new Refusal(404, "no such control");
  }
  async function deliver(type: string, object: unknown = { id: `obj_${alnum(24)}`, object: type.split(".")[0] }): Promise<{ event: string; deliveries: Delivery[] }> {
    const id = `evt_${alnum(24)}`;
    const wanting = account.load().endpoints.filter((e) => e.status === "enabled" && (e.enabled_events.includes("*") || e.enabled_events.includes(type)));
    return { event: id, deliveries: await Promise.all(wanting.map((e) => send(e, id, type, object))) };
  }
  async function send(e: Endpoint, id: string, type: string, object: unknown): Promise<Delivery> {
    // The sandbox calls this machine alone, whatever is declared.
    if (!loopback(new URL(e.url).hostname)) return { endpoint: e.id, attempts: 0, status: null };
    let status = 0;
    let attempts = 0;
    while (attempts < 3 && !closing.signal.aborted) {
      if (attempts++ > 0) await pause(retryMs * 2 ** (attempts - 2), closing.signal);
      const { body, signature } = sign(e, id, type, object, new Date());
      // As Stripe: anything but 2xx, a redirect too, is tried again.
      status = await fetch(e.url, { method: "POST", redirect: "manual", headers: { "content-type": "application/json; charset=utf-8", "stripe-signature": signature, "user-agent": "Stripe/1.0 (stackseal sandbox)" }, body, signal: AbortSignal.any([AbortSignal.timeout(10_000), closing.signal]) }).then((r) => r.status, () => 0);
      if (status >= 200 && status < 300) break;
    }
    return { endpoint: e.id, attempts, status };
  }

  await new Promise<void>((done, failed) => { server.once("error", failed).listen(port, "127.0.0.1", done); });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    deliver,
    close: () => new Promise((done) => {
      closing.abort();
      server.close(() => { done(); });
      server.closeAllConnections();
    }),
  };
}

const reply = (res: ServerResponse, status: number, body: unknown): void => {
  if (res.headersSent) return;
  res.writeHead(status, { "content-type": "application/json", "request-id": `req_${alnum(14)}` }).end(JSON.stringify(body));
};
const pause = (ms: number, signal: AbortSignal): Promise<void> => new Promise((done) => {
  const timer = setTimeout(done, ms);
  signal.addEventListener("abort", () => { clearTimeout(timer); done(); }, { once: true });
});
async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > 1 << 20) throw new Refusal(400, "Request too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
/** Whether the key is of live mode. */
function authorize(req: IncomingMessage, state: State): boolean {
  const auth = req.headers.authorization ?? "";
  const key = auth.startsWith("Bearer ") ? auth.slice(7) : auth.startsWith("Basic ") ? (Buffer.from(auth.slice(6), "base64").toString().split(":")[0] ?? "") : "";
  if (key === "") throw new Refusal(401, "You did not provide an API key.");
  const m = /^[sr]k_(test|live)_[A-Za-z0-9]{10,}$/.exec(key);
  const mode = m?.[1] as "test" | "live" | undefined;
  const registered = state.keys?.[sha256(key)]?.state;
  const closed = Object.values(state.keys ?? {}).some((k) => k.mode === mode) || (registered === undefined && mode !== undefined && !takenIn(key, state));
  const is = registered ?? (mode === undefined || closed || key.endsWith("dead") ? "dead" : key.endsWith("expired") ? "expired" : key.startsWith("rk_") && key.endsWith("norights") ? "restricted" : "active");
  if (is === "dead") throw new Refusal(401, "Invalid API Key provided");
  if (is === "expired") throw new Refusal(401, "Expired API Key provided", { code: "api_key_expired" });
  if (is === "restricted") throw new Refusal(403, "The provided key does not have the required permissions for this endpoint");
  return mode === "live";
}

/** Takes an unknown key in, unless it shares most of its quarters with a known one. */
function takenIn(key: string, state: State): boolean {
  const body = key.slice(8);
  const n = Math.ceil(body.length / 4);
  const pieces = [0, 1, 2, 3].map((i) => sha256(`${key.slice(0, 8)}${i}:${body.slice(i * n, (i + 1) * n)}`).slice(0, 16));
  const shared = Math.max(0, ...(state.seen ?? []).map((k) => k.filter((p, i) => p === pieces[i]).length));
  if (shared === 4) return true;
  if (shared >= 2) return false;
  state.seen = [...(state.seen ?? []).slice(-200), pieces];
  return true;
}

interface Outcome { readonly body: unknown; readonly changed?: boolean }
function route(req: IncomingMessage, url: URL, form: Form, body: string, state: State, livemode: boolean): Outcome {
  const mine = state.endpoints.filter((e) => e.livemode === livemode);
  const method = req.method ?? "";
  switch (`${method} ${url.pathname}`) {
    case "GET /v1/balance": return { body: { object: "balance", livemode, available: [{ amount: 0, currency: "usd" }], pending: [{ amount: 0, currency: "usd" }] } };
    case "GET /v1/account": return { body: { id: state.accountId, object: "account", type: "standard", country: "US", charges_enabled: true, payouts_enabled: true, details_submitted: true } };
    case "GET /v1/payment_intents": case "GET /v1/customers": case "GET /v1/subscriptions": case "GET /v1/prices": return { body: { object: "list", url: url.pathname, has_more: false, data: [] } };
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
function create(state: State, form: Form, livemode: boolean, mine: readonly Endpoint[], idempotency: string | string[] | undefined, body: string): Outcome {
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

interface Signed { readonly body: string; readonly signature: string }
function sign(e: Endpoint, id: string, type: string, object: unknown, now: Date): Signed {
  const t = Math.floor(now.getTime() / 1000);
  const body = JSON.stringify({ id, object: "event", api_version: e.api_version, created: t, livemode: e.livemode, pending_webhooks: 1, request: { id: null, idempotency_key: null }, type, data: { object } });
  // The whole whsec_ text is the key: prefix included, nothing decoded.
  return { body, signature: `t=${t},v1=${createHmac("sha256", e.secret).update(`${t}.${body}`).digest("hex")}` };
}
/** A test event as Stripe would send it, signed with an endpoint's own secret: body and `Stripe-Signature`. Null where there is no such endpoint. */
export function signedEvent(dir: string, endpointId: string, type: string, now: Date): Signed | null {
  const e = new Account(dir).load().endpoints.find((x) => x.id === endpointId);
  return e ? sign(e, `evt_${alnum(24)}`, type, { id: `pi_${alnum(24)}`, object: "payment_intent" }, now) : null;
}
