import { createHmac } from "node:crypto";
import type { Http } from "../lib/http.ts";
import type { Payments } from "../schemas/environment.ts";
import type { DoctorCode } from "./codes.ts";
import { read, unreachable } from "./answer.ts";
import { answered, ask, type Target } from "./call.ts";
import { step, type StepResult } from "./step.ts";

export interface EndpointsSubject extends Target {
  readonly value: string;
  readonly payments: Payments;
  readonly environment: string;
  readonly platformUrl: string;
}
interface Endpoint {
  readonly id: string; readonly url: string; readonly status: string; readonly livemode: boolean; readonly api_version: string | null;
  readonly enabled_events: readonly string[]; readonly stack: string | null; readonly name: string | null;
}
const LIMIT = 16;
/** Each field by its own name: no other field of an endpoint is looked at. */
const FIELDS = ["id", "url", "status", "livemode", "api_version", "metadata.managed_by", "metadata.stack", "metadata.name", "enabled_events"];
const call = (query: string): Parameters<typeof ask>[0] => ({ method: "GET", url: `https://api.stripe.com/v1/${query}`, auth: { kind: "bearer" }, headers: { "stripe-version": "2026-10-28.endive" } });

/** The declared webhook endpoints against Stripe's: exists, ours, enabled, URL, events, API version, mode; how many of 16; events that weren't delivered. */
export async function examineEndpoints(s: EndpointsSubject): Promise<StepResult[]> {
  const all: Endpoint[] = [];
  // More pages than the limit allows endpoints isn't Stripe.
  for (let after = "", pages = 0; pages < 5; pages++) {
    const keep = ["has_more", "data.length", ...Array.from({ length: 100 }, (_, i) => FIELDS.map((f) => `data.${i}.${f}`)).flat()];
    const got = await ask(call(`webhook_endpoints?limit=100${after === "" ? "" : `&starting_after=${after}`}`), s, s.value, keep);
    if (!answered(got)) {
      const u = unreachable(got);
      return [step("permissions", u.verdict, u.code, `webhook endpoints: ${u.message}`, u.next)];
    }
    // A key without the right is said by the permissions already.
    if (got.status === 401 || got.status === 403) return [step("permissions", "skipped", "NOT_ASKED", "the webhook endpoints can't be listed with this key")];
    if (got.status !== 200) {
      const r = read(got, { readings: [], page: "https://dashboard.stripe.com/webhooks" }, "Stripe", "stripe.secretKey");
      return [step("permissions", "inconclusive", r.code, `webhook endpoints: ${r.message}`, r.next)];
    }
    const count = got.fields.get("data.length");
    if (typeof count !== "number") return [step("permissions", "inconclusive", "ANSWER_UNREADABLE", "webhook endpoints: the answer isn't Stripe's list", "this isn't Stripe's answer: look at a proxy or a mock in between")];
    for (let i = 0; i < count; i++) {
      const f = (name: string): unknown => got.fields.get(`data.${i}.${name}`);
      const text = (name: string): string | null => (typeof f(name) === "string" ? (f(name) as string) : null);
      all.push({ id: text("id") ?? "", url: text("url") ?? "", status: text("status") ?? "", livemode: f("livemode") === true, api_version: text("api_version"), enabled_events: (f("enabled_events") as string[] | undefined) ?? [], stack: text("metadata.managed_by") === "stackseal" ? text("metadata.stack") : null, name: text("metadata.name") });
    }
    after = all.at(-1)?.id ?? "";
    if (got.fields.get("has_more") !== true || count === 0) break;
  }
  const used = all.length;
  return [
    ...Object.entries(s.payments.stripe.webhooks).flatMap(([name, w]) => judge(s, name, w, all)),
    step("limits", used >= LIMIT ? "invalid" : "valid", used >= LIMIT ? "LIMIT_EXCEEDED" : used >= LIMIT - 2 ? "LIMIT_NEAR" : "LIMITS_FINE", `${used} of ${LIMIT} webhook endpoints are used`, used >= LIMIT - 2 ? "remove endpoints that nobody needs: https://dashboard.stripe.com/webhooks" : ""),
    await failures(s),
  ];
}
function judge(s: EndpointsSubject, name: string, w: Payments["stripe"]["webhooks"][string], all: readonly Endpoint[]): StepResult[] {
  const url = new URL(w.path, s.platformUrl).href;
  const say = (code: DoctorCode, message: string, next: string): StepResult => step("permissions", "invalid", code, `webhook ${name}: ${message}`, next);
  const up = `stackseal preview --env ${s.environment}, then up`;
  const ours = all.filter((e) => e.stack?.endsWith(`/${s.environment}-payments`) === true && e.name === name);
  const e = ours.find((x) => x.url === url) ?? ours[0];
  if (!e) {
    const foreign = all.find((x) => x.url === url);
    return [foreign ? say("ENDPOINT_FOREIGN", `an endpoint with this URL exists (${foreign.id}) and isn't this environment's`, "remove it in Stripe's dashboard, or every event comes twice after up") : say("ENDPOINT_MISSING", "Stripe has no such endpoint", up)];
  }
  const wanted = new Set(w.events);
  const has = new Set(e.enabled_events);
  const missing = has.has("*") ? [] : w.events.filter((x) => !has.has(x));
  const extra = [...has].filter((x) => !wanted.has(x));
  const wrong = [
    ...(ours.length > 1 ? [say("ENDPOINT_DUPLICATE", `${ours.length} endpoints carry this name: a replacement is under way, or was cut`, up)] : []),
    ...((e.status !== "disabled") === (w.disabled === true) ? [say("ENDPOINT_DISABLED", w.disabled === true ? "enabled, declared as disabled" : "Stripe has disabled it, or somebody did", `find out why deliveries failed, then ${up}`)] : []),
    ...(e.url !== url ? [say("ENDPOINT_URL", "points to another URL than declared", up)] : []),
    ...(missing.length ? [say("ENDPOINT_EVENTS", `doesn't listen to ${missing.join(", ")}`, up)] : []),
    ...(extra.length ? [say("ENDPOINT_EVENTS", `listens to ${extra.slice(0, 5).join(", ")}${extra.length > 5 ? " and more" : ""}, which nobody declared`, up)] : []),
    ...(e.api_version !== w.apiVersion ? [say("ENDPOINT_API_VERSION", `speaks ${e.api_version ?? "the account's version"}, declared is ${w.apiVersion}`, up)] : []),
    ...(e.livemode !== (s.payments.stripe.mode === "live") ? [say("ENVIRONMENT_WRONG", `is of ${e.livemode ? "live" : "test"} mode`, up)] : []),
  ];
  return wrong.length ? wrong : [step("permissions", "valid", "ENDPOINT_FINE", `webhook ${name}: ${e.id} is ours, enabled, with URL, ${w.events.length} events and version as declared`)];
}
/** Stripe keeps events for 30 days, and which of them an endpoint hasn't taken. */
async function failures(s: EndpointsSubject): Promise<StepResult> {
  const types = Array.from({ length: 20 }, (_, i) => `data.${i}.type`);
  const got = await ask(call("events?delivery_success=false&limit=20"), s, s.value, ["data.length", "has_more", ...types]);
  if (!answered(got) || got.status !== 200) return step("logs", "skipped", "ERRORS_NOT_TOLD", "undelivered events can't be listed with this key");
  const n = got.fields.get("data.length");
  if (typeof n !== "number") return step("logs", "skipped", "ERRORS_NOT_TOLD", "the answer isn't Stripe's list of events");
  if (n === 0) return step("logs", "valid", "NO_RECENT_ERRORS", "no undelivered events in the last 30 days");
  const said = [...new Set(types.map((t) => got.fields.get(t)).filter((t) => typeof t === "string" && /^[a-z_.]{1,80}$/.test(t)) as string[])];
  return step("logs", "invalid", "DELIVERIES_FAILED", `${n}${got.fields.get("has_more") === true ? " or more" : ""} events weren't delivered: ${said.slice(0, 5).join(", ")}`, "look at the application's answers to them (https://dashboard.stripe.com/webhooks), mend it, then resend");
}

export interface Delivery {
  readonly http: Http;
  readonly signal: AbortSignal;
  readonly name: string;
  readonly url: string;
  /** The signing secret in force; null where it can't be read, with the reason. */
  readonly secret: string | null;
  readonly why: string;
  readonly apiVersion: string;
  readonly live: boolean;
  readonly now: Date;
}
/** Sends the platform a signed event that means nothing, and one with a wrong signature first: the right one must be taken, the wrong one refused. */
export async function deliverSelfTest(d: Delivery): Promise<StepResult> {
  const say = (verdict: StepResult["verdict"], code: DoctorCode, message: string, next = ""): StepResult => step("logs", verdict, code, `webhook ${d.name}: ${message}`, next);
  if (d.secret === null) return say("skipped", "SIGNING_SECRET_UNREADABLE", `no self-test: ${d.why}`, "run it as an identity that may read the store");
  const t = Math.floor(d.now.getTime() / 1000);
  const body = JSON.stringify({ id: `evt_stackseal_${t}`, object: "event", api_version: d.apiVersion, created: t, livemode: d.live, pending_webhooks: 0, request: { id: null, idempotency_key: null }, type: "stackseal.self_test", data: { object: { object: "stackseal.self_test" } } });
  const post = (key: string): ReturnType<Http["send"]> => d.http.send({ method: "POST", url: d.url, headers: { "content-type": "application/json; charset=utf-8", "stripe-signature": `t=${t},v1=${createHmac("sha256", key).update(`${t}.${body}`).digest("hex")}` }, body }, d.signal);
  const wrong = await post(`${d.secret}x`);
  const right = await post(d.secret);
  if (!right.ok) return say("inconclusive", "PLATFORM_UNREACHABLE", `the platform doesn't answer (${right.message})`, "look at the platform's address, firewall and certificate");
  if (right.status === 429 || right.status >= 500) return say("inconclusive", "PLATFORM_UNREACHABLE", `the platform answers ${right.status}: it doesn't judge the event`, "look at the platform's log: is it up behind its load balancer?");
  if (right.status < 200 || right.status >= 300) return say("invalid", "SELF_TEST_REFUSED", `the platform answers ${right.status} to a rightly signed event`, "does it run with the signing secret that is in force? Restart it after up; then look at its log");
  if (wrong.ok && wrong.status >= 200 && wrong.status < 300) return say("invalid", "SIGNATURE_NOT_CHECKED", "the platform takes an event with a wrong signature as well", "verify every event with the official library: anybody can post to this URL");
  if (!wrong.ok || wrong.status === 429 || wrong.status >= 500) return say("inconclusive", "PLATFORM_UNREACHABLE", `a signed event is taken; that one with a wrong signature is refused couldn't be seen (${wrong.ok ? wrong.status : wrong.message})`, "run again; an application that fails on a wrong signature must answer 400");
  return say("valid", "SELF_TEST_TAKEN", "a signed event is taken, and one with a wrong signature refused");
}
