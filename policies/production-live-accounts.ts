import { environmentFile, paymentsFile } from "../schemas/layout.ts";
import { definePolicy } from "./policy.ts";

export const productionLiveAccounts = definePolicy({
  id: "production-live-accounts",
  title: "Production uses live accounts only",
  severity: "high",
  level: "mandatory",
  remediation: "Declare the live account; what is for trying belongs to staging.",
  chapter: "Production",
  declared: (f, report) => {
    for (const d of f.environments.filter((e) => e.tier === "production")) {
      const file = environmentFile(d.name);
      const i = d.environment.integrations;
      for (const [id, s] of Object.entries(i)) if ((s as { apiBase?: string } | undefined)?.apiBase !== undefined) report(`${id} talks to a sandbox`, { file, path: ["integrations", id, "apiBase"] });
      if (d.payments?.stripe.apiBase !== undefined) report("Stripe's address is a sandbox's", { file: paymentsFile(d.name), path: ["stripe", "apiBase"] });
      if (d.environment.store.kind === "aws" && d.environment.store.endpoint !== undefined) report("the store is an emulator", { file, path: ["store", "endpoint"] });
      if (d.environment.store.kind === "file") report("credentials of production want a secret management system: aws or vault", { file, path: ["store", "kind"] });
      if (i.salesforce && /\.(sandbox|scratch|develop)\.my\.salesforce\.com$/.test(i.salesforce.domain)) report("Salesforce's domain is a sandbox's", { file, path: ["integrations", "salesforce", "domain"] });
      if (i.twilio?.from !== undefined && /^\+1500555\d{4}$/.test(i.twilio.from)) report("the number is one of Twilio's test numbers", { file, path: ["integrations", "twilio", "from"] });
    }
  },
  passes: [{ says: "accepts live accounts", project: () => undefined }],
  breaks: [
    { says: "rejects a Salesforce sandbox in production", project: (p) => { p.replace("stacks/prod/environment.yaml", "acme.my.salesforce.com", "acme--qa.sandbox.my.salesforce.com"); } },
    { says: "rejects Twilio's test number in production", project: (p) => { p.replace("stacks/prod/environment.yaml", "+442000000000", "+15005550006"); } },
    { says: "rejects the sandbox's Stripe in production", project: (p) => { p.replace("stacks/prod/payments.yaml", "mode: live", "mode: live\n    apiBase: sandbox"); } },
    { says: "rejects an emulator as production's store", project: (p) => { p.replace("stacks/prod/environment.yaml", "region: eu-west-1", "region: eu-west-1, endpoint: http://127.0.0.1:4566"); } },
    { says: "rejects files as production's store", project: (p) => { p.replace("stacks/prod/environment.yaml", /store: \{.*\}/, "store: { kind: file }"); } },
  ],
});
