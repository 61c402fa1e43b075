import { z } from "zod";
import { defineIntegration } from "../integration.ts";
import { API_CHECKLIST } from "./checklist.ts";

const uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "a UUID");

export const vapi = defineIntegration({
  id: "vapi",
  title: "VAPI",
  chapter: "VAPI (Vonage API) Configuration",
  file: "environment",
  settings: z.strictObject({ assistantId: uuid.optional(), phoneNumberId: uuid.optional(), apiBase: z.string().optional().describe("The sandbox's address; loopback only") }),
  secrets: {
    token: {
      title: "Private token",
      class: "standard",
      // Vapi documents no format: UUIDs have been seen.
      format: { pattern: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, says: "a UUID", soft: true },
      accepts: ["{uuid}"],
      rejects: [{ sample: "{hex:32}", why: "no UUID" }, { sample: "{uuid} ", why: "a trailing space" }],
      env: ["VAPI_TOKEN"],
      maxAgeDays: 366,
      probe: { kind: "http", method: "GET", url: "https://api.vapi.ai/assistant?limit=1", auth: "bearer" },
      rotation: { kind: "guided", danger: 70, page: "https://dashboard.vapi.ai/org/api-keys", overlap: "unbounded: several keys may live", steps: ["Create a second private key", "Copy it"], revoke: "Delete the first key on the same page" },
    },
  },
  env: { VAPI_ASSISTANT_ID: "assistantId", VAPI_PHONE_NUMBER_ID: "phoneNumberId" },
  checklist: API_CHECKLIST,
});
