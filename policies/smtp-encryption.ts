import { definePolicy } from "./policy.ts";

export const smtpEncryption = definePolicy({
  id: "smtp-encryption",
  title: "Mail is encrypted in staging and production, and the port fits",
  severity: "high",
  level: "mandatory",
  remediation: "587 with tls, 465 with ssl, 25 with null; staging and production never null.",
  chapter: "SMTP Settings",
  codes: ["SMTP_UNENCRYPTED", "SMTP_PORT_ENCRYPTION", "SMTP_PROVIDER_PORT", "SMTP_PROVIDER_HOST"],
  passes: [{ says: "accepts 587 with tls", project: () => undefined }],
  breaks: [
    { says: "rejects mail without encryption in production", project: (p) => { p.replace("stacks/prod/environment.yaml", "port: 587, encryption: tls", "port: 25, encryption: null"); } },
    { says: "rejects mail without encryption in staging", project: (p) => { p.replace("stacks/staging/environment.yaml", "port: 587, encryption: tls", "port: 25, encryption: null"); } },
    { says: "rejects 465 with tls", project: (p) => { p.replace("stacks/dev/environment.yaml", "port: 587, encryption: tls", "port: 465, encryption: tls"); } },
    { says: "rejects 587 with ssl", project: (p) => { p.replace("stacks/dev/environment.yaml", "port: 587, encryption: tls", "port: 587, encryption: ssl"); } },
    { says: "rejects a port that the provider doesn't listen on", project: (p) => { p.replace("stacks/dev/environment.yaml", "port: 587", "port: 2587"); } },
    { says: "rejects a host that isn't the provider's", project: (p) => { p.replace("stacks/prod/environment.yaml", "smtp.sendgrid.net", "smtp.sendgrid.example"); } },
  ],
});
