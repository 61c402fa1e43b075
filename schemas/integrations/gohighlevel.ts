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
      probe: { kind: "http", method: "GET", url: "https://services.leadconnectorhq.com/locations/{locationId}", auth: "bearer" },
      rotation: { kind: "guided", danger: 50, page: "https://app.gohighlevel.com/v2/location/{locationId}/settings/private-integrations", overlap: "7 days with rotate and expire later", steps: ["Settings → Private Integrations: rotate and expire later", "Copy the new token"], revoke: "On the same page: cancel the overlap, so that the old token ends now" },
    },
  },
  env: { GOHIGHLEVEL_LOCATION_ID: "locationId" },
  checklist: API_CHECKLIST,
});
