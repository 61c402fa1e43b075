import { z } from "zod";
import { defineIntegration } from "../integration.ts";
import { API_CHECKLIST } from "./checklist.ts";

export const hubspot = defineIntegration({
  id: "hubspot",
  title: "HubSpot",
  chapter: "Native CRM Integrations",
  file: "environment",
  settings: z.strictObject({ portalId: z.int().positive(), apiBase: z.string().optional().describe("The sandbox's address; loopback only") }),
  secrets: {
    accessToken: {
      title: "Private-app token or service key",
      class: "standard",
      format: { pattern: /^pat-[a-z]{2,3}\d-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, says: "pat-, a region and a UUID" },
      accepts: ["pat-na1-{uuid}"],
      rejects: [{ sample: "{uuid}", why: "no prefix" }, { sample: "pat-na1-{uuid} ", why: "a trailing space" }],
      env: ["HUBSPOT_ACCESS_TOKEN"],
      maxAgeDays: 366,
      probe: {
        kind: "http",
        call: { method: "GET", url: "https://api.hubapi.com/account-info/v3/details", auth: { kind: "bearer" } },
        keep: ["portalId", "accountType"],
        readings: [{ status: 403, verdict: "valid", code: "CREDENTIAL_RESTRICTED", message: "the token is alive and lacks a scope", next: "give the app the scopes that the permissions below name" }],
        facts: [
          { kind: "setting", field: "portalId", setting: "portalId", what: "portal" },
          { kind: "tier", field: "accountType", production: ["STANDARD"], others: ["SANDBOX", "DEVELOPER_TEST", "APP_DEVELOPER"], what: "account type" },
          { kind: "account", field: "portalId" },
        ],
        // The answer names the user too; a service key has no such information and is refused here.
        more: [{ what: "the token's scopes", call: { method: "POST", url: "https://api.hubapi.com/oauth/v2/private-apps/get/access-token-info", auth: { kind: "bearer" }, json: { tokenKey: "{value}" } }, keep: ["hubId", "scopes"], facts: [{ kind: "setting", field: "hubId", setting: "portalId", what: "portal" }], forbidden: "the token's scopes can't be listed" }],
        permissions: [
          { what: "contacts", call: { method: "GET", url: "https://api.hubapi.com/crm/v3/objects/contacts?limit=1", auth: { kind: "bearer" } } },
          { what: "calls", call: { method: "GET", url: "https://api.hubapi.com/crm/v3/objects/calls?limit=1", auth: { kind: "bearer" } } },
          { what: "appointments (meetings)", call: { method: "GET", url: "https://api.hubapi.com/crm/v3/objects/meetings?limit=1", auth: { kind: "bearer" } } },
        ],
        unprovable: "reads are proven; write scopes can't be without writing",
        limits: [{ what: "requests", remaining: "x-hubspot-ratelimit-remaining", limit: "x-hubspot-ratelimit-max" }, { what: "requests today", remaining: "x-hubspot-ratelimit-daily-remaining", limit: "x-hubspot-ratelimit-daily" }],
        limitsKnown: "X-HubSpot-RateLimit headers tell usage; 429 with category RATE_LIMITS",
        control: "once",
        logLine: "category INVALID_AUTHENTICATION or MISSING_SCOPES, and correlationId",
        page: "HubSpot → Settings → Integrations",
      },
      rotation: { kind: "guided", danger: 50, page: "https://app.hubspot.com/private-apps/{portalId}", overlap: "the old token may live 7 days more", steps: ["Settings → Integrations: rotate the token and choose expire later", "Copy the new token"], revoke: "On the same page: expire the old token now" },
    },
  },
  env: { HUBSPOT_PORTAL_ID: "portalId" },
  find: [
    { what: "portalId and access token", where: "HubSpot → Settings → Integrations → Private Apps", url: "https://app.hubspot.com" },
  ],
  checklist: API_CHECKLIST,
});
