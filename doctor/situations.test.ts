import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../lib/clock.ts";
import { createHttp } from "../lib/http.ts";
import type { Tier } from "../schemas/access.ts";
import { expand } from "../schemas/template.ts";
import { startSandbox, type Sandbox } from "../sandbox/index.ts";
import { probeCredential, type Probed } from "./index.ts";

const HOOKS = { payments: { events: ["payment_intent.succeeded", "customer.subscription.updated"] } };
interface Subject { readonly kind: string; readonly sample: string; readonly settings: Readonly<Record<string, unknown>>; readonly owner?: string; readonly live?: string; readonly service?: string }
/** Settings and samples of every integration that has an API. */
const SUBJECTS: Readonly<Record<string, Subject>> = {
  twilio: { kind: "twilio.authToken", sample: "{hex:32}", settings: { accountSid: `AC${"1".repeat(32)}`, from: "+15005550006" }, owner: `AC${"1".repeat(32)}` },
  "twilio-key": { service: "twilio", kind: "twilio.apiKeySecret", sample: "{alnum:29}aB3", settings: { accountSid: `AC${"1".repeat(32)}`, apiKeySid: `SK${"1".repeat(32)}`, from: "+15005550006" }, owner: `SK${"1".repeat(32)}` },
  "mailgun-key": { service: "mailgun", kind: "smtp.apiKey", sample: "{hex:32}-{hex:8}-{hex:8}", settings: { provider: "mailgun", username: "postmaster@mg.acme.example", host: "smtp.mailgun.org", apiKeyId: "00000000-00000000" }, owner: "api" },
  vapi: { kind: "vapi.token", sample: "{uuid}", settings: { assistantId: "00000000-0000-4000-8000-000000000009" } },
  vonage: { kind: "vonage.apiSecret", sample: "{alnum:13}aB3", settings: { apiKey: "00000009" }, owner: "00000009" },
  calcom: { kind: "calcom.apiKey", sample: "cal_{hex:32}", live: "cal_live_{hex:32}", settings: { eventTypeId: 12349, baseUrl: "https://api.cal.com" } },
  stripe: { kind: "stripe.secretKey", sample: "sk_test_{alnum:32}", live: "sk_live_{alnum:32}", settings: { mode: "test", webhooks: HOOKS } },
  hubspot: { kind: "hubspot.accessToken", sample: "pat-na1-{uuid}", settings: { portalId: 123459 } },
  salesforce: { kind: "salesforce.consumerSecret", sample: "{hex:64}", settings: { domain: "acme.my.salesforce.com", consumerKey: `3MVG9${"1".repeat(81)}` }, owner: `3MVG9${"1".repeat(81)}` },
  pipedrive: { kind: "pipedrive.apiToken", sample: "{hex:40}", settings: { companyDomain: "acme-dev" } },
  gohighlevel: { kind: "gohighlevel.accessToken", sample: "pit-{uuid}", settings: { locationId: "0000000000000000000A" } },
};
type Expected = readonly [verdict: Probed["verdict"], code: string, next: RegExp];
interface Situation {
  readonly name: string;
  readonly state: string;
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly tier?: Tier;
  readonly live?: boolean;
  readonly owner?: string;
  readonly fault?: { readonly kind: string; readonly amount?: number };
  readonly value?: (v: string) => string;
  readonly down?: boolean;
  /** What holds where an integration isn't named; and what holds for those that differ. */
  readonly all: Expected;
  readonly but?: Readonly<Record<string, Expected>>;
}
const NONE = /^$/;
const good: Expected = ["valid", "CREDENTIAL_ACCEPTED", NONE];
const dead: Expected = ["invalid", "CREDENTIAL_REFUSED", /stackseal secret set|private key/];
const wrongEnvironment: Expected = ["invalid", "ENVIRONMENT_WRONG", /test or sandbox account|test credential|live credential|production account/];
const lacks: Expected = ["invalid", "PERMISSION_MISSING", /give it the right to read/];
const unclear: Expected = ["inconclusive", "CREDENTIAL_UNCLEAR", /look|open|set a run-as user/];
const restricted: Expected = ["valid", "CREDENTIAL_RESTRICTED", /\w/];
const otherAccount: Expected = ["invalid", "ACCOUNT_WRONG", /compare/];
const absent: Expected = ["invalid", "RESOURCE_MISSING", /compare/];
const SITUATIONS: readonly Situation[] = [
  { name: "good", state: "active", all: good },
  { name: "good in production", state: "active", tier: "production", live: true, all: good },
  { name: "dead", state: "dead", all: dead },
  { name: "restricted", state: "restricted", all: restricted, but: { twilio: lacks, vapi: lacks, calcom: unclear, salesforce: unclear, stripe: lacks, hubspot: lacks, gohighlevel: lacks, pipedrive: dead } },
  // A provider whose credential and answers show no mode can't be told: those are good.
  { name: "test in production", state: "test", tier: "production", facts: { accountType: "SANDBOX", isSandbox: true }, all: wrongEnvironment, but: { vapi: good, vonage: good, pipedrive: good, gohighlevel: good, calcom: good, "mailgun-key": good, "twilio-key": unclear } },
  { name: "live in dev", state: "active", live: true, facts: { accountType: "STANDARD", isSandbox: false, type: "Full" }, all: good, but: { calcom: wrongEnvironment, stripe: wrongEnvironment, hubspot: wrongEnvironment, salesforce: wrongEnvironment } },
  { name: "wrong account", state: "active", owner: "another", facts: { portalId: 1, domain: "another", locationId: "1".repeat(20), assistants: [], eventTypes: [] }, all: dead, but: { vapi: absent, calcom: absent, stripe: good, hubspot: otherAccount, pipedrive: otherAccount, gohighlevel: otherAccount } },
  { name: "suspended", state: "suspended", all: ["invalid", "ACCOUNT_SUSPENDED", /open|add credit|ask/], but: { "mailgun-key": restricted, calcom: unclear, hubspot: lacks } },
  { name: "rate-limited", state: "active", fault: { kind: "429", amount: 30 }, all: ["inconclusive", "RATE_LIMITED", /wait/] },
  { name: "failing with 500", state: "active", fault: { kind: "500" }, all: ["inconclusive", "PROVIDER_FAILED", /status page/] },
  { name: "cutting connections", state: "active", fault: { kind: "reset" }, all: ["inconclusive", "PROVIDER_RESET", /firewall/] },
  { name: "half-open", state: "active", fault: { kind: "half-open" }, all: ["inconclusive", "PROVIDER_TIMEOUT", /firewall/] },
  { name: "answering with a proxy's page", state: "active", fault: { kind: "json" }, all: ["inconclusive", "ANSWER_UNREADABLE", /proxy/] },
  { name: "unreachable", state: "active", down: true, all: ["inconclusive", "PROVIDER_REFUSED", /firewall or proxy/] },
  { name: "slow", state: "active", fault: { kind: "latency", amount: 3_000 }, all: ["inconclusive", "PROVIDER_TIMEOUT", /status page/] },
  { name: "wrong region", state: "active", facts: { region: "ie1" }, all: dead, but: { twilio: ["invalid", "REGION_WRONG", /region us1/], "twilio-key": ["invalid", "REGION_WRONG", /region us1/], stripe: good } },
  { name: "with a stray space", state: "active", value: (v) => `${v} `, all: ["invalid", "SHAPE_STRAY_SPACE", /secret set/] },
  { name: "with a newline in front", state: "active", value: (v) => `\n${v}`, all: ["invalid", "SHAPE_STRAY_SPACE", /secret set/] },
  { name: "another kind's key", state: "active", value: () => expand("whsec_{alnum:32}"), all: ["invalid", "SHAPE_WRONG", /secret set/], but: { vapi: dead } },
  { name: "corrupted also accepted", state: "anything", all: ["inconclusive", "CONTROL_ACCEPTED", /proxy, a cache or a mock/] },
];
/** Stripe has no such states: said by what its account tells, and by keys' own endings. */
const STRIPE_STATE: Readonly<Record<string, string>> = { test: "active", suspended: "active" };

const http = createHttp({ timeoutMs: 5_000, backoffMs: 5 });
/** For answers that never come: what is waited for is waited for in vain. */
const impatient = createHttp({ timeoutMs: 500, retries: 1, backoffMs: 5 });
afterAll(async () => { await Promise.all([http.close(), impatient.close()]); });

describe.each(Object.entries(SUBJECTS))("%s", (id, subject) => {
  let sandbox: Sandbox;
  beforeAll(async () => { sandbox = await startSandbox({ stateDir: mkdtempSync(join(tmpdir(), "situations-")) }); });
  afterAll(async () => { await sandbox.close(); });
  const control = async (what: string, body: unknown): Promise<void> => {
    const r = await fetch(`${sandbox.urls[(subject.service ?? id) as "twilio"]}/_sandbox/${what}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    expect(r.status).toBe(200);
  };
  it.each(SITUATIONS.map((s) => [s.name, s] as const))("%s", async (_name, s) => {
    const suspendedStripe = id === "stripe" && s.state === "suspended";
    const tier = suspendedStripe ? "production" : (s.tier ?? "development");
    const issued = expand((s.live === true || suspendedStripe ? subject.live : undefined) ?? subject.sample);
    const state = id === "stripe" ? (STRIPE_STATE[s.state] ?? s.state) : s.state;
    await control("credentials", { value: issued, state, owner: (subject.owner !== undefined ? s.owner : undefined) ?? subject.owner ?? "", declared: subject.settings, tier, facts: s.facts ?? {} });
    if (s.owner !== undefined && subject.owner !== undefined) await control("credentials", { value: expand(subject.sample), state: "active", owner: subject.owner });
    if (id === "stripe") await control("account", { charges_enabled: !suspendedStripe });
    if (s.fault) await control("faults", { ...s.fault, times: 50 });
    const value = (s.value ?? ((v) => v))(issued);
    const r = await probeCredential({
      kind: subject.kind, value, settings: subject.settings, environment: { name: "dev", tier }, http: s.fault?.kind === "latency" || s.fault?.kind === "half-open" ? impatient : http, signal: AbortSignal.timeout(25_000), clock: systemClock,
      // Port 1 of loopback: nobody listens there.
      sandbox: s.down === true ? { [subject.service ?? id]: "http://127.0.0.1:1" } : sandbox.urls,
    });
    await control("faults", { clear: true });
    const [verdict, code, next] = s.but?.[id] ?? s.all;
    expect([r.verdict, r.code]).toEqual([verdict, code]);
    expect(r.next).toMatch(next);
    for (const form of [issued, Buffer.from(issued).toString("base64"), encodeURIComponent(issued)]) expect(JSON.stringify(r)).not.toContain(form);
  });
});

describe("a key of another region is named as such, with what to declare", () => {
  const mail = (provider: string, host: string, more: object): object => ({ provider, driver: "smtp", host, port: 587, encryption: "tls", username: provider === "sendgrid" ? "apikey" : "postmaster@mg.acme.example", from: { address: "no-reply@mg.acme.example", name: "Acme" }, ...more });
  const account = { accountSid: `AC${"1".repeat(32)}`, apiKeySid: `SK${"1".repeat(32)}` };
  const CASES: readonly (readonly [service: string, kind: string, sample: string, settings: object, owner: string, region: string, next: RegExp])[] = [
    ["twilio", "twilio.authToken", "{hex:32}", account, account.accountSid, "dublin.ie1", /region us1/],
    ["twilio", "twilio.apiKeySecret", "{alnum:29}aB3", account, account.apiKeySid, "sydney.au1", /region us1/],
    ["sendgrid", "smtp.password", "SG.{url64:22}.{url64:43}", mail("sendgrid", "smtp.sendgrid.net", {}), "", "api.eu.", /smtp\.eu\.sendgrid\.net/],
    ["sendgrid", "smtp.password", "SG.{url64:22}.{url64:43}", mail("sendgrid", "smtp.eu.sendgrid.net", {}), "", "api.sendgrid.com", /global host smtp\.sendgrid\.net/],
    ["mailgun", "smtp.apiKey", "{hex:32}-{hex:8}-{hex:8}", mail("mailgun", "smtp.mailgun.org", { apiKeyId: "00000000-00000000" }), "api", "api.eu.", /smtp\.eu\.mailgun\.org/],
    ["mailgun", "smtp.apiKey", "{hex:32}-{hex:8}-{hex:8}", mail("mailgun", "smtp.eu.mailgun.org", { apiKeyId: "00000000-00000000" }), "api", "api.mailgun.net", /US host smtp\.mailgun\.org/],
  ];
  it.each(CASES)("%s: %s", async (service, kind, sample, settings, owner, region, next) => {
    const sandbox = await startSandbox({ stateDir: mkdtempSync(join(tmpdir(), "region-")) });
    try {
      const value = expand(sample);
      await fetch(`${sandbox.urls[service as "twilio"]}/_sandbox/credentials`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ value, state: "active", owner, declared: settings, facts: { region } }) });
      const r = await probeCredential({ kind, value, settings: settings as Record<string, unknown>, environment: { name: "dev", tier: "development" }, http, signal: AbortSignal.timeout(25_000), clock: systemClock, sandbox: sandbox.urls, ca: sandbox.ca });
      expect([r.verdict, r.code]).toEqual(["invalid", "REGION_WRONG"]);
      expect(r.next).toMatch(next);
    } finally {
      await sandbox.close();
    }
  });
});
