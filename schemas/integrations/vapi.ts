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
      probe: {
        kind: "http",
        call: { method: "GET", url: "https://api.vapi.ai/assistant?limit=1", auth: { kind: "bearer" } },
        keep: ["0.orgId"],
        readings: [
          { status: 401, verdict: "invalid", code: "CREDENTIAL_REFUSED", message: "Vapi refuses the key: it is dead, or it is the public key", next: "take the private key from https://dashboard.vapi.ai/org/api-keys" },
          { status: 402, verdict: "invalid", code: "ACCOUNT_SUSPENDED", account: true, message: "the key is right and the organisation has no credit", next: "add credit in Vapi's dashboard" },
          { status: 403, verdict: "valid", code: "CREDENTIAL_RESTRICTED", message: "the key is alive and may not list assistants", next: "use a private key of the organisation" },
        ],
        facts: [{ kind: "account", field: "0.orgId" }],
        more: [],
        permissions: [
          { what: "the declared assistant", when: "assistantId", declared: true, call: { method: "GET", url: "https://api.vapi.ai/assistant/{assistantId}", auth: { kind: "bearer" } } },
          { what: "the declared phone number", when: "phoneNumberId", declared: true, call: { method: "GET", url: "https://api.vapi.ai/phone-number/{phoneNumberId}", auth: { kind: "bearer" } } },
        ],
        unprovable: "that calls may be made is shown by making one",
        limits: [],
        limitsKnown: "10 concurrent calls by default (HTTP 400, Over Concurrency Limit); the API answers 429 to too many requests",
        control: "once",
        logLine: "401 Invalid Key, or Over Concurrency Limit",
        page: "https://dashboard.vapi.ai/org/api-keys",
      },
      rotation: { kind: "guided", danger: 70, page: "https://dashboard.vapi.ai/org/api-keys", overlap: "unbounded: several keys may live", steps: ["Create a second private key", "Copy it"], revoke: "Delete the first key on the same page" },
    },
  },
  env: { VAPI_ASSISTANT_ID: "assistantId", VAPI_PHONE_NUMBER_ID: "phoneNumberId" },
  find: [
    { what: "token", where: "Vapi dashboard → Organization → API Keys → Private key", url: "https://dashboard.vapi.ai/org/api-keys" },
    { what: "assistantId", where: "Vapi dashboard → Assistants", url: "https://dashboard.vapi.ai/assistants" },
  ],
  checklist: API_CHECKLIST,
});
