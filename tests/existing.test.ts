import { CreateSecretCommand, GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { startStripe, type StripeSandbox } from "../sandbox/stripe.ts";
import { expand } from "../schemas/template.ts";
import { findPeer, startMinistack, type Emulator } from "./aws/emulator.ts";

// A new project that takes what exists at Stripe and in an account's Secrets Manager.

const cli = resolve(import.meta.dirname, "../dist/cli.js");
const ACCOUNT = "111111111111";
const top = mkdtempSync(join(tmpdir(), "existing-"));
const dir = join(top, "acme");
for (const d of ["acme", "home"]) mkdirSync(join(top, d));
const key = expand("sk_test_{alnum:24}");
const values = { token: expand("{hex:32}"), mail: expand("{hex:14}"), strange: expand("{alnum:30}") };
let env: Record<string, string> = { PATH: process.env["PATH"] ?? "", HOME: join(top, "home"), GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", NO_COLOR: "1" };
function run(args: readonly string[], input = ""): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [cli, ...args], { cwd: dir, env });
  let out = "", err = "";
  child.stdout.on("data", (c: Buffer) => { out += c.toString("utf8"); });
  child.stderr.on("data", (c: Buffer) => { err += c.toString("utf8"); });
  child.stdin.end(input);
  return new Promise((done) => child.on("close", (code) => {
    for (const v of [key, ...Object.values(values)]) expect(out + err).not.toContain(v);
    done({ code, out, err });
  }));
}
const declared = (): { stripe: { mode: string; webhooks: Record<string, { path: string; events: string[]; apiVersion: string; disabled?: boolean }> } } => parse(readFileSync(join(dir, "stacks/dev/payments.yaml"), "utf8")) as never;

describe("init --existing", { timeout: 240_000 }, () => {
  let stripe: StripeSandbox;
  let m: Emulator | undefined;
  const create = async (form: Record<string, string>): Promise<void> => {
    const r = await fetch(`${stripe.url}/v1/webhook_endpoints`, { method: "POST", headers: { authorization: `Bearer ${key}`, "content-type": "application/x-www-form-urlencoded" }, body: new URLSearchParams(form).toString() });
    expect(r.status).toBe(200);
  };
  const edit = (f: string, change: (t: string) => string): void => { writeFileSync(join(dir, f), change(readFileSync(join(dir, f), "utf8"))); };
  beforeAll(async () => {
    stripe = await startStripe(join(top, "stripe"));
    if (findPeer("ministack") !== undefined) m = await startMinistack(ACCOUNT);
    const made = await run(["init", "--yes", "--json", "--domain", "acme.example", "--account", `dev=${ACCOUNT}`]);
    expect(made.code).toBe(0);
    env = { ...env, ...(JSON.parse(made.out) as { exports: Record<string, string> }).exports };
    await create({ url: "https://dev.acme.example/webhooks/stripe", "enabled_events[0]": "payment_intent.succeeded", "enabled_events[1]": "invoice.paid", api_version: "2026-10-28.endive", description: "Payments" });
    await create({ url: "https://dev.acme.example/hooks/refunds", "enabled_events[0]": "charge.refunded" });
    await create({ url: "https://other.example/x", "enabled_events[0]": "charge.refunded" });
    await create({ url: "https://dev.acme.example/all", "enabled_events[0]": "*" });
  }, 240_000);
  afterAll(async () => { await stripe.close(); await m?.close(); });

  it("lists Stripe's endpoints, declares the platform's own, and is done when run again", async () => {
    // Where Stripe is stands in payments.yaml, on loopback alone; without the file the sandbox is asked for by a flag.
    env["STACKSEAL_STRIPE_SANDBOX"] = stripe.url;
    const bad = await run(["init", "--existing", "stripe", "--env", "dev", "--sandbox", "--dry-run"], `pk_${key}`);
    expect([bad.code, bad.err.includes("INIT_OPTION")]).toEqual([2, true]);
    const without = await run(["init", "--existing", "stripe", "--env", "dev", "--sandbox", "--yes"], key);
    expect([without.code, without.err.includes("--publishable-key pk_test_")]).toEqual([2, true]);
    const args = ["init", "--existing", "stripe", "--env", "dev", "--sandbox", "--publishable-key", expand("pk_test_{alnum:24}")];
    const dry = await run([...args, "--dry-run"], key);
    expect([dry.code, existsSync(join(dir, "stacks/dev/payments.yaml"))]).toEqual([0, false]);
    for (const line of [/https:\/\/dev\.acme\.example\/webhooks\/stripe +2 events +enabled +→ payments$/m, /other\.example\/x .*– another address than the platform's$/m, /\/all .*– takes every event/]) expect(dry.out).toMatch(line);
    const done = await run([...args, "--yes", "--json"], key);
    expect([done.code, (JSON.parse(done.out) as { endpoints: { name: string | null }[] }).endpoints.map((e) => e.name).filter(Boolean).sort()]).toEqual([0, ["hooks-refunds", "payments"]]);
    expect(declared().stripe.webhooks["payments"]).toEqual({ path: "/webhooks/stripe", apiVersion: "2026-10-28.endive", events: ["payment_intent.succeeded", "invoice.paid"], description: "Payments" });
    expect(readFileSync(join(dir, "stacks/dev/payments.yaml"), "utf8")).toMatch(/payments: # takes the place of we_/);
    const check = await run(["check", "--env", "dev", "--json"]);
    expect((JSON.parse(check.out) as { findings: { code: string; severity: string; at?: { file: string } }[] }).findings.filter((f) => f.severity === "error" && f.at?.file === "stacks/dev/payments.yaml")).toEqual([]);
    const again = await run([...args, "--yes"], key);
    expect([again.code, again.out.includes("Nothing to declare")]).toEqual([0, true]);
    // A file that is there keeps its comments; what is new is added.
    edit("stacks/dev/payments.yaml", (t) => t.replace("rotation:", "# ours\nrotation:"));
    await create({ url: "https://dev.acme.example/webhooks/more", "enabled_events[0]": "invoice.paid" });
    expect((await run([...args, "--yes"], key)).out).toContain("Declared 1");
    expect([Object.keys(declared().stripe.webhooks).sort(), readFileSync(join(dir, "stacks/dev/payments.yaml"), "utf8").includes("# ours\n")]).toEqual([["hooks-refunds", "payments", "webhooks-more"], true]);
  });
  it("refuses a live key for an environment that isn't production, and says when Stripe refuses", async () => {
    const live = await run(["init", "--existing", "stripe", "--env", "dev", "--sandbox", "--dry-run"], expand("sk_live_{alnum:24}"));
    expect([live.code, live.err.includes("live one")]).toEqual([2, true]);
    const dead = await run(["init", "--existing", "stripe", "--env", "dev", "--sandbox", "--dry-run"], `${expand("sk_test_{alnum:24}")}dead`);
    expect(dead.code).not.toBe(0);
    expect(dead.err).toMatch(/STRIPE_/);
  });
  it.skipIf(findPeer("ministack") === undefined)("lists an account's secrets by name and tags, and seals those that are chosen; the source stays", async () => {
    const sm = new SecretsManagerClient({ region: "eu-west-1", endpoint: m!.url, credentials: { accessKeyId: "test", secretAccessKey: "test" } });
    await sm.send(new CreateSecretCommand({ Name: "acme/dev/app", SecretString: JSON.stringify({ TWILIO_AUTH_TOKEN: values.token, MAIL_PASSWORD: values.mail, SOMETHING: values.strange }), Tags: [{ Key: "team", Value: "platform" }] }));
    for (let i = 0; i < 3; i++) await sm.send(new CreateSecretCommand({ Name: `acme/dev/other-${i}`, SecretString: values.strange }));
    edit("stacks/dev/environment.yaml", (t) => t
      .replace(/^( +)region: eu-west-1$/m, `$1region: eu-west-1\n$1endpoint: ${m!.url}`)
      .replace(/^integrations: \{\}$/m, `integrations:\n    twilio: { accountSid: AC${expand("{hex:32}")} }\n    smtp: { provider: mailtrap, driver: smtp, host: sandbox.smtp.mailtrap.io, port: 587, encryption: tls, username: 0123456789abcd, from: { address: a@dev.acme.example, name: A } }`));
    const list = await run(["init", "--existing", "aws", "--env", "dev"]);
    expect([list.code, list.out]).toEqual([0, expect.stringMatching(/acme\/dev\/app +\d{4}-\d\d-\d\d +team=platform\n[\s\S]*acme\/dev\/other-2[\s\S]*--select NAME/)]);
    expect((await run(["init", "--existing", "aws", "--env", "dev", "--select", "acme/dev/nothing"])).code).toBe(2);
    const dry = await run(["init", "--existing", "aws", "--env", "dev", "--select", "acme/dev/app", "--dry-run"]);
    expect(dry.out).toMatch(/TWILIO_AUTH_TOKEN +→ twilio\.authToken[\s\S]*SOMETHING +\? not declared[\s\S]*Dry run/);
    expect(existsSync(join(dir, "stacks/dev/secrets.sops.yaml"))).toBe(false);
    const done = await run(["init", "--existing", "aws", "--env", "dev", "--select", "acme/dev/app", "--json"]);
    expect((JSON.parse(done.out) as { written: string[] }).written.sort()).toEqual(["smtp.password", "twilio.authToken"]);
    expect(readFileSync(join(dir, "stacks/dev/secrets.sops.yaml"), "utf8")).not.toContain(values.token);
    expect((await sm.send(new GetSecretValueCommand({ SecretId: "acme/dev/app" }))).SecretString).toContain(values.token);
    sm.destroy();
  });
});
