import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHttp } from "../lib/http.ts";
import { startSandbox, type Sandbox } from "../sandbox/index.ts";
import { expand } from "../schemas/template.ts";
import { digestOf, sharedAccount } from "./accounts.ts";
import { examineEndpoints } from "./stripe-endpoints.ts";

const http = createHttp({ timeoutMs: 3_000, retries: 0 });
const dir = mkdtempSync(join(tmpdir(), "endpoints-"));
const key = expand("sk_test_{alnum:32}");
let sandbox: Sandbox;
beforeAll(async () => { sandbox = await startSandbox({ stateDir: dir }); });
afterAll(async () => { await sandbox.close(); await http.close(); });
interface Kept { id: string; status: string; url: string; api_version: string; enabled_events: string[]; livemode: boolean; metadata: Record<string, string> }
const form = (name: string, url: string, more: Record<string, string> = {}): URLSearchParams => new URLSearchParams({ url, "enabled_events[0]": "invoice.paid", "enabled_events[1]": "payment_intent.succeeded", "api_version": "2026-10-28.endive", "metadata[managed_by]": "stackseal", "metadata[stack]": "stackseal/dev-payments", "metadata[name]": name, ...more });
const create = async (body: URLSearchParams): Promise<void> => { expect((await fetch(`${sandbox.urls.stripe}/v1/webhook_endpoints`, { method: "POST", headers: { authorization: `Bearer ${key}` }, body })).status).toBe(200); };
const URL_ = "https://dev.acme.example/webhooks/stripe";
const webhook = { path: "/webhooks/stripe", apiVersion: "2026-10-28.endive", events: ["invoice.paid", "payment_intent.succeeded"] };
const examine = (mode = "test"): Promise<string[]> => examineEndpoints({
  http, signal: AbortSignal.timeout(10_000), title: "Stripe", path: "stripe.secretKey", settings: {}, tier: "development", sandbox: sandbox.urls.stripe, value: key, environment: "dev", platformUrl: "https://dev.acme.example", payments: { environment: "dev", stripe: { mode, publishableKey: "", webhooks: { payments: webhook } } } as never,
} as never).then((r) => r.map((s) => `${s.verdict} ${s.code}`));
/** As somebody changed it in the dashboard. */
async function changed(change: (e: Kept[]) => void): Promise<string[]> {
  const file = join(dir, "stripe.json");
  const before = readFileSync(file, "utf8");
  const state = JSON.parse(before) as { endpoints: Kept[] };
  change(state.endpoints);
  writeFileSync(file, JSON.stringify(state));
  const r = await examine();
  writeFileSync(file, before);
  return r;
}
describe("a declared Stripe endpoint", () => {
  it("is missing, then fine, then whatever somebody made of it", async () => {
    expect(await examine()).toEqual(["invalid ENDPOINT_MISSING", "valid LIMITS_FINE", "valid NO_RECENT_ERRORS"]);
    await create(form("payments", URL_));
    expect(await examine()).toEqual(["valid ENDPOINT_FINE", "valid LIMITS_FINE", "valid NO_RECENT_ERRORS"]);
    const only = async (change: (e: Kept) => void): Promise<string> => (await changed((all) => { change(all[0]!); }))[0]!;
    expect(await only((e) => { e.status = "disabled"; })).toBe("invalid ENDPOINT_DISABLED");
    expect(await only((e) => { e.url = "https://other.example/hook"; })).toBe("invalid ENDPOINT_URL");
    expect(await only((e) => { e.enabled_events = ["invoice.paid"]; })).toBe("invalid ENDPOINT_EVENTS");
    expect(await only((e) => { e.enabled_events = [...e.enabled_events, "charge.failed"]; })).toBe("invalid ENDPOINT_EVENTS");
    expect(await only((e) => { e.api_version = "2024-01-01"; })).toBe("invalid ENDPOINT_API_VERSION");
    expect(await only((e) => { e.metadata = {}; })).toBe("invalid ENDPOINT_FOREIGN");
    expect(await only((e) => { e.metadata["stack"] = "stackseal/prod-payments"; })).toBe("invalid ENDPOINT_FOREIGN");
    expect((await examine("live"))[0]).toBe("invalid ENVIRONMENT_WRONG");
  });
  it("counts to 16, warns from 14 on, and sees two of one name", async () => {
    await create(form("payments", `${URL_}/second`));
    expect(await examine()).toContain("invalid ENDPOINT_DUPLICATE");
    for (let i = 2; i < 14; i++) await create(form(`other-${String(i)}`, `https://dev.acme.example/${String(i)}`));
    expect(await examine()).toContain("valid LIMIT_NEAR");
    for (let i = 14; i < 16; i++) await create(form(`other-${String(i)}`, `https://dev.acme.example/${String(i)}`));
    expect(await examine()).toContain("invalid LIMIT_EXCEEDED");
  });
  it("tells events that no receiver took", async () => {
    const file = join(dir, "stripe.json");
    const state = JSON.parse(readFileSync(file, "utf8")) as { events?: unknown[] };
    state.events = [{ id: "evt_1", type: "invoice.paid", created: Math.floor(Date.now() / 1000), livemode: false, delivered: false }];
    writeFileSync(file, JSON.stringify(state));
    expect(await examine()).toContain("invalid DELIVERIES_FAILED");
  });
});

describe("two environments on one live account", () => {
  const sid = `AC${"5".repeat(32)}`;
  const own = { name: "dev", tier: "development" as const, settings: { accountSid: sid }, account: sid, live: true };
  it("is a finding by what is declared and by what was seen, and none between test accounts", () => {
    expect(sharedAccount("twilio", own, [{ name: "prod", tier: "production", settings: { twilio: { accountSid: sid } } }], [])).toMatchObject({ verdict: "invalid", code: "ACCOUNT_SHARED", message: "prod and dev are on one live account" });
    expect(sharedAccount("stripe", { ...own, settings: {} }, [], [{ environment: "staging", tier: "staging", integration: "stripe", account: digestOf(sid), live: true }])).toMatchObject({ code: "ACCOUNT_SHARED" });
    expect(sharedAccount("stripe", { ...own, settings: {}, live: false }, [], [{ environment: "staging", tier: "staging", integration: "stripe", account: digestOf(sid), live: false }])).toBeNull();
    expect(sharedAccount("twilio", own, [{ name: "dev", tier: "development", settings: { twilio: { accountSid: sid } } }], [])).toBeNull();
  });
});
