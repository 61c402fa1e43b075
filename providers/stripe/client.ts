import { randomUUID } from "node:crypto";
import type { FindingError } from "../../lib/finding.ts";
import { createHttp, type Http, type HttpAnswer } from "../../lib/http.ts";
import { jsonIn } from "../../lib/json.ts";
import { fail } from "../input.ts";
import { redact } from "../redact.ts";

export interface StripeEndpoint {
  readonly id: string;
  readonly url: string;
  readonly enabled_events: readonly string[];
  readonly api_version: string | null;
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly status: string;
  readonly livemode: boolean;
  readonly created: number;
  /** In the answer to a create alone. */
  readonly secret?: string;
}
type FormValue = string | boolean | readonly string[] | Readonly<Record<string, string>> | undefined;
export type Form = Readonly<Record<string, FormValue>>;

export interface ClientOptions {
  readonly key: string;
  /** Stripe's own, or a loopback sandbox's; judged by the caller. */
  readonly base?: string;
  /** Connected account, sent as Stripe-Account. */
  readonly account?: string;
  readonly signal?: AbortSignal;
  /** The process's variables: HTTPS_PROXY and its kin. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Another client than one of its own. */
  readonly http?: Http;
}

/** The version whose shapes are read here; an endpoint's own version is another matter. */
const API_VERSION = "2026-10-28.endive";
const ENDPOINTS = "/v1/webhook_endpoints";

export function encodeForm(form: Form): string {
  const out = new URLSearchParams();
  for (const [k, v] of Object.entries(form)) {
    if (v === undefined) continue;
    if (typeof v === "string" || typeof v === "boolean") out.append(k, String(v));
    else if (Array.isArray(v)) for (const e of v as readonly string[]) out.append(`${k}[]`, e);
    else for (const [n, e] of Object.entries(v)) out.append(`${k}[${n}]`, e);
  }
  return out.toString();
}

/** Calls Stripe's webhook endpoints by the shared client: a time limit, retries under one idempotency key, no redirects. Throws FindingError; no message carries a key. */
export class StripeClient {
  private readonly o: ClientOptions;
  private readonly http: Http;
  constructor(options: ClientOptions) {
    this.o = options;
    this.http = options.http ?? createHttp({ env: options.env ?? {}, timeoutMs: 10_000, maxWaitMs: 10_000, backoffMs: 300 });
  }
  async list(): Promise<StripeEndpoint[]> {
    const all: StripeEndpoint[] = [];
    for (let after: string | undefined; ; ) {
      const page = (await this.call("GET", `${ENDPOINTS}?limit=100${after === undefined ? "" : `&starting_after=${encodeURIComponent(after)}`}`)) as { data: StripeEndpoint[]; has_more: boolean };
      all.push(...page.data);
      after = page.data.at(-1)?.id;
      if (!page.has_more || after === undefined) return all;
    }
  }
  create(form: Form): Promise<StripeEndpoint> {
    return this.call("POST", ENDPOINTS, form) as Promise<StripeEndpoint>;
  }
  update(id: string, form: Form): Promise<StripeEndpoint> {
    return this.call("POST", `${ENDPOINTS}/${encodeURIComponent(id)}`, form) as Promise<StripeEndpoint>;
  }
  /** Null where the key's account has no such endpoint. */
  retrieve(id: string): Promise<StripeEndpoint | null> {
    return this.call("GET", `${ENDPOINTS}/${encodeURIComponent(id)}`, undefined, true) as Promise<StripeEndpoint | null>;
  }
  /** Fine where there is none. */
  async remove(id: string): Promise<void> {
    await this.call("DELETE", `${ENDPOINTS}/${encodeURIComponent(id)}`, undefined, true);
  }

  private async call(method: "GET" | "POST" | "DELETE", path: string, form?: Form, missingIsNull = false): Promise<unknown> {
    const what = `${method} ${path.split("?")[0] ?? path}`;
    const got = await this.http.send({
      method, url: (this.o.base ?? "https://api.stripe.com") + path,
      headers: {
        authorization: `Bearer ${this.o.key}`, "stripe-version": API_VERSION,
        ...(form && { "content-type": "application/x-www-form-urlencoded" }),
        // One key for all tries of one call: a try that Stripe carried out without our hearing of it isn't carried out twice.
        ...(method === "POST" && { "idempotency-key": `stackseal-${randomUUID()}` }),
        ...(this.o.account !== undefined && { "stripe-account": this.o.account }),
      },
      ...(form && { body: encodeForm(form) }), retry: worthAnother,
    }, this.o.signal);
    if (!got.ok && got.code === "CANCELLED") throw fail("PROVIDER_CANCELLED", "cancelled before Stripe answered");
    const body = got.ok ? jsonIn(got.text) : undefined;
    if (got.ok && body !== undefined && got.status === 404 && missingIsNull) return null;
    if (got.ok && body !== undefined && got.status < 300) return body;
    if (got.ok && body !== undefined && !worthAnother(got)) throw this.refusal(what, got, body);
    throw fail("STRIPE_UNREACHABLE", `Stripe didn't answer ${what} (${got.ok ? (body === undefined ? "an answer that isn't JSON" : `HTTP ${got.status}`) : got.message}), asked ${got.tries} times`, undefined, "run again: an interrupted creation is found by its stamp and finished or undone", 3);
  }
  private refusal(what: string, a: HttpAnswer, body: unknown): FindingError {
    const error = ((body as { error?: unknown } | null)?.error ?? {}) as Readonly<Record<string, unknown>>;
    const said = (k: string): string => (typeof error[k] === "string" ? redact(error[k], [this.o.key]) : "");
    const detail = [said("code") || said("type"), said("param"), /^req_\w{1,64}$/.test(a.headers["request-id"] ?? "") ? a.headers["request-id"] : ""].filter(Boolean).join(", ");
    const at = `${what}: HTTP ${a.status}${detail ? ` (${detail})` : ""}`;
    if (a.status === 401) return fail("STRIPE_KEY_REFUSED", `Stripe refuses the API key, ${at}`, undefined, "it was revoked, has expired or is mistyped: stackseal secret set stripe.secretKey");
    if (a.status === 403) return fail("STRIPE_KEY_RESTRICTED", `the API key is alive and lacks the right for webhook endpoints, ${at}`, undefined, "give the restricted key write access to webhook endpoints");
    if (/maximum|limit/i.test(said("message")) && /webhook endpoints/i.test(said("message"))) return fail("STRIPE_LIMIT", "the account has its 16 webhook endpoints", undefined, "remove one that nobody needs in Stripe's dashboard");
    return fail("STRIPE_REFUSED", `Stripe refused ${at}: ${said("message")}`);
  }
}
/** Stripe says itself whether a try is worth another; an answer that isn't its JSON comes from something in between. */
function worthAnother(a: HttpAnswer): boolean {
  const said = a.headers["stripe-should-retry"];
  return jsonIn(a.text) === undefined || said === "true" || (said !== "false" && (a.status === 409 || a.status === 429 || a.status >= 500));
}
