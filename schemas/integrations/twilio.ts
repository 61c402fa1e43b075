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
      rotation: { kind: "api", strategy: "twilio-auth-token", overlap: "from the creation of the secondary token until it is promoted" },
    },
  },
  env: { TWILIO_ACCOUNT_SID: "accountSid", TWILIO_FROM: "from" },
  checklist: API_CHECKLIST,
  docs: "https://www.twilio.com/docs/iam/api/authtoken",
});
