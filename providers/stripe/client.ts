import { randomUUID } from "node:crypto";
import type { FindingError } from "../../lib/finding.ts";
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
  readonly fetch?: typeof fetch;
  readonly timeoutMs?: number;
  /** Waits between tries; tests make it short. */
  readonly backoffMs?: number;
}

/** The version whose shapes are read here; an endpoint's own version is another matter. */
const API_VERSION = "2026-10-28.endive";
const ENDPOINTS = "/v1/webhook_endpoints";
const TRIES = 3;

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

/** Calls Stripe's webhook endpoints: a time limit, retries under one idempotency key, no redirects. Throws FindingError; no message carries a key. */
export class StripeClient {
  private readonly o: ClientOptions;
  constructor(options: ClientOptions) {
    this.o = options;
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

  private async call(method: string, path: string, form?: Form, missingIsNull = false): Promise<unknown> {
    const what = `${method} ${path.split("?")[0] ?? path}`;
    // One key for all tries of one call: a try that Stripe carried out without our hearing of it isn't carried out twice.
    const idempotency = method === "POST" ? `stackseal-${randomUUID()}` : undefined;
    let last = "no answer";
    for (let attempt = 0; attempt < TRIES; attempt++) {
      if (this.o.signal?.aborted) throw fail("PROVIDER_CANCELLED", "cancelled before Stripe was asked");
      const got = await this.once(method, path, form, idempotency);
      if ("body" in got && got.status < 300) return got.body;
      if ("body" in got && got.status === 404 && missingIsNull) return null;
      if ("body" in got && !retryable(got)) throw this.refusal(what, got);
      last = "body" in got ? `HTTP ${got.status}` : got.why;
      if (attempt < TRIES - 1) await this.pause(attempt, "body" in got ? got.retryAfter : null);
    }
    throw fail("STRIPE_UNREACHABLE", `Stripe didn't answer ${what} (${last}), asked ${TRIES} times`, undefined, "run again: an interrupted creation is found by its stamp and finished or undone", 3);
  }
  private async once(method: string, path: string, form: Form | undefined, idempotency: string | undefined): Promise<Answer | { readonly why: string }> {
    const limit = AbortSignal.timeout(this.o.timeoutMs ?? 10_000);
    try {
      const r = await (this.o.fetch ?? fetch)((this.o.base ?? "https://api.stripe.com") + path, {
        // A redirect would carry the key to where it points.
        method, redirect: "error", signal: this.o.signal ? AbortSignal.any([limit, this.o.signal]) : limit,
        headers: {
          authorization: `Bearer ${this.o.key}`, "stripe-version": API_VERSION, accept: "application/json",
          ...(form && { "content-type": "application/x-www-form-urlencoded" }),
          ...(idempotency !== undefined && { "idempotency-key": idempotency }),
          ...(this.o.account !== undefined && { "stripe-account": this.o.account }),
        },
        ...(form && { body: encodeForm(form) }),
      });
      const body = JSON.parse(await r.text()) as unknown;
      return { status: r.status, body, retryAfter: r.headers.get("retry-after"), shouldRetry: r.headers.get("stripe-should-retry"), requestId: r.headers.get("request-id") };
    } catch (e) {
      return { why: limit.aborted ? "timed out" : e instanceof SyntaxError ? "an answer that isn't JSON" : "connection failed" };
    }
  }
  private async pause(attempt: number, retryAfter: string | null): Promise<void> {
    const base = (this.o.backoffMs ?? 300) * 2 ** attempt;
    const asked = Number(retryAfter ?? "") * 1000;
    const ms = Math.min(10_000, Math.max(asked > 0 ? asked : 0, base * (0.5 + Math.random() / 2)));
    await new Promise<void>((done) => {
      const timer = setTimeout(done, ms);
      this.o.signal?.addEventListener("abort", () => { clearTimeout(timer); done(); }, { once: true });
    });
  }
  private refusal(what: string, a: Answer): FindingError {
    const error = ((a.body as { error?: unknown } | null)?.error ?? {}) as Readonly<Record<string, unknown>>;
    const said = (k: string): string => (typeof error[k] === "string" ? redact(error[k], [this.o.key]) : "");
    const detail = [said("code") || said("type"), said("param"), a.requestId !== null && /^req_\w{1,64}$/.test(a.requestId) ? a.requestId : ""].filter(Boolean).join(", ");
    const at = `${what}: HTTP ${a.status}${detail ? ` (${detail})` : ""}`;
    if (a.status === 401) return fail("STRIPE_KEY_REFUSED", `Stripe refuses the API key, ${at}`, undefined, "it was revoked, has expired or is mistyped: stackseal secret set stripe.secretKey");
    if (a.status === 403) return fail("STRIPE_KEY_RESTRICTED", `the API key is alive and lacks the right for webhook endpoints, ${at}`, undefined, "give the restricted key write access to webhook endpoints");
    if (/maximum|limit/i.test(said("message")) && /webhook endpoints/i.test(said("message"))) return fail("STRIPE_LIMIT", "the account has its 16 webhook endpoints", undefined, "remove one that nobody needs in Stripe's dashboard");
    return fail("STRIPE_REFUSED", `Stripe refused ${at}: ${said("message")}`);
  }
}
interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfter: string | null;
  readonly shouldRetry: string | null;
  readonly requestId: string | null;
}
const retryable = (a: Answer): boolean => a.shouldRetry === "true" || (a.shouldRetry !== "false" && (a.status === 409 || a.status === 429 || a.status >= 500));
