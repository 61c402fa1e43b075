import { environmentFile } from "../schemas/layout.ts";
import { definePolicy } from "./policy.ts";

export const mailtrapNotInProduction = definePolicy({
  id: "mailtrap-not-in-production",
  title: "Mailtrap never serves production",
  severity: "high",
  level: "mandatory",
  remediation: "Declare the provider that really delivers production's mail.",
  chapter: "Common SMTP Providers",
  codes: ["SMTP_SANDBOX_IN_PRODUCTION"],
  declared: (f, report) => {
    for (const d of f.environments.filter((e) => e.tier === "production")) {
      const m = d.environment.integrations.smtp;
      if (m && (m.provider === "mailtrap" || /(^|\.)mailtrap\.io$/.test(m.host))) report("production's mail goes to Mailtrap, which is for testing", { file: environmentFile(d.name), path: ["integrations", "smtp", m.provider === "mailtrap" ? "provider" : "host"] });
    }
  },
  passes: [{ says: "accepts another provider in production", project: () => undefined }],
  breaks: [
    { says: "rejects Mailtrap's sandbox in production", project: (p) => { p.replace("stacks/prod/environment.yaml", /smtp: .*/, "smtp: { provider: mailtrap, driver: smtp, host: sandbox.smtp.mailtrap.io, port: 587, encryption: tls, username: 0123456789abcd, from: { address: no-reply@acme.example, name: Acme } }"); } },
    { says: "rejects Mailtrap's host under another name", project: (p) => { p.replace("stacks/prod/environment.yaml", /smtp: .*/, "smtp: { provider: generic, driver: smtp, host: live.smtp.mailtrap.io, port: 587, encryption: tls, username: api, from: { address: no-reply@acme.example, name: Acme } }"); } },
  ],
});
