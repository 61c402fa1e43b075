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
      probe: { kind: "http", method: "GET", url: "https://api.hubapi.com/account-info/v3/details", auth: "bearer" },
      rotation: { kind: "guided", danger: 50, page: "https://app.hubspot.com/private-apps/{portalId}", overlap: "the old token may live 7 days more", steps: ["Settings → Integrations: rotate the token and choose expire later", "Copy the new token"], revoke: "On the same page: expire the old token now" },
    },
  },
  env: { HUBSPOT_PORTAL_ID: "portalId" },
  checklist: API_CHECKLIST,
});
