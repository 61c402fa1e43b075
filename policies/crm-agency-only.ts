import { definePolicy } from "./policy.ts";

export const crmAgencyOnly = definePolicy({
  id: "crm-agency-only",
  title: "Native CRM integrations are for plan Agency",
  severity: "medium",
  level: "mandatory",
  remediation: "Raise the plan (platform.plan: agency), or connect the CRM through Zapier.",
  chapter: "Native CRM Integrations",
  codes: ["CRM_PLAN"],
  passes: [{ says: "accepts native CRMs on plan Agency", project: () => undefined }],
  breaks: [
    { says: "rejects native CRMs on plan Pro", project: (p) => { p.replace("stacks/prod/environment.yaml", "plan: agency", "plan: pro"); } },
    { says: "rejects native CRMs on plan Starter", project: (p) => { p.replace("stacks/dev/environment.yaml", "plan: agency", "plan: starter"); } },
  ],
});
