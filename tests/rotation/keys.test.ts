import { afterEach, describe, expect, it } from "vitest";
import type { HttpCall, Rotator } from "../../rotation/context.ts";
import { advance } from "../../rotation/machine.ts";
import { propose, wayOf } from "../../rotation/start.ts";
import { expectedSecrets } from "../../schemas/integrations/index.ts";
import { CASES } from "./cases.ts";
import { alive, makeWorld, type World } from "./world.ts";

// API keys that another key makes: who speaks, and that the new one may do what the old one may and no more.

let w: World;
afterEach(async () => { await w.close(); });
const twilio = CASES.find((c) => c.path === "twilio.apiKeySecret")!;
const SID = `SK${"0".repeat(32)}`;

/** The same rotator, its calls kept. */
function heard(r: Rotator): { r: Rotator; calls: HttpCall[] } {
  const calls: HttpCall[] = [];
  return { calls, r: { ...r, send: (c) => { calls.push(c); return r.send(c); } } };
}
async function rotate(path: string, more: Partial<Rotator> = {}): Promise<HttpCall[]> {
  const { r, calls } = heard(await w.rotator({}, more));
  const done = await advance(r, (await propose(r, { path, reason: "scheduled" })).rotation, wayOf(r));
  expect(done.record.steps.at(-1)!.step).toBe("closed");
  return calls;
}
async function register(service: "twilio" | "mailgun", value: string, owner: string, declared: object, facts: object): Promise<void> {
  await fetch(`${w.sandbox.urls[service]}/_sandbox/credentials`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ value, state: "active", owner, declared, facts }) });
}
const basic = (user: string, value: string): string => `Basic ${Buffer.from(`${user}:${value}`).toString("base64")}`;

describe("a Twilio API key", () => {
  it("that is restricted is followed by one with the same policy, made with the account's own auth token", async () => {
    w = await makeWorld({ only: ["twilio"], settings: twilio.settings! });
    const policy = { allow: ["/twilio/messaging/messages/create", "/twilio/voice/calls/create"] };
    await register("twilio", await w.value("twilio.apiKeySecret"), SID, { accountSid: `AC${"0".repeat(32)}` }, { policy });
    const calls = await rotate("twilio.apiKeySecret");
    const mint = calls.find((c) => c.method === "POST" && c.url === "https://iam.twilio.com/v1/Keys")!;
    expect(mint.headers["authorization"]).toBe(basic(`AC${"0".repeat(32)}`, await w.value("twilio.authToken")));
    const form = new URLSearchParams(mint.body);
    expect([form.get("KeyType"), JSON.parse(form.get("Policy")!)]).toEqual(["restricted", policy]);
    expect(alive(w, "twilio", /^SK/)).toBe(1);
  }, 60_000);
  it("that isn't restricted is followed by a standard one", async () => {
    w = await makeWorld({ only: ["twilio"], settings: twilio.settings! });
    const mint = (await rotate("twilio.apiKeySecret")).find((c) => c.method === "POST")!;
    expect([...new URLSearchParams(mint.body).keys()].sort()).toEqual(["AccountSid", "FriendlyName"]);
  }, 60_000);
  it("needs the auth token of the rotator's process where the environment seals none, and says so", async () => {
    w = await makeWorld({ only: ["twilio"], settings: twilio.settings! });
    const r = await w.rotator();
    const token = await w.value("twilio.authToken");
    const without: Partial<Rotator> = { send: (c) => (c.url.includes("iam.twilio.com") && c.headers["authorization"] === basic(`AC${"0".repeat(32)}`, token) ? Promise.resolve({ ok: true, status: 401, headers: {}, text: "{}" }) : r.send(c)) };
    await expect(rotate("twilio.apiKeySecret", without)).rejects.toMatchObject({ findings: [{ hint: expect.stringContaining("STACKSEAL_ADMIN_TWILIO") as unknown }] });
  }, 60_000);
});

describe("a Mailgun API key", () => {
  it("is followed by one of its role, kind and domain, asked for as multipart", async () => {
    w = await makeWorld({ only: ["smtp"], mail: "mailgun-key" });
    await register("mailgun", await w.value("smtp.apiKey"), "api", { apiKeyId: "00000000-00000000" }, { role: "developer", kind: "domain", domain: "mg.acme.example" });
    const mint = (await rotate("smtp.apiKey")).find((c) => c.method === "POST")!;
    expect(mint.headers["content-type"]).toMatch(/^multipart\/form-data; boundary=/);
    // The platform's own reader of multipart, not the sandbox's: fine for a test's few fields.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    const form = await new Response(mint.body, { headers: { "content-type": mint.headers["content-type"]! } }).formData();
    expect(Object.fromEntries(form)).toEqual({ role: "developer", kind: "domain", domain_name: "mg.acme.example", description: expect.stringMatching(/^stackseal-r\d/) as unknown });
  }, 60_000);
  it("sealed beside an SMTP login replaces that login: no key of the rotator's own is wanted", async () => {
    w = await makeWorld({ only: ["smtp"], mail: "mailgun-key" });
    const key = await w.value("smtp.apiKey");
    const calls = await rotate("smtp.password");
    expect(new Set(calls.map((c) => c.headers["authorization"]))).toEqual(new Set([basic("api", key)]));
    expect(await w.value("smtp.apiKey")).toBe(key);
  }, 60_000);
});

it("an environment has the auth token, an API key, or both; a Mailgun key where its id is declared", async () => {
  w = await makeWorld({ only: ["vapi"] });
  const asked = (settings: object): string[] => expectedSecrets(settings as Record<string, unknown>, "development").map((e) => `${e.path}${e.optional ? "?" : ""}`);
  const mail = { provider: "mailgun", host: "smtp.mailgun.org", username: "a@mg.acme.example", driver: "smtp" };
  expect(asked({ twilio: { accountSid: "AC" } })).toEqual(["twilio.authToken"]);
  expect(asked({ twilio: { accountSid: "AC", apiKeySid: "SK" } })).toEqual(["twilio.authToken?", "twilio.apiKeySecret"]);
  expect(asked({ smtp: mail })).toEqual(["smtp.password"]);
  expect(asked({ smtp: { ...mail, apiKeyId: "1" } })).toEqual(["smtp.password", "smtp.apiKey"]);
  expect(asked({ smtp: { ...mail, apiKeyId: "1", driver: "mailgun" } })).toEqual(["smtp.password?", "smtp.apiKey"]);
  expect(asked({ smtp: { ...mail, apiKeyId: "1", provider: "sendgrid" } })).toEqual(["smtp.password"]);
});
