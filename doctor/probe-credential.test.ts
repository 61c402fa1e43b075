import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../lib/clock.ts";
import { createHttp } from "../lib/http.ts";
import { specOf } from "../schemas/integrations/index.ts";
import { expand } from "../schemas/template.ts";
import { startSandbox, type Sandbox } from "../sandbox/index.ts";
import { probeCredential, type Probed } from "./index.ts";

const http = createHttp({ timeoutMs: 2_000, backoffMs: 10 });
let sandbox: Sandbox;
beforeAll(async () => { sandbox = await startSandbox({ stateDir: mkdtempSync(join(tmpdir(), "sandbox-")) }); });
afterAll(async () => { await sandbox.close(); await http.close(); });

const SETTINGS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  twilio: { accountSid: `AC${"0".repeat(31)}9`, from: "+15005550006" }, vapi: { assistantId: "00000000-0000-4000-8000-000000000009" }, vonage: { apiKey: "00000009" },
  calcom: { eventTypeId: 12349, baseUrl: "https://api.cal.com" }, hubspot: { portalId: 123459 }, salesforce: { domain: "acme--dev.sandbox.my.salesforce.com", consumerKey: `3MVG9${"0".repeat(80)}9` },
  pipedrive: { companyDomain: "acme-dev" }, gohighlevel: { locationId: `${"0".repeat(19)}9` }, stripe: { mode: "test", webhooks: { payments: { events: ["payment_intent.succeeded"] } } },
  smtp: { provider: "mailtrap", host: "sandbox.smtp.mailtrap.io", port: 587, encryption: "tls", username: "0123456789abcd" },
};
const KINDS = ["twilio.authToken", "vapi.token", "vonage.apiSecret", "calcom.apiKey", "hubspot.accessToken", "salesforce.consumerSecret", "pipedrive.apiToken", "gohighlevel.accessToken", "stripe.secretKey", "smtp.password"];
const sample = (kind: string): string => expand(kind === "smtp.password" ? "{hex:14}" : (specOf(kind)?.accepts[0] ?? ""));
const probe = (kind: string, value: string): Promise<Probed> => probeCredential({ kind, value, settings: SETTINGS[kind.split(".")[0] ?? ""] ?? {}, environment: { name: "dev", tier: "development" }, sandbox: sandbox.urls, ca: sandbox.ca, http, signal: AbortSignal.timeout(20_000), clock: systemClock });

describe.each(KINDS)("%s", (kind) => {
  const good = sample(kind);
  it("is valid where the provider accepts it and refuses a corrupted copy", async () => {
    expect(await probe(kind, good)).toMatchObject({ verdict: "valid", code: kind === "smtp.password" ? "LOGIN_DONE" : "CREDENTIAL_ACCEPTED" });
  });
  it("is invalid with a character changed, and the answer says what to do", async () => {
    const typo = good.slice(0, -3) + Array.from(good.slice(-3)).map((c) => (c === "0" ? "1" : /\d/.test(c) ? "0" : c === "a" ? "b" : /[a-f]/.test(c) ? "a" : c === "C" ? "D" : /[A-Z]/.test(c) ? "C" : "b")).join("");
    const r = await probe(kind, typo);
    expect(r.verdict).toBe("invalid");
    expect(r.code).toMatch(/REFUSED/);
    expect(r.next).not.toBe("");
    expect(JSON.stringify(r)).not.toContain(typo);
  });
  it("is invalid with a stray space, and isn't sent", async () => {
    expect(await probe(kind, `${good} `)).toMatchObject({ verdict: "invalid", code: "SHAPE_STRAY_SPACE" });
  });
});
it("never calls a Zapier hook", async () => {
  expect(await probe("zapier.hookUrl", expand("https://hooks.zapier.com/hooks/catch/{digits:8}/{alnum:7}/"))).toMatchObject({ verdict: "skipped", code: "NEVER_CALLED" });
});
