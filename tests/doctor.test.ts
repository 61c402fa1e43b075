import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import Stripe from "stripe";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const repo = resolve(import.meta.dirname, "..");
const cli = join(repo, "dist/cli.js");
const home = mkdtempSync(join(tmpdir(), "home-"));
interface Ran { readonly code: number; readonly out: string; readonly err: string; readonly ms: number }
const root = mkdtempSync(join(tmpdir(), "doctor-"));
const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> =>
  new Promise((done) => {
    const from = Date.now();
    const child = execFile(process.execPath, [cli, "-C", root, ...args], { env: { PATH: process.env["PATH"] ?? "", HOME: home, NO_COLOR: "1", ...env }, maxBuffer: 64 << 20 }, (e, out, err) => { done({ code: typeof e?.code === "number" ? e.code : e ? 1 : 0, out, err, ms: Date.now() - from }); });
    child.stdin?.end("");
  });
interface Result { readonly integration: string; readonly step: string; readonly verdict: string; readonly code: string; readonly message: string; readonly next: string }
const results = (r: Ran): Result[] => (JSON.parse(r.out) as { results: Result[] }).results;

/** The platform: what it is sent, and how it answers. */
const platform = { seen: [] as { path: string; body: string; signature: string }[], answer: (_right: boolean): number => 200, right: (_body: string, _signature: string): boolean => false };
const receiver = createHttpServer((req, res) => {
  const chunks: Buffer[] = [];
  req.on("data", (c: Buffer) => chunks.push(c)).on("end", () => {
    const [body, signature] = [Buffer.concat(chunks).toString("utf8"), String(req.headers["stripe-signature"])];
    platform.seen.push({ path: req.url ?? "", body, signature });
    res.writeHead(platform.answer(platform.right(body, signature))).end();
  });
});
afterAll(() => { receiver.closeAllConnections(); receiver.close(); });
beforeAll(async () => {
  await new Promise<void>((done) => { receiver.listen(0, "127.0.0.1", done); });
  for (const f of ["stacks", "Pulumi.yaml"]) cpSync(join(repo, f), join(root, f), { recursive: true, filter: (p) => !p.endsWith(".ts") });
  const file = join(root, "stacks/local/environment.yaml");
  const text = readFileSync(file, "utf8");
  const own = text.replace(/^(platform: \{ url: )http:\/\/[^,]+/m, `$1http://127.0.0.1:${String((receiver.address() as AddressInfo).port)}`);
  expect(own).not.toBe(text);
  writeFileSync(file, own);
  expect((await run(["start"])).code).toBe(0);
});

describe("stackseal doctor", () => {
  it("finds every credential of local valid at the sandbox, in the checklist's order, and leaks none", async () => {
    const r = await run(["doctor", "--env", "local", "--json"]);
    expect(r.code).toBe(0);
    const all = results(r);
    expect(all.filter((x) => x.verdict === "invalid" || x.verdict === "inconclusive")).toEqual([]);
    const steps = (id: string): string[] => [...new Set(all.filter((x) => x.integration === id).map((x) => x.step))];
    expect(steps("twilio")).toEqual(["credentials", "test", "account", "logs", "permissions", "limits"]);
    expect(steps("smtp")).toEqual(["settings", "login", "encryption", "firewall", "limits", "logs"]);
    expect(all.filter((x) => x.code === "ENDPOINT_FINE")).toHaveLength(2);
    const text = await run(["doctor", "--env", "local", "--markdown", "--fresh"]);
    expect(text.code).toBe(0);
    const kept = existsSync(join(root, ".stackseal/doctor")) ? readdirSync(join(root, ".stackseal/doctor")).map((f) => readFileSync(join(root, ".stackseal/doctor", f), "utf8")) : [];
    for (const path of ["twilio.authToken", "vapi.token", "calcom.apiKey", "smtp.password", "stripe.secretKey", "outbound-webhooks.crm-sync.signingSecret", "zapier.leads.hookUrl"]) {
      const value = (await run(["secret", "get", path, "--env", "local"])).out;
      expect(value.length).toBeGreaterThan(10);
      for (const form of [value, Buffer.from(value).toString("base64").slice(0, -4), Buffer.from(value).toString("hex"), encodeURIComponent(value)]) expect([r.out, r.err, text.out, text.err, ...kept].filter((t) => t.includes(form))).toEqual([]);
    }
    expect(existsSync(join(root, ".stackseal/sandbox/running.json"))).toBe(false);
  });
  it("says without an identity what it could not do, and does the rest: exit 3", async () => {
    const r = await run(["doctor", "--env", "dev", "--sandbox", "--json"]);
    expect(r.code).toBe(3);
    expect(results(r).filter((x) => x.code === "NO_IDENTITY").length).toBeGreaterThan(8);
    expect(results(r).find((x) => x.integration === "smtp" && x.step === "firewall")).toMatchObject({ verdict: "valid", code: "PORT_REACHABLE" });
  });
  it("names the nearest integration, and refuses one that isn't declared", async () => {
    const r = await run(["doctor", "--env", "local", "--only", "twillio"]);
    expect(r.code).toBe(2);
    expect(r.err).toMatch(/did you mean twilio/);
  });
  it("sees a Stripe endpoint that was changed by hand, and says what to do: exit 1", async () => {
    const file = join(root, ".stackseal/sandbox/stripe.json");
    const before = readFileSync(file, "utf8");
    const state = JSON.parse(before) as { endpoints: { status: string; enabled_events: string[] }[] };
    state.endpoints[0]!.status = "disabled";
    state.endpoints[1]!.enabled_events = ["charge.failed"];
    writeFileSync(file, JSON.stringify(state));
    const r = await run(["doctor", "--env", "local", "--only", "stripe", "--json"]);
    writeFileSync(file, before);
    expect(r.code).toBe(1);
    expect(results(r).filter((x) => x.verdict === "invalid").map((x) => x.code).sort()).toEqual(["ENDPOINT_DISABLED", "ENDPOINT_EVENTS", "ENDPOINT_EVENTS"]);
  });
  it("--deliver sends the platform a signed event that the official library takes, and one with a wrong signature; never without it", async () => {
    const secrets = (await run(["run", "--env", "local", "--", process.execPath, "-e", "console.log(Object.entries(process.env).filter(([k]) => /^STRIPE_WEBHOOK_.*_SECRET$/.test(k)).map(([, v]) => v).join('\\n'))"])).out.trim().split("\n");
    expect(secrets.every((s) => s.startsWith("whsec_"))).toBe(true);
    const verified = (body: string, signature: string): { id: string; type: string } | null => {
      for (const s of secrets) try { return Stripe.webhooks.constructEvent(body, signature, s); } catch { /* another endpoint's */ }
      return null;
    };
    platform.right = (body, signature) => verified(body, signature) !== null;
    const deliver = async (answer: (right: boolean) => number): Promise<{ code: number; codes: string[]; out: string }> => {
      platform.seen.length = 0;
      platform.answer = answer;
      const r = await run(["doctor", "--env", "local", "--only", "stripe", "--deliver", "--json"]);
      return { code: r.code, out: r.out + r.err, codes: results(r).filter((x) => /^SELF_TEST|^SIGNATURE_NOT|^PLATFORM/.test(x.code)).map((x) => `${x.verdict} ${x.code}`) };
    };
    platform.seen.length = 0;
    expect((await run(["doctor", "--env", "local", "--only", "stripe"])).code).toBe(0);
    expect(platform.seen).toEqual([]);
    const fine = await deliver((right) => (right ? 200 : 400));
    expect([fine.code, fine.codes]).toEqual([0, Array<string>(2).fill("valid SELF_TEST_TAKEN")]);
    const events = platform.seen.map((s) => verified(s.body, s.signature));
    expect([events.length, events.filter((e) => e?.type === "stackseal.self_test").length]).toEqual([4, 2]);
    for (const s of secrets) expect(fine.out).not.toContain(s);
    expect(await deliver(() => 200)).toMatchObject({ code: 1, codes: Array<string>(2).fill("invalid SIGNATURE_NOT_CHECKED") });
    expect(await deliver(() => 400)).toMatchObject({ code: 1, codes: Array<string>(2).fill("invalid SELF_TEST_REFUSED") });
    receiver.closeAllConnections();
    await new Promise((done) => receiver.close(done));
    expect(await deliver(() => 200)).toMatchObject({ code: 3, codes: Array<string>(2).fill("inconclusive PLATFORM_UNREACHABLE") });
  }, 120_000);
  it("says of a value that can't be read whether it is missing, sealed to others or in a broken file, each with what to do", async () => {
    const stated = async (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string[]> => {
      const r = await run(["doctor", "--env", "local", "--only", "twilio", "--json", ...args], env);
      expect(r.code).toBe(3);
      return results(r).filter((x) => x.step === "credentials").map((x) => `${x.code}: ${x.next}`);
    };
    const file = join(root, ".stackseal/local/secrets.sops.yaml");
    const sealed = readFileSync(file, "utf8");
    try {
      const leaf = /ENC\[AES256_GCM,data:[^\]]+\]/.exec(sealed)![0];
      writeFileSync(file, sealed.replace(leaf, leaf.replace(/data:(..)/, (_a, two: string) => `data:${two === "AA" ? "BB" : "AA"}`)));
      expect((await stated([]))[0]).toMatch(/^SEALED_UNREADABLE: (?!set SOPS_AGE_KEY_FILE)./);
      rmSync(file);
      expect(await stated([])).toEqual(["VALUE_MISSING: stackseal start"]);
    } finally {
      writeFileSync(file, sealed);
    }
    const dev = join(root, "stacks/dev/secrets.sops.yaml");
    const kept = readFileSync(dev, "utf8");
    rmSync(dev);
    const r = await run(["doctor", "--env", "dev", "--only", "outbound-webhooks", "--json"], { HTTPS_PROXY: "http://127.0.0.1:1" });
    writeFileSync(dev, kept);
    expect(results(r).find((x) => x.code === "VALUE_MISSING")!.next).toBe("stackseal secret generate outbound-webhooks.crm-sync.signingSecret --env dev --reason initial");
  });
  it("asks SES's quota where the process has AWS credentials, and says how where it has none", async () => {
    const asked: string[] = [];
    const aws = createHttpServer((req, res) => {
      asked.push(String(req.headers["authorization"]));
      const body: unknown = req.url === "/v2/email/account" ? { SendingEnabled: true, ProductionAccessEnabled: true, EnforcementStatus: "HEALTHY", SendQuota: { Max24HourSend: 1000, SentLast24Hours: 400, MaxSendRate: 1 } } : { VerifiedForSendingStatus: true };
      res.writeHead(req.method === "GET" ? 200 : 403, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
    await new Promise<void>((done) => { aws.listen(0, "127.0.0.1", done); });
    const file = join(root, "stacks/dev/environment.yaml");
    const text = readFileSync(file, "utf8");
    const user = ["AKIA", "A".repeat(16)].join("");
    writeFileSync(file, text.replace(/^ {4}smtp: .*(\n {8}.*)*/m, `    smtp: { provider: ses, driver: smtp, host: email-smtp.eu-west-1.amazonaws.com, port: 587, encryption: tls, username: ${user}, from: { address: no-reply@acme.example, name: Acme } }`));
    expect(readFileSync(file, "utf8")).toContain("provider: ses");
    const secret = "k".repeat(40);
    const ask = async (env: Readonly<Record<string, string>>): Promise<string> => {
      const r = await run(["doctor", "--env", "dev", "--only", "smtp", "--json"], env);
      expect(r.out + r.err).not.toContain(secret);
      return results(r).filter((x) => x.step === "limits").map((x) => x.message).join();
    };
    expect(await ask({ AWS_ACCESS_KEY_ID: user, AWS_SECRET_ACCESS_KEY: secret, AWS_ENDPOINT_URL: `http://127.0.0.1:${(aws.address() as AddressInfo).port}` })).toMatch(/^600 of 1000 mails left in 24 hours, 1 a second/);
    expect(asked.length).toBeGreaterThan(2);
    expect(await ask({})).toContain("ses:GetAccount");
    aws.closeAllConnections();
    aws.close();
    writeFileSync(file, text);
  });
  it("ends within 15 seconds where everything accepts connections and nothing answers", async () => {
    const sockets = new Set<Socket>();
    const hole = createServer((s) => { sockets.add(s); s.on("error", () => undefined); });
    await new Promise<void>((done) => { hole.listen(0, "127.0.0.1", done); });
    const at = `http://127.0.0.1:${(hole.address() as AddressInfo).port}`;
    const services = ["STRIPE", "TWILIO", "VAPI", "VONAGE", "CALCOM", "SENDGRID", "MAILGUN", "MAILTRAP", "HUBSPOT", "SALESFORCE", "PIPEDRIVE", "GOHIGHLEVEL"];
    const env = Object.fromEntries([...services.map((s) => [`STACKSEAL_${s}_SANDBOX`, at]), ...["SMTP", "SMTPS", "SMTP_PLAIN"].map((s) => [`STACKSEAL_${s}_SANDBOX`, at.replace("http", "smtp")])]) as Record<string, string>;
    const r = await run(["doctor", "--env", "local", "--json"], env);
    for (const s of sockets) s.destroy();
    hole.close();
    expect(r.code).toBe(3);
    expect(results(r).filter((x) => x.verdict === "invalid")).toEqual([]);
    expect(new Set(results(r).filter((x) => x.verdict === "inconclusive").map((x) => x.integration))).toEqual(new Set(["twilio", "vapi", "calcom", "smtp", "stripe"]));
    // Its own budget is 10 s; the rest is the start of a process on a machine that may be loaded.
    expect(r.ms).toBeLessThan(15_000);
  }, 60_000);
});
