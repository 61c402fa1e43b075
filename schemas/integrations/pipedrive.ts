import { z } from "zod";
import { defineIntegration } from "../integration.ts";
import { API_CHECKLIST } from "./checklist.ts";

export const pipedrive = defineIntegration({
  id: "pipedrive",
  title: "Pipedrive",
  chapter: "Native CRM Integrations",
  file: "environment",
  settings: z.strictObject({ companyDomain: z.string().regex(/^[a-z0-9-]+$/, "the part before .pipedrive.com"), apiBase: z.string().optional().describe("The sandbox's address; loopback only") }),
  secrets: {
    apiToken: {
      title: "API token",
      class: "standard",
      format: { pattern: /^[0-9a-zA-Z]{40}$/, says: "40 letters and digits" },
      accepts: ["{hex:40}"],
      rejects: [{ sample: "{hex:39}", why: "too short" }, { sample: "{hex:40} ", why: "a trailing space" }],
      env: ["PIPEDRIVE_API_TOKEN"],
      maxAgeDays: 366,
      probe: { kind: "http", method: "GET", url: "https://api.pipedrive.com/v1/users/me", auth: "header" },
      rotation: { kind: "guided", danger: 50, hardCut: true, page: "https://{companyDomain}.pipedrive.com/settings/api", overlap: "none: generating a new token kills the old one at once", steps: ["Personal preferences → API: generate a new token", "Copy it and give it here at once"], revoke: "Nothing is left to do: the old token died with the new one's making" },
    },
  },
  env: { PIPEDRIVE_COMPANY_DOMAIN: "companyDomain" },
  checklist: API_CHECKLIST,
});
