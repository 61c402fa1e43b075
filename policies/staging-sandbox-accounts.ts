import { accountsOf } from "../schemas/attestations.ts";
import { environmentFile } from "../schemas/layout.ts";
import { definePolicy } from "./policy.ts";

export const stagingSandboxAccounts = definePolicy({
  id: "staging-sandbox-accounts",
  title: "Development and staging use test or sandbox accounts, never production's",
  severity: "critical",
  level: "mandatory",
  remediation: "Open a test or sandbox account at the provider and declare it for this environment.",
  chapter: "Staging",
  declared: (f, report) => {
    const production = f.environments.filter((e) => e.tier === "production");
    for (const d of f.environments.filter((e) => e.tier === "staging" || e.tier === "development")) {
      const file = environmentFile(d.name);
      const domain = d.environment.integrations.salesforce?.domain;
      if (domain !== undefined && !/\.(sandbox|scratch|develop|trailblaze)\.my\.salesforce\.com$/.test(domain)) report("Salesforce's domain is no sandbox's (NAME--SANDBOX.sandbox.my.salesforce.com)", { file, path: ["integrations", "salesforce", "domain"] });
      const own = accountsOf(d.environment, null);
      for (const p of production) for (const [id, account] of Object.entries(accountsOf(p.environment, null))) {
        if (account.length === 0 || id === "smtp" || id === "aws" || own[id] === undefined || JSON.stringify(own[id]) !== JSON.stringify(account)) continue;
        report(`${id} is the account of ${p.name}`, { file, path: ["integrations", id] });
      }
      const mail = d.environment.integrations.smtp;
      for (const p of production) {
        const live = p.environment.integrations.smtp;
        // SendGrid's user name is the same word for everybody; elsewhere it is the account.
        if (mail !== undefined && mail.host === live?.host && mail.username === live.username && mail.provider !== "sendgrid" && mail.username !== "api") report(`the mail login is that of ${p.name}`, { file, path: ["integrations", "smtp", "username"] });
      }
    }
  },
  passes: [{ says: "accepts accounts of their own", project: () => undefined }],
  breaks: [
    { says: "rejects Salesforce's production domain in staging", project: (p) => { p.replace("stacks/staging/environment.yaml", "acme--staging.sandbox.my.salesforce.com", "acme.my.salesforce.com"); } },
    { says: "rejects production's HubSpot portal in staging", project: (p) => { p.replace("stacks/staging/environment.yaml", "portalId: 123452", "portalId: 123453"); } },
    { says: "rejects production's Twilio account in development", project: (p) => { p.replace("stacks/dev/environment.yaml", "AC00000000000000000000000000000001", "AC00000000000000000000000000000003"); } },
    { says: "rejects production's mail login in staging", project: (p) => {
      const mail = (n: string): string => `smtp: { provider: mailgun, driver: smtp, host: smtp.mailgun.org, port: 587, encryption: tls, username: postmaster@mg.acme.example, from: { address: ${n}, name: Acme } }`;
      p.replace("stacks/staging/environment.yaml", /smtp: .*/, mail("no-reply@staging.acme.example"));
      p.replace("stacks/prod/environment.yaml", /smtp: .*/, mail("no-reply@acme.example"));
    } },
  ],
});
