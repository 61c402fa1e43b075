import { DescribeKeyCommand, DisableKeyCommand, EnableKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { CreateSecretCommand, DeleteSecretCommand, RestoreSecretCommand, SecretsManagerClient, TagResourceCommand } from "@aws-sdk/client-secrets-manager";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startStripe } from "../../sandbox/stripe.ts";
import { findPeer, startMinistack, startProxy, type Emulator, type Proxy } from "./emulator.ts";
import { ACCOUNT, cloudProject, type CloudProject } from "./project.ts";

// Through the command line, on an emulator: what goes wrong is said by a code, with what to do.

const skip = findPeer("ministack") === undefined;

describe.skipIf(skip)("bad input on AWS", () => {
  let m: Emulator;
  let proxy: Proxy;
  let stripe: Awaited<ReturnType<typeof startStripe>>;
  let p: CloudProject;
  const at = () => ({ region: "eu-west-1", endpoint: m.url, credentials: { accessKeyId: "test", secretAccessKey: "test" } });
  const environment = (): string => join(p.root, "stacks/dev/environment.yaml");
  const rewrite = (from: string, to: string): void => {
    expect(original).toContain(from);
    writeFileSync(environment(), original.replace(from, to));
  };
  const said = async (...args: string[]): Promise<{ code: number; text: string; codes: string[] }> => {
    const r = await p.run([...args, "--env", "dev", "--json"], { STACKSEAL_STRIPE_SANDBOX: stripe.url });
    const findings = (JSON.parse(r.out) as { findings: { code: string; severity: string; message: string; hint?: string }[] }).findings.filter((f) => f.severity === "error");
    return { code: r.code, codes: [...new Set(findings.map((f) => f.code))], text: findings.map((f) => `${f.message} ${f.hint ?? ""}`).join("\n") };
  };
  const up = (...more: string[]) => said("up", "--yes", ...more);
  let original = "";
  afterEach(() => {
    writeFileSync(environment(), original);
    proxy.intercept = () => null;
  });
  beforeAll(async () => {
    m = await startMinistack(ACCOUNT);
    proxy = await startProxy(m.url);
    p = await cloudProject(`{ kind: aws, accountId: "${ACCOUNT}", region: eu-west-1, endpoint: "${proxy.url}" }`);
    stripe = await startStripe(`${p.root}/.stackseal/sandbox`);
    original = readFileSync(environment(), "utf8");
  }, 120_000);
  afterAll(async () => {
    await (proxy as Proxy | undefined)?.close();
    await (stripe as typeof stripe | undefined)?.close();
    await (m as Emulator | undefined)?.close();
  });

  it("an account that the credentials aren't of", async () => {
    rewrite(`accountId: "${ACCOUNT}"`, 'accountId: "999999999999"');
    const r = await up("--part", "foundation");
    expect([r.codes, r.code]).toEqual([["STORE_ACCOUNT"], 2]);
    expect(r.text).toContain("999999999999");
    expect((await said("drift")).codes).toEqual(["STORE_ACCOUNT"]);
  }, 120_000);
  it("credentials that have expired", async () => {
    proxy.intercept = (_t, body) => (body.includes("Action=GetCallerIdentity") ? { status: 403, body: "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message></Error><RequestId>x</RequestId></ErrorResponse>" } : null);
    for (const r of [await up("--part", "foundation"), await said("drift")]) {
      expect(r.codes).toEqual(["STORE_CREDENTIALS"]);
      expect(r.text).toMatch(/expired[\s\S]*sign in again/);
    }
  }, 120_000);
  it("a secret of the same name that is scheduled for deletion, or somebody else's", async () => {
    const c = new SecretsManagerClient(at());
    await c.send(new CreateSecretCommand({ Name: "stackseal/dev/twilio", SecretString: "{}" }));
    const foreign = await up("--part", "foundation");
    expect(foreign.codes).toEqual(["STORE_FOREIGN"]);
    await c.send(new TagResourceCommand({ SecretId: "stackseal/dev/twilio", Tags: [{ Key: "managed-by", Value: "stackseal" }] }));
    await c.send(new DeleteSecretCommand({ SecretId: "stackseal/dev/twilio", RecoveryWindowInDays: 7 }));
    const r = await up("--part", "foundation");
    expect(r.codes).toEqual(["STORE_DELETION_PENDING"]);
    expect(r.text).toContain("restore");
    await c.send(new RestoreSecretCommand({ SecretId: "stackseal/dev/twilio" }));
    const fine = await up("--part", "foundation");
    expect([fine.codes, fine.code]).toEqual([[], 0]);
  }, 240_000);
  it("another region than the foundation's, and one that there isn't", async () => {
    rewrite("region: eu-west-1", "region: eu-west-3");
    const other = await up("--part", "standard");
    // Whichever is seen first stops the rest: that a rule is broken, or that the store has no such secret there.
    expect(other.codes.length).toBeGreaterThan(0);
    expect([other.codes.filter((c) => c !== "POLICY_VIOLATION" && c !== "STORE_SHELL_MISSING"), other.code]).toEqual([[], 1]);
    expect(other.text).toContain("region");
    rewrite("region: eu-west-1", "region: eu-west-9");
    expect((await p.run(["check", "--env", "dev"])).err).toMatch(/STORE_REGION[\s\S]*eu-west-9[\s\S]*eu-west-/);
  }, 120_000);
  it("a key that is disabled", async () => {
    // The emulator takes values all the same; what AWS says of it is said in its place.
    const kms = new KMSClient(at());
    const KeyId = (await kms.send(new DescribeKeyCommand({ KeyId: "alias/stackseal/dev/standard" }))).KeyMetadata!.KeyId;
    await kms.send(new DisableKeyCommand({ KeyId }));
    proxy.intercept = (target) => (target === "PutSecretValue" ? { status: 400, body: { __type: "EncryptionFailure", message: "the key is disabled" } } : null);
    const r = await up("--part", "standard");
    expect([r.codes, r.code]).toEqual([["STORE_KEY_UNUSABLE"], 1]);
    expect(r.text).toContain("enable-key");
    proxy.intercept = () => null;
    const drift = JSON.parse((await p.run(["drift", "--env", "dev", "--json"], { STACKSEAL_STRIPE_SANDBOX: stripe.url })).out) as { drift: { kind: string; name: string; found: string }[] };
    expect(drift.drift.filter((d) => d.kind === "key")).toMatchObject([{ name: "alias/stackseal/dev/standard", found: "Disabled" }]);
    await kms.send(new EnableKeyCommand({ KeyId }));
    expect((await up("--part", "standard")).code).toBe(0);
  }, 240_000);
  it("a Stripe account that has its 16 endpoints", async () => {
    const key = (await p.run(["secret", "get", "stripe.secretKey", "--env", "dev"])).out;
    for (let i = 0; i < 16; i++) expect((await fetch(`${stripe.url}/v1/webhook_endpoints`, { method: "POST", headers: { authorization: `Bearer ${key}`, "content-type": "application/x-www-form-urlencoded" }, body: `url=https://other.example/${i}&enabled_events[]=invoice.paid` })).status).toBe(200);
    const r = await up("--part", "payments");
    expect([r.codes, r.code]).toEqual([["STRIPE_LIMIT"], 1]);
    expect(r.text).toContain("remove one");
  }, 120_000);
});
