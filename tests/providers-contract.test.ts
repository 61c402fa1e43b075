import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import twilioSdk from "twilio";
import Stripe from "stripe";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../lib/clock.ts";
import { createHttp, type Http, type HttpRequest } from "../lib/http.ts";
import { expand } from "../schemas/template.ts";
import { probeCredential } from "../doctor/index.ts";
import { examineEndpoints } from "../doctor/stripe-endpoints.ts";
import { StripeClient } from "../providers/stripe/client.ts";
import { startSandbox, type Sandbox } from "../sandbox/index.ts";

const http = createHttp({ timeoutMs: 5_000 });
let sandbox: Sandbox;
beforeAll(async () => { sandbox = await startSandbox({ stateDir: mkdtempSync(join(tmpdir(), "contract-")) }); });
afterAll(async () => {
  await sandbox.close();
  await http.close();
});

const onPath = (name: string): boolean => (process.env["PATH"] ?? "").split(delimiter).some((d) => d !== "" && existsSync(join(d, name)));
const freePort = (): Promise<number> => new Promise((done) => { const s = createServer().listen(0, "127.0.0.1", () => { const { port } = s.address() as AddressInfo; s.close(() => { done(port); }); }); });
const hasMock = onPath("stripe-mock");

(hasMock ? describe : describe.skip)("every request of ours to Stripe is one that Stripe's own mock accepts", () => {
  let mock: ChildProcess;
  let base: string;
  beforeAll(async () => {
    const port = await freePort();
    base = `http://127.0.0.1:${port}`;
    mock = spawn("stripe-mock", ["-http-addr", `127.0.0.1:${port}`], { stdio: "ignore" });
    for (let i = 0; i < 200; i++) {
      if (await fetch(`${base}/v1/balance`, { headers: { authorization: "Bearer sk_test_123" } }).then((r) => r.ok, () => false)) return;
      await new Promise((d) => setTimeout(d, 100));
    }
    throw new Error("stripe-mock didn't start");
  });
  afterAll(() => { mock.kill(); });

  it("the doctor's, with a test key", async () => {
    const sent: HttpRequest[] = [];
    const spy: Http = { send: (r, s) => { sent.push(r); return http.send(r, s); }, close: () => Promise.resolve() };
    const key = expand("sk_test_{alnum:32}");
    const settings = { mode: "test" as const, publishableKey: expand("pk_test_{alnum:24}"), webhooks: { payments: { path: "/webhooks/stripe", apiVersion: "2026-10-28.endive", events: ["payment_intent.succeeded", "customer.subscription.updated"] } } };
    await probeCredential({ kind: "stripe.secretKey", value: key, settings, environment: { name: "dev", tier: "development" }, sandbox: sandbox.urls, http: spy, signal: AbortSignal.timeout(20_000), clock: systemClock });
    await examineEndpoints({ http: spy, signal: AbortSignal.timeout(20_000), settings, sandbox: sandbox.urls.stripe, tier: "development", value: key, payments: { environment: "dev", stripe: settings }, environment: "dev", platformUrl: "https://dev.acme.example" });
    const asked = sent.filter((r) => r.headers?.["authorization"] === `Bearer ${key}`);
    expect(new Set(asked.map((r) => new URL(r.url).pathname))).toEqual(new Set(["/v1/balance", "/v1/account", "/v1/webhook_endpoints", "/v1/payment_intents", "/v1/subscriptions", "/v1/customers", "/v1/prices", "/v1/events"]));
    for (const r of asked) {
      const u = new URL(r.url);
      const got = await fetch(base + u.pathname + u.search, { method: r.method, headers: { authorization: "Bearer sk_test_123" } });
      expect([u.pathname + u.search, got.status]).toEqual([u.pathname + u.search, 200]);
    }
  });
  it("the provider's: list, create, update, retrieve and remove an endpoint", async () => {
    const sent: { readonly method: string; readonly path: string; readonly body: string | undefined }[] = [];
    const spy: Http = { close: () => Promise.resolve(), send: (r, signal) => {
      const u = new URL(r.url);
      sent.push({ method: r.method, path: u.pathname + u.search, body: r.body });
      return http.send(r, signal);
    } };
    const client = new StripeClient({ key: expand("sk_test_{alnum:32}"), base: sandbox.urls.stripe, http: spy });
    await client.list();
    const made = await client.create({ url: "https://dev.acme.example/webhooks/stripe", enabled_events: ["invoice.paid", "charge.failed"], api_version: "2026-10-28.endive", connect: false, description: "payments", metadata: { managed_by: "stackseal", stack: "stackseal/dev-payments" } });
    await client.update(made.id, { enabled_events: ["invoice.paid"], disabled: true, metadata: { generation: "2" } });
    await client.retrieve(made.id);
    await client.remove(made.id);
    expect(sent.map((r) => r.method)).toEqual(["GET", "POST", "POST", "GET", "DELETE"]);
    for (const r of sent) {
      // The mock's API is older than the version that is asked for: the version itself is Stripe's to judge.
      const body = r.body?.replace(/(^|&)api_version=[^&]*/, "");
      const got = await fetch(base + r.path, { method: r.method, headers: { authorization: "Bearer sk_test_123", ...(body !== undefined && { "content-type": "application/x-www-form-urlencoded" }) }, ...(body !== undefined && { body }) });
      expect([r.method, r.path.replace(made.id, "ID"), got.status]).toEqual([r.method, r.path.replace(made.id, "ID"), 200]);
    }
  });
  it("a parameter that the mock refuses is refused by the fake too", async () => {
    const form = { method: "POST", headers: { authorization: "Bearer sk_test_123", "content-type": "application/x-www-form-urlencoded" }, body: "url=https%3A%2F%2Fa.example%2F&enabled_events[]=nothing.happened" };
    const fake = { ...form, headers: { ...form.headers, authorization: `Bearer ${expand("sk_test_{alnum:32}")}` } };
    expect([(await fetch(`${base}/v1/webhook_endpoints`, form)).status, (await fetch(`${sandbox.urls.stripe}/v1/webhook_endpoints`, fake)).status]).toEqual([400, 400]);
  });
});
if (!hasMock) it.skip("stripe-mock isn't on PATH: npm test installs it", () => undefined);

it("the official Stripe SDK reads the fake: balance, account, endpoints, and its errors", async () => {
  const u = new URL(sandbox.urls.stripe);
  const of = (key: string): Stripe => new Stripe(key, { host: u.hostname, port: Number(u.port), protocol: "http", maxNetworkRetries: 0 });
  const stripe = of(expand("sk_test_{alnum:32}"));
  expect((await stripe.balance.retrieve()).livemode).toBe(false);
  const made = await stripe.webhookEndpoints.create({ url: "https://a.example/", enabled_events: ["invoice.paid"] });
  expect(made.secret).toMatch(/^whsec_/);
  expect((await stripe.webhookEndpoints.retrieve(made.id)).secret).toBeUndefined();
  await expect(of(expand("sk_test_{alnum:28}dead")).balance.retrieve()).rejects.toBeInstanceOf(Stripe.errors.StripeAuthenticationError);
  await expect(of(expand("rk_test_{alnum:24}norights")).balance.retrieve()).rejects.toBeInstanceOf(Stripe.errors.StripePermissionError);
});

describe("the official Twilio SDK, pointed at the fake", () => {
  const sid = `AC${expand("{hex:32}")}`;
  const client = (user: string, password: string, account = sid): ReturnType<typeof twilioSdk> => {
    const c = twilioSdk(user, password, { accountSid: account });
    for (const d of [c.api, c.accounts, c.iam, c.monitor, c.verify]) (d as { baseUrl: string }).baseUrl = sandbox.urls.twilio;
    return c;
  };
  let token = expand("{hex:32}");
  it("reads account, balance, numbers and alerts", async () => {
    const c = client(sid, token);
    expect(await c.api.v2010.accounts(sid).fetch()).toMatchObject({ sid, status: "active", type: "Trial", authToken: token });
    expect(Number((await c.api.v2010.account.balance.fetch()).balance)).toBeGreaterThan(0);
    expect((await c.api.v2010.account.incomingPhoneNumbers.list({ phoneNumber: "+15005550006", limit: 1 }))[0]?.phoneNumber).toBe("+15005550006");
    expect(await c.monitor.v1.alerts.list({ limit: 1 })).toEqual([]);
  });
  it("gets 20003 for a wrong token, as RestException", async () => {
    await expect(client(sid, expand("{hex:32}").replace(/.$/, "0")).api.v2010.accounts("ACffffffffffffffffffffffffffffffff").fetch()).rejects.toMatchObject({ status: 404, code: 20404 });
    await expect(client(sid, token.slice(0, -1) + (token.endsWith("0") ? "1" : "0")).api.v2010.accounts(sid).fetch()).rejects.toMatchObject({ status: 401, code: 20003 });
  });
  it("makes a secondary token, both live, promotes it, and the old one dies", async () => {
    const made = await client(sid, token).accounts.v1.secondaryAuthToken().create();
    const next = made.secondaryAuthToken;
    expect(next).toMatch(/^[0-9a-f]{32}$/);
    for (const t of [token, next]) expect((await client(sid, t).api.v2010.accounts(sid).fetch()).status).toBe("active");
    expect((await client(sid, token).accounts.v1.authTokenPromotion().update()).authToken).toBe(next);
    await expect(client(sid, token).api.v2010.accounts(sid).fetch()).rejects.toMatchObject({ status: 401, code: 20003 });
    token = next;
    await expect(client(sid, token).accounts.v1.authTokenPromotion().update()).rejects.toMatchObject({ status: 404, code: 20404 });
  });
  it("makes, uses, lists and removes an API key", async () => {
    const c = client(sid, token);
    const key = await c.iam.v1.newApiKey.create({ accountSid: sid, friendlyName: "sandbox" });
    expect(key.secret).toMatch(/^[0-9A-Za-z]{32}$/);
    const byKey = client(key.sid, key.secret);
    expect(await byKey.verify.v2.services.list({ limit: 1 })).toEqual([]);
    await expect(byKey.api.v2010.accounts(sid).fetch()).rejects.toMatchObject({ code: 70051 });
    expect((await c.iam.v1.getApiKeys.list({ accountSid: sid })).map((k) => k.sid)).toEqual([key.sid]);
    expect(await c.iam.v1.apiKey(key.sid).remove()).toBe(true);
    await expect(byKey.verify.v2.services.list({ limit: 1 })).rejects.toMatchObject({ status: 401 });
  });
  it("sends a message with magic numbers", async () => {
    const c = client(sid, token);
    expect((await c.messages.create({ from: "+15005550006", to: "+14155550100", body: "x" })).status).toBe("queued");
    await expect(c.messages.create({ from: "+15005550006", to: "+15005550001", body: "x" })).rejects.toMatchObject({ code: 21211 });
  });
});
