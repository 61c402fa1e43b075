import { z } from "zod";
import { name, oneLine } from "../fields.ts";
import { defineIntegration } from "../integration.ts";
import type { ReplaceRotation } from "../rotation.ts";
import { API_CHECKLIST } from "./checklist.ts";

const webhook = z.strictObject({
  path: z.string().max(200).regex(/^\/[A-Za-z0-9/_.-]*$/, "an absolute path on the platform's URL"),
  apiVersion: z.string().regex(/^\d{4}-\d{2}-\d{2}(\.[a-z]+)?$/, "a Stripe API version such as 2026-10-28.endive"),
  events: z.array(z.string()).min(1).max(300),
  connect: z.boolean().optional(),
  description: oneLine.optional(),
  disabled: z.boolean().optional(),
});

export const stripe = defineIntegration({
  id: "stripe",
  title: "Stripe",
  chapter: "Stripe API Configuration (Super Admin)",
  file: "payments",
  settings: z.strictObject({
    mode: z.enum(["test", "live"]),
    publishableKey: z.string().regex(/^pk_(test|live)_[A-Za-z0-9]{24,247}$/, "pk_test_ or pk_live_ and at least 24 letters and digits"),
    webhooks: z.record(name, webhook),
    apiBase: z.string().optional().describe("The sandbox's address; loopback only"),
  }),
  secrets: {
    secretKey: {
      title: "Secret or restricted key",
      class: "payments",
      // Lengths have changed over the years (24 to 99 and more): prefix, alphabet and a minimum, never an exact length.
      format: { pattern: /^(sk|rk)_(test|live)_[A-Za-z0-9]{24,247}$/, says: "sk_ or rk_, test_ or live_, and at least 24 letters and digits" },
      modeOf: (v: string) => (/^[sr]k_test_/.test(v) ? "test" : /^[sr]k_live_/.test(v) ? "live" : null),
      accepts: ["sk_test_{alnum:24}", "sk_live_{alnum:99}", "rk_test_{alnum:24}", "rk_live_{alnum:107}"],
      rejects: [
        { sample: "pk_test_{alnum:24}", why: "a publishable key" },
        { sample: "sk_test_{alnum:12}", why: "too short" },
        { sample: " sk_test_{alnum:24}", why: "a leading space" },
        { sample: "sk_test_{alnum:24}\n", why: "a trailing newline" },
        { sample: "whsec_{alnum:32}", why: "a webhook signing secret" },
      ],
      env: ["STRIPE_SECRET"],
      maxAgeDays: 90,
      probe: {
        kind: "http",
        call: { method: "GET", url: "https://api.stripe.com/v1/balance", auth: { kind: "bearer" } },
        keep: ["livemode"],
        readings: [
          { status: 401, field: "error.code", is: "api_key_expired", verdict: "invalid", code: "CREDENTIAL_EXPIRED", message: "the key was rolled or has expired", next: "take the new key from https://dashboard.stripe.com/apikeys, then stackseal secret set stripe.secretKey" },
          { status: 403, verdict: "valid", code: "CREDENTIAL_RESTRICTED", message: "the key is alive and restricted: it may not read the balance", next: "the permissions below say what it lacks" },
        ],
        facts: [{ kind: "tier", field: "livemode", production: [true], others: [false], what: "live mode" }],
        more: [
          {
            what: "account", call: { method: "GET", url: "https://api.stripe.com/v1/account", auth: { kind: "bearer" } }, keep: ["id", "charges_enabled"], forbidden: "the key may not read the account",
            facts: [{ kind: "account", field: "id" }, { kind: "standing", field: "charges_enabled", good: [true], productionOnly: true }],
          },
        ],
        permissions: [
          { what: "webhook endpoints", when: "webhooks", call: { method: "GET", url: "https://api.stripe.com/v1/webhook_endpoints?limit=1", auth: { kind: "bearer" } } },
          { what: "payment intents", when: "webhooks", mentions: "payment_intent.", call: { method: "GET", url: "https://api.stripe.com/v1/payment_intents?limit=1", auth: { kind: "bearer" } } },
          { what: "subscriptions", when: "webhooks", mentions: "customer.subscription.", call: { method: "GET", url: "https://api.stripe.com/v1/subscriptions?limit=1", auth: { kind: "bearer" } } },
          { what: "customers", when: "webhooks", mentions: "customer.", call: { method: "GET", url: "https://api.stripe.com/v1/customers?limit=1", auth: { kind: "bearer" } } },
          { what: "prices", when: "webhooks", mentions: "customer.subscription.", call: { method: "GET", url: "https://api.stripe.com/v1/prices?limit=1", auth: { kind: "bearer" } } },
        ],
        unprovable: "reads are proven; write scopes can't be without writing",
        limits: [],
        limitsKnown: "100 requests a second in live mode, 25 in test mode",
        control: "once",
        logLine: "StripeAuthenticationError or StripePermissionError, and the header Request-Id",
        page: "https://dashboard.stripe.com/apikeys",
      },
      rotation: {
        kind: "guided", danger: 100,
        page: "https://dashboard.stripe.com/apikeys",
        overlap: "the old key stays valid for up to 7 days, chosen at the rotation",
        steps: ["Open Developers → API keys", "Rotate the key and choose how long the old one stays valid", "Copy the new key"],
        revoke: "On the same page: expire the old key now",
      },
    },
  },
  env: { STRIPE_MODE: "mode", STRIPE_KEY: "publishableKey" },
  find: [
    { what: "publishableKey and secret key", where: "Stripe Dashboard → Developers → API keys (test and live mode have their own)", url: "https://dashboard.stripe.com/apikeys" },
    { what: "webhooks", where: "nothing to copy: up makes the endpoints and keeps their signing secrets; existing ones are listed here", url: "https://dashboard.stripe.com/webhooks" },
  ],
  checklist: API_CHECKLIST,
  docs: "https://docs.stripe.com/keys",
});

const key = { kind: "bearer", as: "current" } as const;
const endpoints = "https://api.stripe.com/v1/webhook_endpoints";
/** How the signing secret of an endpoint is replaced, which Stripe alone mints and shows once: by a second endpoint. Stripe's API has no other way. */
export const ENDPOINT_ROTATION: ReplaceRotation & { readonly danger: number } = {
  kind: "replace", danger: 80, graceSeconds: 3600, overlap: "unbounded: both endpoints live, and every event comes over both, until the old one is deleted; event ids tell them apart",
  list: { method: "GET", url: `${endpoints}?limit=100`, auth: key, items: "data", id: "id" },
  create: { method: "POST", url: endpoints, auth: key },
  update: { method: "POST", url: `${endpoints}/{id}`, auth: key },
  retrieve: { method: "GET", url: `${endpoints}/{id}`, auth: key, done: [404] },
  remove: { method: "DELETE", url: `${endpoints}/{id}`, auth: key, done: [404] },
  events: { method: "GET", url: "https://api.stripe.com/v1/events?limit=100&created[gte]={since}", auth: key },
};
