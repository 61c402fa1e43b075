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
      probe: {
        kind: "http",
        call: { method: "POST", url: "https://{domain}/services/oauth2/token", auth: { kind: "form", fields: { grant_type: "client_credentials", client_id: "{consumerKey}", client_secret: "{value}" } } },
        keep: ["token_type"],
        readings: [
          { status: 400, field: "error", is: "invalid_client", verdict: "invalid", code: "CREDENTIAL_REFUSED", message: "Salesforce refuses the consumer secret", next: "take the secret from the External Client App, then stackseal secret set salesforce.consumerSecret" },
          { status: 400, field: "error", is: "invalid_client_id", verdict: "invalid", code: "ACCOUNT_WRONG", message: "this Salesforce domain knows no such consumer key", next: "compare domain and consumerKey with the External Client App" },
          { status: 400, field: "error", is: "inactive_org", verdict: "invalid", code: "ACCOUNT_SUSPENDED", account: true, message: "the organisation is not active", next: "ask Salesforce's support" },
          { status: 400, field: "error", is: "invalid_grant", verdict: "inconclusive", code: "CREDENTIAL_UNCLEAR", message: "Salesforce grants this app no client-credentials login", next: "set a run-as user for the client credentials flow of the app" },
          { status: 403, verdict: "inconclusive", code: "CREDENTIAL_UNCLEAR", message: "Salesforce answered with 403: a policy of the app or of the network", next: "look at the app's IP and login policies" },
        ],
        facts: [],
        grants: "access_token",
        more: [
          {
            what: "organisation", call: { method: "GET", url: "https://{domain}/services/data/v65.0/query?q=SELECT+Id,IsSandbox+FROM+Organization", auth: { kind: "granted" } }, keep: ["records.0.Id", "records.0.IsSandbox"], forbidden: "the run-as user may not read the organisation",
            facts: [{ kind: "tier", field: "records.0.IsSandbox", production: [false], others: [true], what: "sandbox" }, { kind: "account", field: "records.0.Id" }],
          },
          { what: "limits", call: { method: "GET", url: "https://{domain}/services/data/v65.0/limits", auth: { kind: "granted" } }, keep: ["DailyApiRequests.Remaining", "DailyApiRequests.Max"], facts: [], limits: [{ what: "API requests today", remaining: "field:DailyApiRequests.Remaining", limit: "field:DailyApiRequests.Max" }], forbidden: "the run-as user may not read the limits" },
        ],
        permissions: [{ what: "contacts", call: { method: "GET", url: "https://{domain}/services/data/v65.0/sobjects/Contact", auth: { kind: "granted" } } }],
        unprovable: "reads are proven; what the run-as user may write can't be without writing",
        limits: [],
        limitsKnown: "daily API requests by edition; 403 REQUEST_LIMIT_EXCEEDED",
        control: "once",
        logLine: "invalid_client, or REQUEST_LIMIT_EXCEEDED",
        page: "Salesforce Setup → External Client Apps",
      },
      rotation: {
        kind: "api", strategy: "salesforce-staged", danger: 60, graceSeconds: 3600, overlap: "the staged pair lives 30 days beside the one in force",
        // The app must not rotate itself: another one's access token speaks.
        admin: { variable: "STACKSEAL_ADMIN_SALESFORCE", says: "an access token of another app that may manage consumer secrets over REST", fallback: "none" },
        prepare: [
          { method: "GET", url: "https://{domain}/services/data/v65.0/apps/oauth/usage", auth: { kind: "bearer", as: "admin" }, take: { appId: "apps.0.id" } },
          { method: "GET", url: "https://{domain}/services/data/v65.0/apps/oauth/credentials/{appId}", auth: { kind: "bearer", as: "admin" }, find: { consumerId: { in: "consumers", where: "key", is: "{oldConsumerKey}", take: "id" } } },
        ],
        list: { method: "GET", url: "https://{domain}/services/data/v65.0/apps/oauth/credentials/{appId}", auth: { kind: "bearer", as: "admin" }, items: "consumers", id: "id" },
        mint: { by: "provider", step: { method: "POST", url: "https://{domain}/services/data/v65.0/apps/oauth/credentials/{consumerId}/staged", auth: { kind: "bearer", as: "admin" } }, value: "secret", id: "id", settings: { consumerKey: "key" } },
        discard: { method: "DELETE", url: "https://{domain}/services/data/v65.0/apps/oauth/credentials/{consumerId}/staged/{id}", auth: { kind: "bearer", as: "admin" }, done: [404] },
        revoke: { method: "PATCH", url: "https://{domain}/services/data/v65.0/apps/oauth/credentials/{consumerId}/staged/{id}", auth: { kind: "bearer", as: "admin" }, json: { command: "rotate" }, done: [404] },
      },
    },
  },
  env: { SALESFORCE_DOMAIN: "domain", SALESFORCE_CLIENT_ID: "consumerKey" },
  find: [
    { what: "domain, consumerKey and consumer secret", where: "Salesforce Setup → External Client App Manager → your app → Settings → OAuth", url: "https://login.salesforce.com" },
  ],
  checklist: API_CHECKLIST,
});
