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
      pairs: ["consumerKey"],
      maxAgeDays: 366,
      probe: { kind: "http", method: "POST", url: "https://{domain}/services/oauth2/token", auth: "body" },
      rotation: {
        kind: "api", strategy: "salesforce-staged", danger: 60, graceSeconds: 3600, overlap: "the staged pair lives 30 days beside the one in force",
        // The app must not rotate itself: another one's access token speaks.
        admin: { variable: "STACKSEAL_ADMIN_SALESFORCE", says: "an access token of another app that may manage consumer secrets over REST", fallback: "none" },
        prepare: [{ method: "GET", url: "https://{domain}/services/data/v65.0/apps/oauth/credentials/{consumerKey}", auth: { kind: "bearer", as: "admin" }, take: { consumerId: "consumers.0.id" } }],
        mint: { by: "provider", step: { method: "POST", url: "https://{domain}/services/data/v65.0/apps/oauth/credentials/{consumerKey}/{consumerId}/staged", auth: { kind: "bearer", as: "admin" } }, value: "secret", id: "id", settings: { consumerKey: "key" } },
        discard: { method: "DELETE", url: "https://{domain}/services/data/v65.0/apps/oauth/credentials/{oldConsumerKey}/{consumerId}/staged/{id}", auth: { kind: "bearer", as: "admin" }, done: [404] },
        revoke: { method: "PATCH", url: "https://{domain}/services/data/v65.0/apps/oauth/credentials/{oldConsumerKey}/{consumerId}/staged/{id}", auth: { kind: "bearer", as: "admin" }, json: { command: "rotate" }, done: [404] },
      },
    },
  },
  env: { SALESFORCE_DOMAIN: "domain", SALESFORCE_CLIENT_ID: "consumerKey" },
  checklist: API_CHECKLIST,
});
