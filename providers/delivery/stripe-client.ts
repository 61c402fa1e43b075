import { FindingError } from "../../lib/finding.ts";
import { deliveryCodes } from "./place.ts";

export interface StripeEndpoint {
  readonly id: string;
  readonly url: string;
  readonly enabled_events: readonly string[];
  readonly api_version: string | null;
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly status: "enabled" | "disabled";
  readonly livemode: boolean;
  readonly created: number;
  /** In the answer to a create alone. */
  readonly secret?: string;
}
type Form = Readonly<Record<string, string | boolean | readonly string[] | Readonly<Record<string, string>> | undefined>>;

const encode = (form: Form): string => {
  const out = new URLSearchParams();
  for (const [k, v] of Object.entries(form)) {
    if (v === undefined) continue;
    if (Array.isArray(v)) for (const x of v as readonly string[]) out.append(`${k}[]`, x);
    else if (typeof v === "object") for (const [n, x] of Object.entries(v)) out.append(`${k}[${n}]`, x);
    else out.append(k, String(v));
  }
  return out.toString();
};

/** Calls Stripe's v1 API: 10 s a try, two retries on 429, 5xx and network. Throws FindingError; no message carries the key or a body. */
export class StripeClient {
  private readonly key: string;
  private readonly root: string;
  constructor(key: string, root = "https://api.stripe.com") {
    this.key = key;
    this.root = root;
  }
  list(): Promise<StripeEndpoint[]> {
    return this.pages();
  }
  create(form: Form, idempotencyKey: string): Promise<StripeEndpoint> {
    return this.call("POST", "/v1/webhook_endpoints", form, idempotencyKey) as Promise<StripeEndpoint>;
  }
  update(id: string, form: Form): Promise<StripeEndpoint> {
    return this.call("POST", `/v1/webhook_endpoints/${encodeURIComponent(id)}`, form) as Promise<StripeEndpoint>;
  }
  /** Null where there is no such endpoint. */
  async retrieve(id: string): Promise<StripeEndpoint | null> {
    return (await this.call("GET", `/v1/webhook_endpoints/${encodeURIComponent(id)}`, {}, undefined, true)) as StripeEndpoint | null;
  }
  /** Missing is fine. */
  async remove(id: string): Promise<void> {
    await this.call("DELETE", `/v1/webhook_endpoints/${encodeURIComponent(id)}`, {}, undefined, true);
  }
  private async pages(): Promise<StripeEndpoint[]> {
    const all: StripeEndpoint[] = [];
    for (let after: string | undefined; ; ) {
      const page = (await this.call("GET", `/v1/webhook_endpoints?limit=100${after === undefined ? "" : `&starting_after=${after}`}`, {})) as { data: StripeEndpoint[]; has_more: boolean };
      all.push(...page.data);
      after = page.data.at(-1)?.id;
      if (!page.has_more || after === undefined) return all;
    }
  }
  private async call(method: string, path: string, form: Form, idempotencyKey?: string, missingIsNull = false): Promise<unknown> {
    let last = "";
    for (let attempt = 0; attempt < 3; attempt++) {
      if (attempt > 0) await new Promise((r) => setTimeout(r, 250 * 2 ** attempt * (0.5 + Math.random() / 2)));
      let response: Response;
      try {
        response = await fetch(this.root + path, {
          method, signal: AbortSignal.timeout(10_000), redirect: "error",
          headers: { authorization: `Bearer ${this.key}`, "content-type": "application/x-www-form-urlencoded", ...(idempotencyKey !== undefined && { "idempotency-key": idempotencyKey }) },
          ...(method === "POST" && { body: encode(form) }),
        });
      } catch {
        last = "no answer";
        continue;
      }
      if (response.ok) return (await response.json()) as unknown;
      if (response.status === 404 && missingIsNull) return null;
      if (response.status === 429 || response.status >= 500) {
        last = `HTTP ${response.status}`;
        continue;
      }
      const body = (await response.json().catch(() => ({}))) as { error?: { code?: string; type?: string; param?: string } };
      const why = [body.error?.type, body.error?.code, body.error?.param].filter((x) => typeof x === "string" && /^[a-z0-9_[\].]{1,60}$/.test(x)).join(", ");
      throw new FindingError(deliveryCodes.finding("STRIPE_REFUSED", { message: `Stripe refused ${method} ${path.split("?")[0] ?? ""}: HTTP ${response.status}${why ? ` (${why})` : ""}`, hint: response.status === 401 ? "the key is dead or mistyped: stackseal doctor" : response.status === 403 ? "the key lacks a permission for webhook endpoints" : undefined }));
    }
    throw new FindingError(deliveryCodes.finding("STRIPE_UNREACHABLE", { message: `Stripe didn't answer ${method} ${path.split("?")[0] ?? ""} (${last})`, hint: "run again; nothing was half-written" }), 3);
  }
}
