import facts from "../schemas/stripe-facts.json" with { type: "json" };
import { each } from "./kit/unknown.ts";
import { definePolicy, WEBHOOK_ENDPOINT as type } from "./policy.ts";

const EVENTS = new Set(facts.events);
const MOST = 16;
const good = { url: "https://dev.acme.example/webhooks/stripe", enabledEvents: ["invoice.paid"], apiVersion: "2026-10-28.endive" };

export const stripeEndpoints = definePolicy({
  id: "stripe-endpoints",
  title: "Stripe's events are known, the endpoint's API version is pinned, at most 16, none twice, none disabled",
  severity: "high",
  level: "mandatory",
  remediation: "Name Stripe's own events (schemas/stripe-facts.json), pin apiVersion, and keep one endpoint a URL.",
  chapter: "Stripe Webhook Configuration",
  codes: ["STRIPE_EVENT_UNKNOWN", "STRIPE_EVENT_DUPLICATE", "STRIPE_ENDPOINTS_TOO_MANY", "STRIPE_ENDPOINT_DUPLICATE", "STRIPE_API_VERSION_UNKNOWN"],
  resource: (r, report) => {
    if (r.type !== type) return;
    const events = r.props["enabledEvents"];
    if (!Array.isArray(events) || events.length === 0) report("no event is named");
    else for (const e of events as unknown[]) {
      if (e === "*") report("every event is asked for (*)");
      else if (typeof e === "string" && !EVENTS.has(e)) report(`Stripe has no event "${e.slice(0, 80)}"`);
    }
    const version = r.props["apiVersion"];
    if (typeof version !== "string" || !/^\d{4}-\d{2}-\d{2}(\.[a-z]+)?$/.test(version)) report("the endpoint's API version isn't pinned");
    if (r.props["disabled"] === true) report("the endpoint is disabled");
  },
  stack: (s, report) => {
    const all = s.resources.filter((r) => r.type === type);
    if (all.length > MOST) report(`${all.length} endpoints; Stripe allows ${MOST} an account`);
    const seen = new Map<string, string>();
    each(all, (r) => {
      const given = r.props["url"];
      if (typeof given !== "string") return;
      const url = URL.canParse(given) ? new URL(given).href : given;
      const first = seen.get(url);
      if (first !== undefined) report(`the endpoint ${first} has the same URL: every event would come twice`, r.urn);
      seen.set(url, r.name);
    });
  },
  passes: [
    { says: "accepts known events and a pinned version", resource: { type, props: good } },
    { says: "accepts two endpoints", stack: [{ type, name: "a", props: good }, { type, name: "b", props: { ...good, url: `${good.url}/b` } }] },
    { says: "accepts the declared endpoints", project: () => undefined },
  ],
  breaks: [
    { says: "rejects an event that Stripe hasn't", resource: { type, props: { ...good, enabledEvents: ["invoice.payed"] } } },
    { says: "rejects every event", resource: { type, props: { ...good, enabledEvents: ["*"] } } },
    { says: "rejects an endpoint without events", resource: { type, props: { ...good, enabledEvents: [] } } },
    { says: "rejects an endpoint without an API version", resource: { type, props: { url: good.url, enabledEvents: good.enabledEvents } } },
    { says: "rejects a disabled endpoint", resource: { type, props: { ...good, disabled: true } } },
    { says: "rejects two endpoints with one URL", stack: [{ type, name: "a", props: good }, { type, name: "b", props: good }] },
    { says: "rejects two endpoints with one URL, written otherwise", stack: [{ type, name: "a", props: good }, { type, name: "b", props: { ...good, url: good.url.replace("dev.acme", "DEV.acme").replace(".example/", ".example:443/") } }] },
    { says: "rejects a seventeenth endpoint", stack: Array.from({ length: 17 }, (_x, i) => ({ type, name: `e${i}`, props: { ...good, url: `${good.url}/${i}` } })) },
    { says: "rejects a declared event that Stripe hasn't", project: (p) => { p.replace("stacks/dev/payments.yaml", "invoice.paid", "invoice.payed"); } },
    { says: "rejects two declared endpoints with one path", project: (p) => { p.replace("stacks/dev/payments.yaml", "/webhooks/stripe/disputes", "/webhooks/stripe"); } },
  ],
});
