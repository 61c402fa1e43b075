import { z } from "zod";
import { url } from "../fields.ts";
import { defineIntegration } from "../integration.ts";
import { API_CHECKLIST } from "./checklist.ts";

export const calcom = defineIntegration({
  id: "calcom",
  title: "Cal.com",
  chapter: "Cal.com Configuration",
  file: "environment",
  settings: z.strictObject({ eventTypeId: z.int().positive(), baseUrl: url.default("https://api.cal.com") }),
  secrets: {
    apiKey: {
      title: "API key",
      class: "standard",
      format: { pattern: /^cal_(live_|test_)?[0-9a-f]{32}$/, says: "cal_, cal_live_ or cal_test_ and 32 hexadecimal digits" },
      modeOf: (v: string) => (v.startsWith("cal_live_") ? "live" : v.startsWith("cal_test_") ? "test" : null),
      accepts: ["cal_{hex:32}", "cal_live_{hex:32}", "cal_test_{hex:32}"],
      rejects: [{ sample: "cal_live_{hex:31}", why: "too short" }, { sample: "{hex:32}", why: "no prefix" }, { sample: "cal_live_{hex:32}\n", why: "a trailing newline" }],
      env: ["CALCOM_API_KEY"],
      maxAgeDays: 366,
      probe: {
        kind: "http",
        call: { method: "GET", url: "{baseUrl}/v2/me", auth: { kind: "bearer" } },
        keep: ["data.id"],
        readings: [{ status: 403, verdict: "inconclusive", code: "CREDENTIAL_UNCLEAR", message: "Cal.com answers 403 to dead keys and to users without the right alike", next: "open Cal.com → Settings → API keys: is the key still listed?" }],
        facts: [{ kind: "account", field: "data.id" }],
        more: [],
        permissions: [{ what: "the declared event type", when: "eventTypeId", declared: true, call: { method: "GET", url: "{baseUrl}/v2/event-types/{eventTypeId}", auth: { kind: "bearer" }, headers: { "cal-api-version": "2024-06-14" } } }],
        unprovable: "a key has the full power of its user; that a booking succeeds is shown by making one",
        limits: [{ what: "requests", remaining: "x-ratelimit-remaining-default", limit: "x-ratelimit-limit-default" }],
        limitsKnown: "120 requests a minute for an API key",
        control: "once",
        logLine: "401 with status error and code UnauthorizedException",
        page: "https://app.cal.com/settings/developer/api-keys",
      },
      rotation: {
        kind: "api", strategy: "calcom-refresh", danger: 40, graceSeconds: 0, hardCut: true, overlap: "none: the refresh kills the old key in the same call; without a cut only by a second key made by hand",
        // Without an explicit lifetime the new key would die after 30 days.
        mint: { by: "provider", step: { method: "POST", url: "{baseUrl}/v2/api-keys/refresh", auth: { kind: "bearer", as: "current" }, json: { apiKeyNeverExpires: true } }, value: "data.apiKey" },
        discard: null,
        revoke: null,
      },
    },
  },
  env: { CALCOM_EVENT_TYPE_ID: "eventTypeId", CALCOM_BASE_URL: "baseUrl" },
  find: [
    { what: "API key", where: "Cal.com → Settings → Developer → API keys", url: "https://app.cal.com/settings/developer/api-keys" },
    { what: "eventTypeId", where: "Cal.com → Event Types: the number at the end of the event's address", url: "https://app.cal.com/event-types" },
  ],
  checklist: API_CHECKLIST,
  docs: "https://cal.com/docs/api-reference/v2/api-keys/refresh-api-key",
});
