import { shapeDigest, shapeOf } from "../schemas/attestations.ts";
import { environmentFile, paymentsFile } from "../schemas/layout.ts";
import { newest } from "./kit/attested.ts";
import { definePolicy } from "./policy.ts";

export const stagingFirst = definePolicy({
  id: "staging-first",
  title: "What goes to production was deployed and found valid in staging first",
  severity: "high",
  level: "mandatory",
  remediation: "Declare it in staging, deploy it there, let the doctor find it valid, and have somebody sign: stackseal attest valid-in-staging prod --evidence \"doctor run\"",
  chapter: "Test Before Production",
  declared: (f, report) => {
    const staging = f.environments.filter((e) => e.tier === "staging");
    for (const d of f.environments.filter((e) => e.tier === "production")) {
      const shape = shapeOf(d.environment, d.payments);
      const tried = staging.map((s) => shapeOf(s.environment, s.payments));
      let equal = true;
      for (const [id, is] of Object.entries(shape)) {
        const same = tried.some((t) => JSON.stringify(t[id]) === JSON.stringify(is));
        equal &&= same;
        if (!same) report(tried.some((t) => t[id] !== undefined) ? `${d.name} declares ${id} otherwise than staging does: it can't have been tried there` : `${d.name} has ${id}, which staging hasn't`, id === "stripe" ? { file: paymentsFile(d.name), path: ["stripe", "webhooks"] } : { file: environmentFile(d.name), path: ["integrations", id] });
      }
      if (equal && Object.keys(shape).length > 0 && !newest(f, "valid-in-staging", d.name, shapeDigest(d.environment, d.payments))) report(newest(f, "valid-in-staging", d.name) ? `what ${d.name} declares has changed since it was found valid in staging` : `nobody attested that what ${d.name} declares was found valid in staging`, { file: environmentFile(d.name), hint: `stackseal attest valid-in-staging ${d.name} --evidence "doctor run"` });
    }
  },
  passes: [{ says: "accepts what staging has tried", project: () => undefined }],
  breaks: [
    { says: "rejects an event that only production has", project: (p) => { p.replace("stacks/prod/payments.yaml", "invoice.paid", "invoice.paid, invoice.finalized"); } },
    { says: "rejects an integration that staging hasn't", project: (p) => { p.replace("stacks/staging/environment.yaml", /\n\s+pipedrive: .*/, ""); } },
    { says: "rejects a change of both that nobody has tried", project: (p) => { for (const e of ["staging", "prod"]) p.replace(`stacks/${e}/payments.yaml`, "invoice.paid", "invoice.paid, invoice.finalized"); } },
    { says: "rejects what was never attested", project: (p) => { p.forget("valid-in-staging", "prod"); } },
    { says: "rejects an attestation that nobody signed", project: (p) => { p.forget("valid-in-staging", "prod"); p.attest("valid-in-staging", "prod", "super-admin-1", { signer: null }); } },
  ],
});
