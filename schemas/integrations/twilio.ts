import { z } from "zod";
import { defineIntegration } from "../integration.ts";
import type { ProbeReading } from "../probe.ts";
import { API_CHECKLIST } from "./checklist.ts";

/** What Twilio says by its codes; the status alone would call a live credential dead. */
const READINGS: readonly ProbeReading[] = [
  { status: 403, field: "code", is: 20403, verdict: "invalid", code: "ACCOUNT_SUSPENDED", account: true, message: "the credential is right and the account is suspended or closed (20403)", next: "open the Twilio Console: billing and account status say why" },
  { status: 400, field: "code", is: 10001, verdict: "invalid", code: "ACCOUNT_SUSPENDED", account: true, message: "the account is not active (10001)", next: "open the Twilio Console: billing and account status say why" },
  { status: 403, field: "code", is: 70051, verdict: "valid", code: "CREDENTIAL_RESTRICTED", message: "the credential is alive and may not read this (70051)", next: "give it the right to read it, or prove it by what it may do" },
  { status: 401, field: "code", is: 70051, verdict: "valid", code: "CREDENTIAL_RESTRICTED", message: "the credential is alive and may not read this (70051)", next: "give it the right to read it, or prove it by what it may do" },
];
const WRONG_ACCOUNT: ProbeReading = { status: 404, field: "code", is: 20404, verdict: "invalid", code: "ACCOUNT_WRONG", message: "Twilio knows no such account (20404)", next: "compare accountSid with the Twilio Console" };
const REGIONS = [{ name: "ie1", subdomain: "dublin.ie1" }, { name: "au1", subdomain: "sydney.au1" }];

export const twilio = defineIntegration({
  id: "twilio",
  title: "Twilio",
  chapter: "Twilio Configuration",
  file: "environment",
  settings: z.strictObject({
    accountSid: z.string().regex(/^AC[0-9a-fA-F]{32}$/, "AC and 32 hexadecimal digits"),
    apiKeySid: z.string().regex(/^SK[0-9a-fA-F]{32}$/, "SK and 32 hexadecimal digits").optional().describe("An API key in the auth token's place; the token is then needed for inbound requests' signatures alone"),
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
      // An API key may stand in its place. Inbound requests are signed with the token all the same.
      use: (own) => (own["apiKeySid"] === undefined ? "wanted" : "optional"),
      env: ["TWILIO_AUTH_TOKEN"],
      maxAgeDays: 366,
      probe: {
        kind: "http",
        call: { method: "GET", url: "https://api.twilio.com/2010-04-01/Accounts/{accountSid}.json", auth: { kind: "basic", user: "{accountSid}" } },
        // The whole answer holds the auth token in clear.
        keep: ["sid", "status", "type"],
        readings: [
          { status: 403, field: "code", is: 20008, verdict: "valid", code: "CREDENTIAL_TEST", mode: "test", message: "Twilio knows these as test credentials (20008)", next: "nothing to do outside production" },
          ...READINGS, WRONG_ACCOUNT,
        ],
        facts: [
          { kind: "standing", field: "status", good: ["active"] },
          { kind: "setting", field: "sid", setting: "accountSid", what: "account SID" },
          { kind: "tier", field: "type", production: ["Full"], what: "account type" },
          { kind: "account", field: "sid" },
        ],
        more: [{ what: "balance", call: { method: "GET", url: "https://api.twilio.com/2010-04-01/Accounts/{accountSid}/Balance.json", auth: { kind: "basic", user: "{accountSid}" } }, keep: ["balance"], facts: [{ kind: "above", field: "balance", than: 0, what: "balance" }], forbidden: "the balance can't be read with this credential" }],
        permissions: [{ what: "the declared phone number", when: "from", some: "incoming_phone_numbers", declared: true, call: { method: "GET", url: "https://api.twilio.com/2010-04-01/Accounts/{accountSid}/IncomingPhoneNumbers.json?PhoneNumber={from}", auth: { kind: "basic", user: "{accountSid}" } } }],
        unprovable: "that calls and messages may be made is shown by making one: no reading call proves it",
        limits: [],
        limitsKnown: "Twilio answers 429 (20429) to too many requests at once; Twilio-Concurrent-Requests tells how many",
        control: "once",
        regions: REGIONS.map((r) => ({ name: r.name, origin: `https://api.${r.subdomain}.twilio.com`, declare: "make the token in region us1, where the API is asked" })),
        errors: { what: "Twilio's alerts", list: "alerts", code: "error_code", call: { method: "GET", url: "https://monitor.twilio.com/v1/Alerts?PageSize=20", auth: { kind: "basic", user: "{accountSid}" } } },
        logLine: "RestException with status and code, and the header Twilio-Request-Id",
        page: "https://console.twilio.com (Account → API keys & tokens)",
      },
      rotation: {
        kind: "api", strategy: "twilio-auth-token", danger: 90, graceSeconds: 3600, both: true,
        overlap: "from the creation of the secondary token until it is promoted; inbound requests are signed with the primary one until then",
        // There is no call that shows whether a secondary token exists: an interrupted mint is taken back and made again.
        mint: { by: "provider", step: { method: "POST", url: "https://accounts.twilio.com/v1/AuthTokens/Secondary", auth: { kind: "basic", user: "{accountSid}", as: "current" } }, value: "secondary_auth_token" },
        discard: { method: "DELETE", url: "https://accounts.twilio.com/v1/AuthTokens/Secondary", auth: { kind: "basic", user: "{accountSid}", as: "current" }, done: [404] },
        // Promoting makes the secondary token the primary one; the old one dies in the same call. 404: there is no secondary one any more.
        revoke: { method: "POST", url: "https://accounts.twilio.com/v1/AuthTokens/Promote", auth: { kind: "basic", user: "{accountSid}", as: "next" }, done: [404] },
        holders: [{ integration: "vapi", says: "Vapi stores a Twilio credential of its own: dashboard.vapi.ai → Integrations → Twilio: put the new auth token there" }],
      },
    },
    apiKeySecret: {
      title: "API key secret",
      class: "standard",
      format: { pattern: /^[0-9A-Za-z]{32}$/, says: "32 letters and digits" },
      accepts: ["{alnum:32}"],
      rejects: [
        { sample: "SK{hex:32}", why: "the key's SID" },
        { sample: "{alnum:31}", why: "too short" },
        { sample: "{alnum:32} ", why: "a trailing space" },
      ],
      use: (own) => (own["apiKeySid"] === undefined ? "none" : "wanted"),
      env: ["TWILIO_API_SECRET"],
      pairs: ["apiKeySid"],
      maxAgeDays: 366,
      probe: {
        kind: "http",
        // Standard and restricted keys may not read accounts or keys.
        call: { method: "GET", url: "https://verify.twilio.com/v2/Services?PageSize=1", auth: { kind: "basic", user: "{apiKeySid}" } },
        keep: [],
        readings: READINGS,
        facts: [],
        more: [{
          what: "account", call: { method: "GET", url: "https://api.twilio.com/2010-04-01/Accounts/{accountSid}/Balance.json", auth: { kind: "basic", user: "{apiKeySid}" } }, keep: ["account_sid", "balance"],
          facts: [{ kind: "setting", field: "account_sid", setting: "accountSid", what: "account SID" }, { kind: "above", field: "balance", than: 0, what: "balance" }, { kind: "account", field: "account_sid" }],
          readings: [WRONG_ACCOUNT], forbidden: "a key that may not read the account's balance tells nothing of its account",
        }],
        permissions: [{ what: "the declared phone number", when: "from", some: "incoming_phone_numbers", declared: true, forbidden: "a restricted key that may not list phone numbers: that the declared one exists can't be seen", call: { method: "GET", url: "https://api.twilio.com/2010-04-01/Accounts/{accountSid}/IncomingPhoneNumbers.json?PhoneNumber={from}", auth: { kind: "basic", user: "{apiKeySid}" } } }],
        unprovable: "that calls and messages may be made is shown by making one: no reading call proves it",
        limits: [],
        limitsKnown: "Twilio answers 429 (20429) to too many requests at once; Twilio-Concurrent-Requests tells how many",
        control: "once",
        regions: REGIONS.map((r) => ({ name: r.name, origin: `https://verify.${r.subdomain}.twilio.com`, declare: "make the key in region us1, where the API is asked" })),
        logLine: "RestException with status and code, and the header Twilio-Request-Id",
        page: "https://console.twilio.com (Account → API keys & tokens)",
      },
      rotation: {
        kind: "api", strategy: "twilio-api-key", danger: 80, graceSeconds: 3600, overlap: "unbounded: both keys live until the old one is deleted",
        // Neither a standard nor a restricted key may make another one.
        admin: { variable: "STACKSEAL_ADMIN_TWILIO", says: "the account's auth token: an API key can't make another one", fallback: { secret: "authToken" } },
        // A restricted key is followed by one that may do the same, never by one that may do everything.
        prepare: [{ method: "GET", url: "https://iam.twilio.com/v1/Keys/{oldApiKeySid}", auth: { kind: "basic", user: "{accountSid}", as: "admin" }, take: { policy: "policy" } }],
        list: { method: "GET", url: "https://iam.twilio.com/v1/Keys?AccountSid={accountSid}&PageSize=1000", auth: { kind: "basic", user: "{accountSid}", as: "admin" }, items: "keys", id: "sid", name: "friendly_name" },
        mint: {
          by: "provider", value: "secret", id: "sid", settings: { apiKeySid: "sid" },
          step: { method: "POST", url: "https://iam.twilio.com/v1/Keys", auth: { kind: "basic", user: "{accountSid}", as: "admin" }, form: { AccountSid: "{accountSid}", FriendlyName: "{marker}" }, formWith: { policy: { KeyType: "restricted", Policy: "{policy}" } } },
        },
        discard: { method: "DELETE", url: "https://iam.twilio.com/v1/Keys/{id}", auth: { kind: "basic", user: "{accountSid}", as: "admin" }, done: [404] },
        revoke: { method: "DELETE", url: "https://iam.twilio.com/v1/Keys/{oldApiKeySid}", auth: { kind: "basic", user: "{accountSid}", as: "admin" }, done: [404] },
        holders: [{ integration: "vapi", says: "where Vapi's Twilio credential is this API key: dashboard.vapi.ai → Integrations → Twilio: put the new SID and secret there" }],
      },
    },
  },
  env: { TWILIO_ACCOUNT_SID: "accountSid", TWILIO_API_KEY: "apiKeySid", TWILIO_FROM: "from" },
  find: [
    { what: "accountSid and auth token", where: "Twilio Console → Account Dashboard → Account Info", url: "https://console.twilio.com" },
    { what: "apiKeySid and API key secret", where: "Twilio Console → Account → API keys & tokens → Create API key; the secret is shown once", url: "https://console.twilio.com/us1/account/keys-credentials/api-keys" },
    { what: "from", where: "Twilio Console → Phone Numbers → Active numbers", url: "https://console.twilio.com/us1/develop/phone-numbers/manage/incoming" },
  ],
  checklist: API_CHECKLIST,
  docs: "https://www.twilio.com/docs/iam/api/authtoken",
});
