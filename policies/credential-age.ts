import { parseDate } from "../lib/clock.ts";
import { SCHEDULES } from "../schemas/environment.ts";
import { environmentFile, LOCAL } from "../schemas/layout.ts";
import { definePolicy, SEALED_VERSION, tagsOf } from "./policy.ts";

export const credentialAge = definePolicy({
  id: "credential-age",
  title: "Every credential has a next due date, within the declared rotation",
  severity: "high",
  level: "mandatory",
  remediation: "Declare rotation: { standard: annually } (payments: quarterly), and keep maxAgeDays within it.",
  chapter: "Rotation Schedule",
  codes: ["CREDENTIAL_AGE_CEILING", "CREDENTIAL_FUTURE", "ISSUED_AT_MOVED"],
  resource: (r, report) => {
    if (r.type !== SEALED_VERSION) return;
    const due = tagsOf(r)["due-at"];
    if (typeof due !== "string" || !parseDate(due)) report("no due date is set (the tag due-at)");
  },
  declared: (f, report) => {
    for (const d of f.environments.filter((e) => e.name !== LOCAL)) {
      if (d.environment.rotation === undefined) report("no rotation is declared", { file: environmentFile(d.name), hint: "rotation: { standard: annually }" });
      const schedule = { standard: d.environment.rotation?.standard, payments: d.payments?.rotation?.payments };
      for (const c of d.credentials) {
        const every = schedule[c.spec.class];
        // A year has 366 days in some years.
        if (every !== undefined && c.claims.maxAgeDays > SCHEDULES[every] + 1) report(`maxAgeDays ${c.claims.maxAgeDays} of ${c.path} is longer than the declared rotation (${every})`, { file: c.file, path: [...c.path.split("."), "claims", "maxAgeDays"] });
      }
    }
  },
  passes: [
    { says: "accepts a due date", resource: { type: SEALED_VERSION, stack: "prod", props: { tags: { "due-at": "2026-12-01" } } } },
    { says: "accepts ages within the declared rotation", project: () => undefined },
  ],
  breaks: [
    { says: "rejects a secret without a due date", resource: { type: SEALED_VERSION, props: { tags: {} } } },
    { says: "rejects a due date that is no date", resource: { type: SEALED_VERSION, props: { tags: { "due-at": "soon" } } } },
    { says: "rejects an age above the declared rotation", project: (p) => { p.replace("stacks/prod/payments.sops.yaml", /maxAgeDays: \d+/, "maxAgeDays: 92"); } },
    { says: "rejects an age above the kind's ceiling", project: (p) => { p.replace("stacks/prod/payments.sops.yaml", /maxAgeDays: \d+/, "maxAgeDays: 366"); } },
    { says: "rejects an environment without a rotation", project: (p) => { p.replace("stacks/prod/environment.yaml", /rotation: .*/, ""); } },
  ],
});
