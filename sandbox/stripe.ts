import { createHmac } from "node:crypto";
import { sha256 } from "../lib/sha256.ts";
import { loopback } from "../schemas/fields.ts";
import { json, pause, serve, type Control, type Incoming, type Reply } from "./server.ts";
import { EVENTS, route } from "./stripe-routes.ts";
import { Account, alnum, authorize, Refusal, STRIPE_KEY_STATES, type Endpoint } from "./stripe-state.ts";

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

/**
 * A stateful fake of Stripe's balance, account, events and webhook endpoints, on 127.0.0.1 alone and kept in `dir`.
 * As at Stripe: the secret on create only, 16 endpoints, HTTPS in live mode, idempotency keys, pages, 401 and 403, signed deliveries with retries.
 * Any well-formed key that is no near miss of a known one is accepted until one is registered at `POST /_sandbox/keys`; a key that ends in `dead`, `expired` or, restricted, `norights` never is.
 */
export async function startStripe(dir: string, port = 0, options: { readonly retryMs?: number } = {}): Promise<StripeSandbox> {
  const account = new Account(dir);
  const retryMs = options.retryMs ?? 500;
  const closing = new AbortController();

  function handle(req: Incoming): Reply {
    const state = account.load();
    const seen = state.seen?.length ?? 0;
    try {
      const livemode = authorize(req, state);
      const result = route(req, state, livemode);
      if (result.changed === true || (state.seen?.length ?? 0) !== seen) account.save(state);
      return stripeJson(200, result.body);
    } catch (e) {
      if (!(e instanceof Refusal)) throw e;
      if ((state.seen?.length ?? 0) !== seen) account.save(state);
      return stripeJson(e.status, { error: { ...e.body, message: e.message } });
    }
  }
  const control: Control = async (what, body) => {
    const refuse = (message: string): Reply => stripeJson(400, { error: { type: "invalid_request_error", message } });
    if (what === "events") return typeof body["type"] !== "string" || !EVENTS.has(body["type"]) ? refuse("unknown event type") : stripeJson(200, await deliver(body["type"], body["object"]));
    if (what === "account") {
      const all = account.load();
      all.facts = { ...all.facts, ...body };
      account.save(all);
      return stripeJson(200, {});
    }
    if (what !== "keys" && what !== "credentials") return json(404, { message: "no such control" });
    const key = body["key"] ?? body["value"];
    const state = STRIPE_KEY_STATES.find((k) => k === body["state"]);
    const m = /^[sr]k_(test|live)_/.exec(typeof key === "string" ? key : "");
    if (!state || !m) return refuse(`key is a secret or restricted key, state one of ${STRIPE_KEY_STATES.join(", ")}`);
    const all = account.load();
    (all.keys ??= {})[sha256(key as string)] = { mode: m[1] as "test" | "live", state, ...(Array.isArray(body["denied"]) && { denied: body["denied"].map(String) }) };
    account.save(all);
    return stripeJson(200, {});
  };
  async function deliver(type: string, object: unknown = { id: `obj_${alnum(24)}`, object: type.split(".")[0] }): Promise<{ event: string; deliveries: Delivery[] }> {
    const id = `evt_${alnum(24)}`;
    const wanting = account.load().endpoints.filter((e) => e.status === "enabled" && (e.enabled_events.includes("*") || e.enabled_events.includes(type)));
    const sent = await Promise.all(wanting.map(async (e) => ({ livemode: e.livemode, delivery: await send(e, id, type, object) })));
    const state = account.load();
    const failed = sent.filter((x) => x.delivery.status !== null && (x.delivery.status < 200 || x.delivery.status >= 300));
    state.events = [{ id, type, created: Math.floor(Date.now() / 1000), livemode: sent[0]?.livemode ?? false, delivered: failed.length === 0 }, ...(state.events ?? [])].slice(0, 100);
    account.save(state);
    return { event: id, deliveries: sent.map((x) => x.delivery) };
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

  const served = await serve(port, handle, control, () => stripeJson(429, { error: { type: "invalid_request_error", code: "rate_limit", message: "Too many requests" } }));
  return {
    url: served.url, deliver,
    close: async () => {
      closing.abort();
      await served.close();
    },
  };
}
const stripeJson = (status: number, body: unknown): Reply => json(status, body, { "request-id": `req_${alnum(14)}` });

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
