import { z } from "zod";
import { defineIntegration } from "../integration.ts";
import { API_CHECKLIST } from "./checklist.ts";

export const gohighlevel = defineIntegration({
  id: "gohighlevel",
  title: "GoHighLevel",
  chapter: "Native CRM Integrations",
  file: "environment",
  settings: z.strictObject({ locationId: z.string().regex(/^[A-Za-z0-9]{20}$/, "20 letters and digits"), apiBase: z.string().optional().describe("The sandbox's address; loopback only") }),
  secrets: {
    accessToken: {
      title: "Private integration token",
      class: "standard",
      format: { pattern: /^pit-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, says: "pit- and a UUID" },
      accepts: ["pit-{uuid}"],
      rejects: [{ sample: "{uuid}", why: "no prefix" }, { sample: "pit-{uuid} ", why: "a trailing space" }],
      env: ["GOHIGHLEVEL_ACCESS_TOKEN"],
      maxAgeDays: 366,
      probe: {
        kind: "http",
        call: { method: "GET", url: "https://services.leadconnectorhq.com/locations/{locationId}", auth: { kind: "bearer" }, headers: { Version: "2021-07-28" } },
        keep: ["location.id"],
        readings: [
          { status: 403, verdict: "invalid", code: "ACCOUNT_WRONG", account: true, message: "the token is alive and belongs to another location", next: "compare locationId with the sub-account that the token was made in" },
          { status: 402, verdict: "invalid", code: "ACCOUNT_SUSPENDED", account: true, message: "the token is right and the sub-account is closed", next: "open GoHighLevel → Settings → Billing" },
        ],
        facts: [{ kind: "setting", field: "location.id", setting: "locationId", what: "location" }, { kind: "account", field: "location.id" }],
        more: [],
        permissions: [{ what: "contacts", call: { method: "GET", url: "https://services.leadconnectorhq.com/contacts/?locationId={locationId}&limit=1", auth: { kind: "bearer" }, headers: { Version: "2021-07-28" } } }],
        unprovable: "reads are proven; write scopes can't be without writing",
        limits: [{ what: "requests in this burst", remaining: "x-ratelimit-remaining", limit: "x-ratelimit-max" }, { what: "requests today", remaining: "x-ratelimit-daily-remaining", limit: "x-ratelimit-limit-daily" }],
        limitsKnown: "100 requests in 10 seconds, 200,000 a day for an app and location",
        control: "once",
        logLine: "401 Invalid Private Integration token",
        page: "GoHighLevel → Settings → Private Integrations",
      },
      rotation: { kind: "guided", danger: 50, page: "https://app.gohighlevel.com/v2/location/{locationId}/settings/private-integrations", overlap: "7 days with rotate and expire later", steps: ["Settings → Private Integrations: rotate and expire later", "Copy the new token"], revoke: "On the same page: cancel the overlap, so that the old token ends now" },
    },
  },
  env: { GOHIGHLEVEL_LOCATION_ID: "locationId" },
  find: [
    { what: "locationId and access token", where: "GoHighLevel → the sub-account → Settings → Private Integrations", url: "https://app.gohighlevel.com" },
  ],
  checklist: API_CHECKLIST,
});
