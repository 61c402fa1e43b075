import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FindingError } from "../../lib/finding.ts";
import { VaultStore } from "../../providers/stores/vault.ts";
import { selfSigned } from "../../sandbox/certificate.ts";
import { startVault } from "../../sandbox/vault.ts";
import { allows, ROLES, type Role } from "../../schemas/access.ts";
import { vaultPolicyName } from "../../schemas/vault/site.ts";
import { findPeer } from "./emulator.ts";
import { cloudProject, type CloudProject } from "./project.ts";

interface Server { readonly url: string; readonly token: string; readonly close: () => Promise<void> }
const fake = async (): Promise<Server> => {
  const v = await startVault({ audit: false });
  return { url: v.url, token: v.rootToken, close: () => v.close() };
};
const real = async (): Promise<Server> => {
  const url = "http://127.0.0.1:18217";
  const child = spawn(findPeer("vault") ?? "vault", ["server", "-dev", `-dev-listen-address=${url.slice(7)}`, "-dev-no-store-token"], { env: { PATH: process.env["PATH"], HOME: "/nonexistent", VAULT_DEV_ROOT_TOKEN_ID: "root" }, stdio: "ignore" });
  for (let i = 0; i < 200 && !(await fetch(`${url}/v1/sys/health`).then((r) => r.ok, () => false)); i++) await new Promise((r) => setTimeout(r, 100));
  return { url, token: "root", close: () => new Promise((done) => { child.once("exit", () => { done(); }); child.kill("SIGTERM"); }) };
};
const REPOSITORY = "acme/platform-credentials";

// A real Vault asks the code host for its keys when the login is configured: jobs' logins are tried on the fake.
describe.each([["the fake", fake, false, true], ["a real Vault on PATH", real, findPeer("vault") === undefined, false]] as const)("an environment on %s", (_what, start, skip, jobs) => {
  let v: Server;
  let p: CloudProject;
  const run = (args: readonly string[], token = v.token) => p.run([...args, "--env", "dev", "--yes", "--json"], { VAULT_TOKEN: token });
  const codes = async (args: readonly string[], token = v.token): Promise<string[]> => (JSON.parse((await run(args, token)).out) as { findings: { code: string; severity: string }[] }).findings.filter((f) => f.severity === "error").map((f) => f.code);
  const api = (method: string, path: string, token = v.token, body?: unknown): Promise<Response> => fetch(`${v.url}/v1/${path}`, { method, headers: { "x-vault-token": token }, ...(body !== undefined && { body: JSON.stringify(body) }) });
  const tokenFor = async (role: Role): Promise<string> => ((await (await api("POST", "auth/token/create", v.token, { policies: [vaultPolicyName("dev", role)] })).json()) as { auth: { client_token: string } }).auth.client_token;
  beforeAll(async () => {
    if (skip) return;
    v = await start();
    p = await cloudProject(`{ kind: vault, address: "${v.url}", mount: credentials }`, (t) => (jobs ? t : t.replace(/^deployment: .*$/m, "")));
  });
  afterAll(async () => { if (!skip) await v.close(); });

  it.skipIf(skip)("delivers nothing into a Vault that keeps no audit", async () => {
    expect([...new Set(await codes(["up"]))]).toEqual(["STORE_NO_AUDIT"]);
    expect((await api("GET", "credentials/data/stackseal/dev/twilio")).status).toBe(404);
  }, 120_000);
  it.skipIf(skip)("enables the declared one first, and builds the mount, the policies and the values", async () => {
    const file = join(p.root, "stacks/dev/environment.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace("mount: credentials }", `mount: credentials, audit: { type: file, options: { file_path: "${join(mkdtempSync(join(tmpdir(), "audit-")), "audit.log")}" } } }`));
    const up = await run(["up"]);
    expect(up.err).toBe("");
    expect(up.code).toBe(0);
    const steps = (JSON.parse(up.out) as { environments: { steps: { op: string; urn: string }[] }[] }).environments[0]!.steps.map((s) => s.urn.split("$").at(-1)!.split("::").slice(-2).join("::"));
    for (const r of ["vault:index/audit:Audit::audit", "stackseal:index:SealedVersion::twilio"]) expect(steps).toContain(r);
    const again = JSON.parse((await run(["up"])).out) as { environments: { steps: { op: string }[] }[] };
    expect(again.environments[0]!.steps.filter((s) => !["same", "read"].includes(s.op))).toEqual([]);
    expect(await codes(["drift"])).toEqual([]);
  }, 240_000);

  it.skipIf(skip).each(ROLES)("%s: every right on every secret is answered as the matrix says", async (role) => {
    const token = await tokenFor(role);
    const wrong: string[] = [];
    const secrets = [["standard", "stackseal/dev/twilio"], ["standard", "stackseal/dev/outbound-webhooks"], ["payments", "stackseal/dev/payments/stripe"], ["payments", "stackseal/dev/payments/stripe-webhook-payments"]] as const;
    for (const [cls, name] of secrets) for (const [verb, method, path, body] of [
      ["read", "GET", `credentials/data/${name}`, undefined],
      // A check-and-set that never fits: refused by the value's own rules where the right is there.
      ["write", "POST", `credentials/data/${name}`, { options: { cas: 999 }, data: { x: "y" } }],
      ["list", "GET", `credentials/metadata/${name}`, undefined],
      ["delete", "POST", `credentials/destroy/${name}`, { versions: [999] }],
      ["permit", "POST", `sys/policies/acl/${vaultPolicyName("dev", "app")}`, undefined],
    ] as const) {
      const expected = allows(role, cls, "development", verb) || (verb === "list" && allows(role, cls, "development", "write"));
      const answer = (await api(method, path, token, verb === "permit" ? {} : body)).status;
      if ((answer !== 403) !== expected) wrong.push(`${verb} ${name}: ${answer}, the matrix says ${String(expected)}`);
    }
    expect(wrong).toEqual([]);
    for (const path of ["sys/audit/other", "sys/mounts/other", "sys/policies/acl/root", "sys/auth/other", "auth/stackseal-dev/role/deployer"]) if (role !== "super-admin") expect(`${path} ${(await api("POST", path, token, { type: "file" })).status}`).toBe(`${path} 403`);
  });
  it.skipIf(skip)("lets a deployer deliver its own class with its own policy alone", async () => {
    await p.reissue("standard");
    await p.reissue("payments");
    const denied = await codes(["up", "--target", "urn:pulumi:dev::**"], await tokenFor("payments-deployer"));
    expect(denied).toEqual(["CALLER_OTHER_ROLE"]);
    // A token of none of our roles may have policies of its own: Vault decides.
    const other = ((await (await api("POST", "auth/token/create", v.token, { policies: ["default"] })).json()) as { auth: { client_token: string } }).auth.client_token;
    expect(new Set(await codes(["up", "--target", "urn:pulumi:dev::**"], other))).toEqual(new Set(["STORE_DENIED"]));
    expect(new Set(await codes(["up"], await tokenFor("deployer")))).toEqual(new Set(["CALLER_OTHER_ROLE"]));
    expect(new Set(await codes(["destroy"], await tokenFor("auditor")))).toEqual(new Set(["CALLER_OTHER_ROLE"]));
    expect(await codes(["up", "--target", "urn:pulumi:dev::**"], await tokenFor("deployer"))).toEqual([]);
    expect(await codes(["up", "--target", "urn:pulumi:dev-payments::**"], await tokenFor("payments-deployer"))).toEqual([]);
  }, 240_000);
  it.skipIf(skip || !jobs)("lets a job in by its one subject and audience", async () => {
    const login = async (role: string, sub: string, aud = "stackseal-vault"): Promise<string[] | number> => {
      const jwt = ["{}", JSON.stringify({ sub, aud })].map((t) => Buffer.from(t).toString("base64url")).join(".");
      const r = await fetch(`${v.url}/v1/auth/stackseal-dev/login`, { method: "POST", body: JSON.stringify({ role, jwt: `${jwt}.x` }) });
      return r.ok ? ((await r.json()) as { auth: { policies: string[] } }).auth.policies : r.status;
    };
    expect(await login("deployer", `repo:${REPOSITORY}:environment:dev`)).toEqual(["default", "stackseal-dev-deployer"]);
    expect(await login("payments-deployer", `repo:${REPOSITORY}:environment:dev-payments`)).toEqual(["default", "stackseal-dev-payments-deployer"]);
    expect(await login("payments-deployer", `repo:${REPOSITORY}:environment:dev`)).toBe(400);
    expect(await login("deployer", `repo:${REPOSITORY}:environment:dev`, "sts.amazonaws.com")).toBe(400);
    expect(await login("deployer", "repo:acme/other:environment:dev")).toBe(400);
  });
  it.skipIf(skip)("finds what was changed behind Pulumi's back, as the auditor, who reads no value", async () => {
    await api("POST", `sys/policies/acl/${vaultPolicyName("dev", "app")}`, v.token, { policy: 'path "credentials/data/*" { capabilities = ["read"] }' });
    if (jobs) await api("POST", "auth/stackseal-dev/role/deployer", v.token, { bound_subject: "repo:evil/fork:environment:dev" });
    await api("POST", "credentials/data/stackseal/dev/strange", v.token, { options: { cas: 0 }, data: { a: "b" } });
    await api("DELETE", "sys/audit/file");
    const auditor = await tokenFor("auditor");
    expect((await api("GET", "credentials/data/stackseal/dev/twilio", auditor)).status).toBe(403);
    const r = await run(["drift"], auditor);
    expect(r.code).toBe(1);
    expect((JSON.parse(r.out) as { drift: { kind: string; name: string }[] }).drift.map((x) => `${x.kind} ${x.name}`).sort()).toEqual([
      "policy stackseal-dev-app", ...(jobs ? ["role auth/stackseal-dev/role/deployer"] : []), "secret stackseal/dev/strange", "trail sys/audit"]);
  }, 120_000);
});

describe("a Vault with a certificate of one's own authority", () => {
  it("is trusted by VAULT_CACERT alone", async () => {
    const c = selfSigned("vault", new Date());
    const v = await startVault({ mount: "secret", tls: c });
    const ca = join(mkdtempSync(join(tmpdir(), "ca-")), "ca.pem");
    writeFileSync(ca, c.cert);
    const put = (env: Record<string, string>): Promise<string> => new VaultStore({ address: v.url, mount: "secret" }, { VAULT_TOKEN: v.rootToken, ...env }).put({ name: "stackseal/dev/twilio", versionId: "a".repeat(64), values: { A: "b" }, tags: {}, notes: {} }).then(() => "delivered", (e: unknown) => (e instanceof FindingError ? `${e.findings[0]!.code} ${e.exit}` : String(e)));
    try {
      expect(await put({ VAULT_CACERT: ca })).toBe("delivered");
      expect(await put({})).toBe("STORE_UNREACHABLE 3");
    } finally {
      await v.close();
    }
  }, 60_000);
});
