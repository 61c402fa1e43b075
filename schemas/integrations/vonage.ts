import { z } from "zod";
import { defineIntegration } from "../integration.ts";
import { API_CHECKLIST } from "./checklist.ts";

export const vonage = defineIntegration({
  id: "vonage",
  title: "Vonage",
  chapter: "VAPI (Vonage API) Configuration",
  file: "environment",
  settings: z.strictObject({ apiKey: z.string().regex(/^[A-Za-z0-9]{8}$/, "8 letters and digits"), apiBase: z.string().optional().describe("The sandbox's address; loopback only") }),
  secrets: {
    apiSecret: {
      title: "API secret",
      class: "standard",
      human: true,
      format: { pattern: /^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[^\s"']\S{6,23}[^\s"']$/, says: "8 to 25 characters with a lower-case letter, an upper-case letter and a digit" },
      accepts: ["{alnum:13}aB3", "{alnum:22}aB3"],
      rejects: [{ sample: "{lower:16}", why: "no capital and no digit" }, { sample: "aB3{alnum:3}", why: "too short" }, { sample: "aB3 {alnum:12}", why: "a space" }],
      env: ["VONAGE_API_SECRET"],
      maxAgeDays: 366,
      probe: {
        kind: "http",
        call: { method: "GET", url: "https://rest.nexmo.com/account/get-balance", auth: { kind: "basic", user: "{apiKey}" } },
        keep: ["value"],
        readings: [
          { status: 402, verdict: "invalid", code: "ACCOUNT_SUSPENDED", account: true, message: "the secret is right and the account may not be used", next: "open the Vonage dashboard: billing says why" },
          { status: 403, verdict: "valid", code: "CREDENTIAL_RESTRICTED", message: "the secret is alive and may not read the balance", next: "ask the account's owner for the right" },
          { status: 420, verdict: "inconclusive", code: "ANSWER_UNKNOWN", message: "Vonage answered with 420", next: "try again; then look into the Vonage dashboard" },
        ],
        facts: [{ kind: "above", field: "value", than: 0, what: "balance" }],
        more: [],
        permissions: [],
        unprovable: "that calls may be made is shown by making one",
        limits: [],
        limitsKnown: "Vonage answers 429 to too many requests",
        control: "once",
        logLine: "401 with title Unauthorized",
        page: "https://dashboard.nexmo.com (API settings)",
      },
      rotation: {
        kind: "api", strategy: "vonage-secret", danger: 80, graceSeconds: 3600, overlap: "two secrets may live at once, no more",
        list: { method: "GET", url: "https://api.nexmo.com/accounts/{apiKey}/secrets", auth: { kind: "basic", user: "{apiKey}", as: "current" }, items: "_embedded.secrets", id: "id" },
        old: { from: "list" },
        mint: { by: "us", template: "{alnum:22}aB3", step: { method: "POST", url: "https://api.nexmo.com/accounts/{apiKey}/secrets", auth: { kind: "basic", user: "{apiKey}", as: "current" }, json: { secret: "{next}" } }, id: "id" },
        discard: { method: "DELETE", url: "https://api.nexmo.com/accounts/{apiKey}/secrets/{id}", auth: { kind: "basic", user: "{apiKey}", as: "current" }, done: [404] },
        revoke: { method: "DELETE", url: "https://api.nexmo.com/accounts/{apiKey}/secrets/{old}", auth: { kind: "basic", user: "{apiKey}", as: "next" }, done: [404] },
      },
    },
  },
  env: { VONAGE_API_KEY: "apiKey" },
  find: [
    { what: "apiKey and API secret", where: "Vonage API dashboard → API Settings", url: "https://dashboard.nexmo.com/settings" },
  ],
  checklist: API_CHECKLIST,
});
