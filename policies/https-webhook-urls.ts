import { definePolicy } from "./policy.ts";

const type = "stripe:index:WebhookEndpoint";
export const httpsWebhookUrls = definePolicy({
  id: "https-webhook-urls",
  title: "Webhook URLs are HTTPS, public and without credentials",
  severity: "high",
  level: "mandatory",
  remediation: "Use the platform's public https address.",
  chapter: "Webhook Security",
  check: (r, report) => {
    const url: unknown = r.type === type ? r.props["url"] : undefined;
    if (typeof url !== "string") return;
    const u = URL.canParse(url) ? new URL(url) : null;
    if (!u) { report("the webhook's URL is no URL"); return; }
    const local = ["127.0.0.1", "localhost", "[::1]"].includes(u.hostname);
    const ofLocal = /^urn:pulumi:local(-payments)?::/.test(r.urn);
    if (u.protocol !== "https:" && !(local && ofLocal)) report("the webhook's URL must be https");
    if (local && !ofLocal) report("the webhook's URL must have a public host");
    if (u.username || u.password) report("the webhook's URL carries credentials");
  },
  passes: [
    { says: "accepts https", resource: { type, props: { url: "https://app.acme.example/webhooks/stripe" } } },
    { says: "accepts loopback http in local", resource: { type, stack: "local-payments", props: { url: "http://127.0.0.1:8000/webhooks/stripe" } } },
  ],
  breaks: [
    { says: "rejects a webhook URL on http", resource: { type, props: { url: "http://app.acme.example/hook" } } },
    { says: "rejects loopback outside local", resource: { type, props: { url: "https://127.0.0.1/hook" } } },
    { says: "rejects a user name in the URL", resource: { type, props: { url: "https://user@app.acme.example/hook" } } },
  ],
});
