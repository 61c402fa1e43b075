import { z } from "zod";
import { defineIntegration } from "../integration.ts";
import { API_CHECKLIST } from "./checklist.ts";

export const salesforce = defineIntegration({
  id: "salesforce",
  title: "Salesforce",
  chapter: "Native CRM Integrations",
  file: "environment",
  settings: z.strictObject({ domain: z.string().regex(/^[a-z0-9-]+(\.sandbox)?\.my\.salesforce\.com$/, "a My Domain host"), consumerKey: z.string().regex(/^3MVG9[0-9A-Za-z._+/=]{80,251}$/, "3MVG9 and at least 80 characters"), apiBase: z.string().optional().describe("The sandbox's address; loopback only") }),
  secrets: {
    consumerSecret: {
      title: "Consumer secret",
      class: "standard",
      format: { pattern: /^([A-Fa-f0-9]{64}|[A-Za-z0-9+/=.]{64}|\d{19})$/, says: "64 characters or 19 digits" },
      accepts: ["{hex:64}"],
      rejects: [{ sample: "{hex:40}", why: "too short" }, { sample: "{hex:64} ", why: "a trailing space" }],
      env: ["SALESFORCE_CLIENT_SECRET"],
      maxAgeDays: 366,
      probe: { kind: "http", method: "POST", url: "https://{domain}/services/oauth2/token", auth: "body" },
      rotation: { kind: "api", strategy: "salesforce-staged", overlap: "the staged pair lives 30 days" },
    },
  },
  env: { SALESFORCE_DOMAIN: "domain", SALESFORCE_CLIENT_ID: "consumerKey" },
  checklist: API_CHECKLIST,
});
