import { privateHost } from "../schemas/fields.ts";
import { environmentFile, LOCAL } from "../schemas/layout.ts";
import { definePolicy, WEBHOOK_ENDPOINT } from "./policy.ts";

const type = WEBHOOK_ENDPOINT;
const URL_PROPERTIES: Readonly<Record<string, string>> = { [type]: "url", "aws:sns/topicSubscription:TopicSubscription": "endpoint", "aws:cloudwatch/eventApiDestination:EventApiDestination": "invocationEndpoint" };

export const webhookUrls = definePolicy({
  id: "webhook-urls",
  title: "Webhook URLs are HTTPS, public, without credentials, and the environment's own",
  severity: "high",
  level: "mandatory",
  remediation: "Use the environment's public https address.",
  chapter: "Webhook Security",
  codes: ["URL_NOT_HTTPS", "URL_NOT_PUBLIC"],
  resource: (r, report, known) => {
    const property = URL_PROPERTIES[r.type];
    const url = property === undefined ? undefined : r.props[property];
    if (typeof url !== "string" || (r.type !== type && !/^https?:/i.test(url))) return;
    const u = URL.canParse(url) ? new URL(url) : null;
    if (!u) {
      report("the webhook's URL is no URL");
      return;
    }
    const here = r.environment === LOCAL && ["127.0.0.1", "localhost", "[::1]"].includes(u.hostname);
    if (u.protocol !== "https:" && !here) report("the webhook's URL must be https");
    if (privateHost(u.hostname) && !here) report("the webhook's URL must have a public host");
    if (u.username || u.password) report("the webhook's URL carries credentials");
    if ([...u.searchParams.keys()].some((k) => /^(.*[_-])?(token|key|secret|password|signature|sig|auth)$/i.test(k))) report("the webhook's URL carries a credential in its query");
    if (r.type !== type || here) return;
    const foreign = known.environments.find((e) => e.name !== r.environment && !e.here && u.hostname === e.host);
    if (foreign) report(`the webhook's host is that of ${foreign.name}`);
    else if (r.own && u.hostname !== r.own.host && !u.hostname.endsWith(`.${r.own.host}`)) report("the webhook's host isn't the environment's");
  },
  declared: (f, report) => {
    const hosts = new Map(f.environments.filter((e) => e.name !== LOCAL).map((e) => [new URL(e.environment.platform.url).hostname, e.name]));
    for (const d of f.environments) for (const [name, w] of Object.entries(d.environment.integrations["outbound-webhooks"]?.endpoints ?? {})) {
      const at = { file: environmentFile(d.name), path: ["integrations", "outbound-webhooks", "endpoints", name, "url"] };
      const u = new URL(w.url);
      const foreign = hosts.get(u.hostname.replace(/\.$/, ""));
      if (foreign !== undefined && foreign !== d.name) report(`the host is that of ${foreign}`, at);
      if ([...u.searchParams.keys()].some((k) => /^(.*[_-])?(token|key|secret|password|sig|auth)$/i.test(k))) report("the URL carries a credential in its query", at);
    }
  },
  passes: [
    { says: "accepts the environment's https address", resource: { type, stack: "prod-payments", props: { url: "https://app.acme.example/webhooks/stripe" } } },
    { says: "accepts loopback http in local", resource: { type, stack: "local-payments", props: { url: "http://127.0.0.1:8000/webhooks/stripe" } } },
    { says: "accepts an alert to a name that begins like a private address", resource: { type: "aws:sns/topicSubscription:TopicSubscription", props: { protocol: "https", endpoint: "https://10.alerts.acme.example/" } } },
    { says: "accepts partners' addresses", project: () => undefined },
  ],
  breaks: [
    { says: "rejects a webhook URL on http", resource: { type, stack: "prod-payments", props: { url: "http://app.acme.example/hook" } } },
    { says: "rejects loopback outside local", resource: { type, props: { url: "https://127.0.0.1/hook" } } },
    { says: "rejects a host of a private network", resource: { type, props: { url: "https://10.1.2.3/hook" } } },
    { says: "rejects the metadata service's address", resource: { type, props: { url: "https://169.254.169.254/hook" } } },
    { says: "rejects a provider's shared network", resource: { type: "aws:sns/topicSubscription:TopicSubscription", props: { protocol: "https", endpoint: "https://100.64.0.1/hook" } } },
    { says: "rejects a private name with a dot at its end", resource: { type: "aws:sns/topicSubscription:TopicSubscription", props: { protocol: "https", endpoint: "https://hooks.internal./hook" } } },
    { says: "rejects a private address in IPv6's words", resource: { type: "aws:sns/topicSubscription:TopicSubscription", props: { protocol: "https", endpoint: "https://[::ffff:10.1.2.3]/hook" } } },
    { says: "rejects a user name in the URL", resource: { type, props: { url: "https://user@app.acme.example/hook" } } },
    { says: "rejects a token in the query", resource: { type, stack: "prod-payments", props: { url: "https://app.acme.example/hook?access_token=1" } } },
    { says: "rejects another environment's host", resource: { type, stack: "staging-payments", props: { url: "https://app.acme.example/hook" } } },
    { says: "rejects a host that is nobody's", resource: { type, stack: "prod-payments", props: { url: "https://app.acme.example.evil.example/hook" } } },
    { says: "rejects what is no URL", resource: { type, props: { url: "app.acme.example" } } },
    { says: "rejects an alert sent over http", resource: { type: "aws:sns/topicSubscription:TopicSubscription", props: { protocol: "http", endpoint: "http://alerts.acme.example/" } } },
    { says: "rejects an outbound webhook on http", project: (p) => { p.replace("stacks/dev/environment.yaml", "https://hooks.partner.example/acme-dev", "http://127.0.0.1/acme-dev"); } },
    { says: "rejects an outbound webhook into a provider's shared network", project: (p) => { p.replace("stacks/dev/environment.yaml", "https://hooks.partner.example/acme-dev", "https://100.100.1.2/acme-dev"); } },
    { says: "rejects an outbound webhook into another environment, with a dot at its end", project: (p) => { p.replace("stacks/dev/environment.yaml", "https://hooks.partner.example/acme-dev", "https://app.acme.example./hooks"); } },
    { says: "rejects an outbound webhook into another environment", project: (p) => { p.replace("stacks/dev/environment.yaml", "https://hooks.partner.example/acme-dev", "https://app.acme.example/hooks"); } },
  ],
});
