import { z } from "zod";
import { defineIntegration } from "../integration.ts";
import { API_CHECKLIST } from "./checklist.ts";

export const twilio = defineIntegration({
  id: "twilio",
  title: "Twilio",
  chapter: "Twilio Configuration",
  file: "environment",
  settings: z.strictObject({
    accountSid: z.string().regex(/^AC[0-9a-fA-F]{32}$/, "AC and 32 hexadecimal digits"),
    from: z.string().regex(/^\+[1-9]\d{6,14}$/, "a phone number in E.164 form").optional(),
    apiBase: z.string().optional().describe("The sandbox's address; loopback only"),
  }),
  secrets: {
    authToken: {
      title: "Auth token",
      class: "standard",
      format: { pattern: /^[0-9a-f]{32}$/, says: "32 lower-case hexadecimal digits" },
      accepts: ["{hex:32}"],
      rejects: [
        { sample: "AC{hex:32}", why: "an account SID" },
        { sample: "{hex:31}", why: "too short" },
        { sample: "{hex:32} ", why: "a trailing space" },
      ],
      env: ["TWILIO_AUTH_TOKEN"],
      maxAgeDays: 366,
      probe: { kind: "http", method: "GET", url: "https://api.twilio.com/2010-04-01/Accounts/{accountSid}/Balance.json", auth: "basic" },
      rotation: {
        kind: "api", strategy: "twilio-auth-token", danger: 90, graceSeconds: 3600,
        overlap: "from the creation of the secondary token until it is promoted; inbound requests are signed with the primary one until then",
        // There is no call that shows whether a secondary token exists: an interrupted mint is taken back and made again.
        mint: { by: "provider", step: { method: "POST", url: "https://accounts.twilio.com/v1/AuthTokens/Secondary", auth: { kind: "basic", user: "{accountSid}", as: "current" } }, value: "secondary_auth_token" },
        discard: { method: "DELETE", url: "https://accounts.twilio.com/v1/AuthTokens/Secondary", auth: { kind: "basic", user: "{accountSid}", as: "current" }, done: [404] },
        // Promoting makes the secondary token the primary one; the old one dies in the same call. 404: there is no secondary one any more.
        revoke: { method: "POST", url: "https://accounts.twilio.com/v1/AuthTokens/Promote", auth: { kind: "basic", user: "{accountSid}", as: "next" }, done: [404] },
        holders: [{ integration: "vapi", says: "Vapi stores a Twilio credential of its own: dashboard.vapi.ai → Integrations → Twilio: put the new auth token there" }],
      },
    },
  },
  env: { TWILIO_ACCOUNT_SID: "accountSid", TWILIO_FROM: "from" },
  checklist: API_CHECKLIST,
  docs: "https://www.twilio.com/docs/iam/api/authtoken",
});
