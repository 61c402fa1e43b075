import { environmentFile } from "../schemas/layout.ts";
import { LOCAL } from "../schemas/layout.ts";
import { definePolicy } from "./policy.ts";

export const outboundWebhooksSigned = definePolicy({
  id: "outbound-webhooks-signed",
  title: "Every outbound webhook is signed with a secret of its own",
  severity: "high",
  level: "mandatory",
  remediation: "stackseal secret generate outbound-webhooks.NAME.signingSecret",
  chapter: "Outbound Webhooks",
  declared: (f, report) => {
    for (const d of f.environments.filter((e) => e.name !== LOCAL)) {
      const seen = new Map<string, string>();
      for (const name of Object.keys(d.environment.integrations["outbound-webhooks"]?.endpoints ?? {})) {
        const c = d.credentials.find((x) => x.path === `outbound-webhooks.${name}.signingSecret`);
        const hint = `stackseal secret generate outbound-webhooks.${name}.signingSecret --env ${d.name}`;
        if (!c) report(`${name} has no signing secret: its receiver can't tell who sent`, { file: environmentFile(d.name), path: ["integrations", "outbound-webhooks", "endpoints", name], hint });
        else {
          const first = seen.get(c.claims.fingerprint);
          if (first !== undefined) report(`${name} is signed with the secret of ${first}`, { file: c.file, at: c.at, path: c.path.split("."), hint });
          seen.set(c.claims.fingerprint, name);
        }
      }
    }
  },
  passes: [{ says: "accepts secrets of their own", project: () => undefined }],
  breaks: [
    { says: "rejects a webhook without a signing secret", project: (p) => { p.replace("stacks/dev/environment.yaml", "crm-sync: { url", "invoices: { url: https://books.partner.example/hook, events: [call.completed] }\n            crm-sync: { url"); } },
    { says: "rejects one secret for two receivers", project: (p) => { p.replace("stacks/prod/secrets.sops.yaml", /(crm-sync:[\s\S]*?fingerprint: )\S+/, "$1g1:AAAAAAAAAAAAAAAAAAAAAA"); p.replace("stacks/prod/secrets.sops.yaml", /(reporting:[\s\S]*?fingerprint: )\S+/, "$1g1:AAAAAAAAAAAAAAAAAAAAAA"); } },
  ],
});
