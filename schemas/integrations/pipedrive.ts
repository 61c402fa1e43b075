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
      probe: {
        kind: "http",
        call: { method: "GET", url: "https://api.pipedrive.com/v1/users/me", auth: { kind: "header", name: "x-api-token" } },
        keep: ["data.company_id", "data.company_domain", "data.active_flag"],
        readings: [
          { status: 402, verdict: "invalid", code: "ACCOUNT_SUSPENDED", account: true, message: "the token is right and the company's subscription is closed", next: "open Pipedrive → Billing" },
          { status: 403, verdict: "invalid", code: "CREDENTIAL_REFUSED", message: "Pipedrive refuses the token (403)", next: "generate a new one under Personal preferences → API, then stackseal secret set pipedrive.apiToken" },
        ],
        facts: [
          { kind: "standing", field: "data.active_flag", good: [true] },
          { kind: "setting", field: "data.company_domain", setting: "companyDomain", what: "company" },
          { kind: "account", field: "data.company_id" },
        ],
        more: [],
        permissions: [
          { what: "persons", call: { method: "GET", url: "https://api.pipedrive.com/v1/persons?limit=1", auth: { kind: "header", name: "x-api-token" } } },
          { what: "activities", call: { method: "GET", url: "https://api.pipedrive.com/v1/activities?limit=1", auth: { kind: "header", name: "x-api-token" } } },
        ],
        unprovable: "a token has its user's rights; writing is proven by writing",
        limits: [{ what: "requests in this burst", remaining: "x-ratelimit-remaining", limit: "x-ratelimit-limit" }, { what: "requests today", remaining: "x-daily-requests-left" }],
        limitsKnown: "burst limits by plan and a daily token budget",
        control: "once",
        logLine: "success false with error unauthorized access",
        page: "Pipedrive → Personal preferences → API",
      },
      rotation: { kind: "guided", danger: 50, hardCut: true, page: "https://{companyDomain}.pipedrive.com/settings/api", overlap: "none: generating a new token kills the old one at once", steps: ["Personal preferences → API: generate a new token", "Copy it and give it here at once"], revoke: "Nothing is left to do: the old token died with the new one's making" },
    },
  },
  env: { PIPEDRIVE_COMPANY_DOMAIN: "companyDomain" },
  find: [
    { what: "companyDomain and API token", where: "Pipedrive → Personal preferences → API", url: "https://app.pipedrive.com/settings/api" },
  ],
  checklist: API_CHECKLIST,
});
