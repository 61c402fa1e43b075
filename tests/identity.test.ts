import { CreateSecretCommand, GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { execFile } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newIdentity, recipientOf } from "../seal/age.ts";
import { newSigningKey } from "../seal/signature.ts";
import { findPeer, startMinistack, startProxy, type Emulator, type Proxy } from "./aws/emulator.ts";

// A machine's identity, in its account's own Secrets Manager: put by a person, fetched by a job, refused where it is another's.

const repo = resolve(import.meta.dirname, "..");
const ACCOUNT = "111111111111";
const region = "eu-west-1";
const root = mkdtempSync(join(tmpdir(), "identity-"));
const home = mkdtempSync(join(tmpdir(), "identity-home-"));
const at = (f: string): string => join(home, f);
let m: Emulator, proxy: Proxy, sm: SecretsManagerClient, identity: string, other: string;
const ssh = newSigningKey("deployer-dev");

function run(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    execFile(process.execPath, [join(repo, "dist/cli.js"), "-C", root, ...args], { env: { PATH: process.env["PATH"] ?? "", HOME: home, NO_COLOR: "1" } }, (e, stdout, stderr) => {
      for (const s of [identity, other]) expect(stdout + stderr).not.toContain(s);
      done({ status: typeof e?.code === "number" ? e.code : e ? 1 : 0, stdout, stderr });
    });
  });
}
describe.skipIf(findPeer("ministack") === undefined)("a machine's identity", { timeout: 120_000 }, () => {
  beforeAll(async () => {
    m = await startMinistack(ACCOUNT);
    proxy = await startProxy(m.url);
    sm = new SecretsManagerClient({ region, endpoint: m.url, credentials: { accessKeyId: "test", secretAccessKey: "test" } });
    identity = await newIdentity();
    other = await newIdentity();
    for (const f of ["stacks", "Pulumi.yaml"]) cpSync(join(repo, f), join(root, f), { recursive: true, filter: (p) => !p.endsWith(".ts") });
    for (const e of ["staging", "prod"]) rmSync(join(root, "stacks", e), { recursive: true });
    const edit = (f: string, change: (t: string) => string): void => { writeFileSync(join(root, f), change(readFileSync(join(root, f), "utf8"))); };
    edit("stacks/dev/environment.yaml", (t) => t.replace(/^store: .*$/m, `store: { kind: aws, accountId: "${ACCOUNT}", region: ${region}, endpoint: "${proxy.url}" }`));
    const recipient = await recipientOf(identity);
    edit("stacks/people.yaml", (t) => t.replace(/ {4}rotator-dev:\n(?: {8}.*\n)+/, ""));
    edit("stacks/people.yaml", (t) => t.replace(/( {4}deployer-dev:\n {8}role: deployer\n {8}tiers: \[development\]\n {8}recipients: )\[[^\]]*\]/, `$1[${recipient}]\n        signing: ["${ssh.publicLine}"]`));
    writeFileSync(at("deployer.age"), `# public key: ${recipient}\n${identity}\n`, { mode: 0o600 });
    writeFileSync(at("deployer.ssh"), ssh.file, { mode: 0o600 });
    writeFileSync(at("other.age"), `${other}\n`, { mode: 0o600 });
  }, 120_000);
  afterAll(async () => { sm.destroy(); await proxy.close(); await m.close(); });

  it("is put where its job fetches it, and comes back for its owner's eyes alone", async () => {
    expect(await run("identity", "put", "--env", "dev", "--file", at("deployer.age"), "--yes")).toMatchObject({ status: 1, stderr: expect.stringMatching(/IDENTITY_ABSENT[\s\S]*init --foundation/) });
    await sm.send(new CreateSecretCommand({ Name: "stackseal/dev/identity/deployer" }));
    expect(await run("identity", "fetch", "--env", "dev", "--out", at("got.age"))).toMatchObject({ status: 1, stderr: expect.stringMatching(/IDENTITY_ABSENT[\s\S]*identity put/) });
    expect(await run("identity", "put", "--env", "dev", "--file", at("deployer.age"))).toMatchObject({ status: 2, stderr: expect.stringContaining("NOT_CONFIRMED") });
    expect(await run("identity", "put", "--env", "dev", "--file", at("deployer.age"), "--signing-key", at("deployer.ssh"), "--yes")).toMatchObject({ status: 0 });
    expect((await run("identity", "fetch", "--env", "dev", "--out", at("got.age"), "--signing-out", at("got.ssh"))).status).toBe(0);
    expect([readFileSync(at("got.age"), "utf8").includes(identity), statSync(at("got.age")).mode & 0o777, readFileSync(at("got.ssh"), "utf8").trim() === ssh.file.trim(), statSync(at("got.ssh")).mode & 0o777]).toEqual([true, 0o600, true, 0o600]);
    // A file that others could read is closed.
    chmodSync(at("got.age"), 0o644);
    await run("identity", "fetch", "--env", "dev", "--out", at("got.age"));
    expect(statSync(at("got.age")).mode & 0o777).toBe(0o600);
    // One who may not sign gets the identity alone.
    await run("identity", "put", "--env", "dev", "--file", at("deployer.age"), "--yes");
    expect((await run("identity", "fetch", "--env", "dev", "--out", at("got.age"), "--signing-out", at("none.ssh"))).stderr).toContain("IDENTITY_ABSENT");
  });
  it("is refused where it is another's, in both directions, and nothing is written", async () => {
    expect((await run("identity", "put", "--env", "dev", "--file", at("other.age"), "--yes")).stderr).toContain("IDENTITY_FOREIGN");
    expect((await run("identity", "put", "--env", "dev", "--file", at("deployer.age"), "--signing-key", join(home, "deployer.age"), "--yes")).stderr).toContain("IDENTITY_FOREIGN");
    expect((await sm.send(new GetSecretValueCommand({ SecretId: "stackseal/dev/identity/deployer" }))).SecretString).toContain(identity);
    await sm.send(new CreateSecretCommand({ Name: "stackseal/dev/identity/payments-deployer", SecretString: `${other}\n` }));
    expect((await run("identity", "fetch", "--env", "dev", "--role", "payments-deployer", "--out", at("wrong.age"))).stderr).toContain("IDENTITY_FOREIGN");
    expect(existsSync(at("wrong.age"))).toBe(false);
  });
  it("never lands in the repository, and is asked of the declared account and of a machine that there is", async () => {
    expect(await run("identity", "fetch", "--env", "dev", "--out", "identity.age")).toMatchObject({ status: 2, stderr: expect.stringContaining("IDENTITY_PLACE") });
    expect(await run("identity", "fetch", "--env", "dev")).toMatchObject({ status: 2, stderr: expect.stringContaining("IDENTITY_PLACE") });
    expect(await run("identity", "fetch", "--env", "dev", "--role", "rotator", "--out", at("x"))).toMatchObject({ status: 2, stderr: expect.stringMatching(/IDENTITY_MACHINE[\s\S]*people add/) });
    expect(await run("identity", "fetch", "--env", "local", "--out", at("x"))).toMatchObject({ status: 2, stderr: expect.stringContaining("IDENTITY_STORE") });
    const file = join(root, "stacks/dev/environment.yaml");
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace(ACCOUNT, "999999999999"));
    expect((await run("identity", "fetch", "--env", "dev", "--out", at("x"))).stderr).toContain("STORE_ACCOUNT");
    writeFileSync(file, text);
    proxy.intercept = (target) => (target === "GetSecretValue" ? { status: 400, body: { __type: "AccessDeniedException", message: "no" } } : null);
    expect(await run("identity", "fetch", "--env", "dev", "--out", at("x"))).toMatchObject({ status: 1, stderr: expect.stringContaining("STORE_DENIED") });
    proxy.intercept = () => null;
    expect(existsSync(at("x"))).toBe(false);
  });
});
