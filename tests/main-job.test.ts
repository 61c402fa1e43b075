import { execFile, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";

const repo = resolve(import.meta.dirname, "..");
const cli = join(repo, "dist/cli.js");
const env = { PATH: (process.env["PATH"] ?? "").split(":").filter((d) => !existsSync(join(d, "pulumi")) || d.includes("node_modules")).join(":"), HOME: mkdtempSync(join(tmpdir(), "home-")), NO_COLOR: "1" };
interface Ran { readonly code: number; readonly out: string; readonly err: string }
const run = (root: string, args: string[], input?: string): Promise<Ran> =>
  new Promise((done) => {
    const child = execFile(process.execPath, [cli, "-C", root, ...args], { env, maxBuffer: 64 << 20 }, (e, out, err) => { done({ code: typeof e?.code === "number" ? e.code : e ? 1 : 0, out, err }); });
    child.stdin?.end(input ?? "");
  });
const project = (): string => {
  const root = mkdtempSync(join(tmpdir(), "project-"));
  for (const f of ["stacks", "Pulumi.yaml", ".sops.yaml"]) cpSync(join(repo, f), join(root, f), { recursive: true, filter: (p) => !p.endsWith(".ts") });
  return root;
};
const edit = (root: string, file: string, change: (t: string) => string): void => {
  const before = readFileSync(join(root, file), "utf8");
  const after = change(before);
  expect(after).not.toBe(before);
  writeFileSync(join(root, file), after);
};
interface Endpoint { id: string; url: string; api_version: string; metadata: Record<string, string>; secret: string }
const endpoints = (root: string): Endpoint[] => (JSON.parse(readFileSync(join(root, ".stackseal/sandbox/stripe.json"), "utf8")) as { endpoints: Endpoint[] }).endpoints;
function* files(dir: string): Generator<string> {
  for (const e of readdirSync(dir, { withFileTypes: true })) if (e.isDirectory()) yield* files(join(dir, e.name)); else yield join(dir, e.name);
}

describe("the main job", () => {
  const root = project();
  let first: Ran;
  beforeAll(async () => { first = await run(root, ["start"]); });

  it("seals, previews all four, deploys local and verifies", () => {
    expect(first.err).not.toMatch(/error/);
    expect(first.code).toBe(0);
    for (const name of ["local", "dev", "staging", "prod"]) expect(first.out).toContain(`${name} (`);
    expect(first.out).toMatch(/2 signed test events accepted by the official Stripe SDK/);
    expect(endpoints(root)).toHaveLength(2);
  });
  it("counts what the previews show, and lists it where it's asked to", async () => {
    expect(first.out.split("\n").length).toBeLessThan(80);
    for (const block of first.out.split(/\n\n/).filter((b) => /^\w+ \(\w+\)\n {4}\w+/.test(b) && b.includes("to create"))) {
      const stacks = [...block.matchAll(/^ {4}[a-z-]+ +(\d+) {2}\d+ \w+/gm)].map((m) => Number(m[1]));
      expect([stacks.length > 1, stacks.reduce((a, b) => a + b, 0)]).toEqual([true, Number(/\+ (\d+) to create/.exec(block)?.[1])]);
    }
    expect(first.out.match(/to create/g)).toHaveLength(4);
    const all = await run(root, ["start", "--diff"]);
    expect(all.out).toMatch(/\+ {2}.*aws:secretsmanager\/secret:Secret +smtp +create\n/);
    expect(all.out).toContain("Outputs:");
  });
  it("finds nothing to change the second time", async () => {
    const again = await run(root, ["start"]);
    expect(again.code).toBe(0);
    expect(again.out).toContain("Nothing changed");
  });
  it("leaves no sealed value in the checkpoint, the previews or the logs", async () => {
    const values: string[] = [];
    for (const path of ["twilio.authToken", "vapi.token", "calcom.apiKey", "smtp.password", "stripe.secretKey", "outbound-webhooks.crm-sync.signingSecret", "zapier.leads.hookUrl"]) values.push((await run(root, ["secret", "get", path, "--env", "local"])).out);
    values.push(...endpoints(root).map((e) => e.secret));
    expect(values.every((v) => v.length >= 16)).toBe(true);
    const places = [first.out + first.err, ...[...files(root)].filter((f) => !f.includes("/.stackseal/sandbox/")).map((f) => readFileSync(f, "utf8"))];
    expect(places.length).toBeGreaterThan(20);
    for (const v of values) for (const form of [v, Buffer.from(v).toString("base64").replace(/=+$/, "").slice(0, -2), Buffer.from(v).toString("hex"), encodeURIComponent(v)]) expect(places.filter((t) => t.includes(form))).toEqual([]);
  });
  it("keeps what is secret for this user alone", () => {
    for (const f of ["identities/local.age", "identities/local.ssh", "passphrase", "local/secrets.sops.yaml"]) expect(statSync(join(root, ".stackseal", f)).mode & 0o077).toBe(0);
  });
  it("tells the outputs of both stacks: maps of one name hold what each says", async () => {
    const up = JSON.parse((await run(root, ["up", "--env", "local", "--yes", "--json"])).out) as { environments: { outputs: { versions: Record<string, string>; endpoints: object }; stacks: { name: string; outputs: { versions: Record<string, string> } }[] }[] };
    const [e] = up.environments;
    expect(Object.keys(e!.outputs.versions)).toEqual(expect.arrayContaining(["twilio", "stripe"]));
    expect(e!.stacks.map((s) => [s.name, "stripe" in s.outputs.versions])).toEqual([["local", false], ["local-payments", true]]);
  });
  it("updates an endpoint in place when its events change", async () => {
    const ids = endpoints(root).map((e) => e.id).sort();
    edit(root, "stacks/local/payments.yaml", (t) => t.replace("invoice.paid, ", ""));
    const up = JSON.parse((await run(root, ["up", "--env", "local", "--yes", "--json"])).out) as { environments: { steps: { op: string }[] }[] };
    expect(up.environments[0]!.steps.map((s) => s.op).filter((o) => o !== "same")).toEqual(["update"]);
    expect(endpoints(root).map((e) => e.id).sort()).toEqual(ids);
  });
  it("replaces one when its API version changes: the new one first, both signing secrets in between", async () => {
    const old = endpoints(root).find((e) => e.metadata["name"] === "payments")!;
    edit(root, "stacks/local/payments.yaml", (t) => t.replace("2026-10-28.endive", "2026-09-30.endive"));
    const up = JSON.parse((await run(root, ["up", "--env", "local", "--yes", "--json"])).out) as { environments: { steps: { op: string; urn: string }[] }[] };
    const ops = up.environments[0]!.steps.map((s) => s.op).filter((o) => o !== "same");
    expect(ops).toEqual(["create-replacement", "replace", "delete-replaced"]);
    const now = endpoints(root).filter((e) => e.metadata["name"] === "payments");
    expect(now).toHaveLength(1);
    expect(now[0]!.id).not.toBe(old.id);
  });
  it("deletes one that is no longer declared", async () => {
    edit(root, "stacks/local/payments.yaml", (t) => t.slice(0, t.indexOf("        disputes:")));
    expect((await run(root, ["up", "--env", "local", "--yes"])).code).toBe(0);
    expect(endpoints(root).map((e) => e.metadata["name"])).toEqual(["payments"]);
  });
  it("refuses to deploy what lives elsewhere, and names the command", async () => {
    const r = await run(root, ["up", "--env", "prod", "--yes"]);
    expect(r.code).toBe(2);
    expect(r.err).toMatch(/ENGINE_REFUSES[\s\S]*pulumi up -s prod /);
  });
  it("changes nothing without a terminal or --yes", async () => {
    expect((await run(root, ["up", "--env", "local"])).code).toBe(2);
  });
});

it("converges to one endpoint each after kill -9 at any moment of the first up", async () => {
  const root = project();
  expect((await run(root, ["start"])).code).toBe(0);
  expect((await run(root, ["destroy", "--env", "local", "--yes"])).code).toBe(0);
  for (const delay of [300, 350, 400, 450, 500, 550, 600]) {
    const child = spawn(process.execPath, [cli, "-C", root, "up", "--env", "local", "--yes"], { env, stdio: "ignore" });
    await new Promise((r) => setTimeout(r, delay));
    child.kill("SIGKILL");
    await new Promise((r) => { if (child.exitCode !== null || child.signalCode !== null) r(null); else child.once("exit", r); });
  }
  const up = await run(root, ["up", "--env", "local", "--yes"]);
  expect(up.err).not.toMatch(/error/);
  expect(endpoints(root).map((e) => e.metadata["name"]).sort()).toEqual(["disputes", "payments"]);
  expect((await run(root, ["start"])).code).toBe(0);
}, 240_000);

describe("check refuses by name and place", () => {
  const clean = project();
  const broken = async (change: (root: string) => void, args: string[] = []): Promise<{ code: number; findings: { code: string; at?: { file: string; line: number }; path?: string }[] }> => {
    const root = mkdtempSync(join(tmpdir(), "broken-"));
    cpSync(clean, root, { recursive: true });
    change(root);
    const r = await run(root, ["check", "--json", ...args]);
    return { code: r.code, findings: (JSON.parse(r.out) as { findings: never[] }).findings };
  };
  it("nothing in the shipped example", async () => {
    const r = await broken(() => undefined);
    expect(r.code).toBe(0);
    expect(new Set(r.findings.map((f) => f.code))).toEqual(new Set(["BACKUP_NEVER", "LOCAL_NOT_SEEDED"]));
  });
  it.each<[string, (root: string) => void, string, string]>([
    ["an http URL", (r) => { edit(r, "stacks/dev/environment.yaml", (t) => t.replace("https://dev.acme", "http://dev.acme")); }, "VALUE_INVALID", "stacks/dev/environment.yaml"],
    ["a secret pasted in environment.yaml", (r) => { edit(r, "stacks/dev/environment.yaml", (t) => t.replace("name: Acme Dev", `name: sk_live_${"a".repeat(24)}`)); }, "SECRET_IN_PLAIN_FILE", "stacks/dev/environment.yaml"],
    ["a live publishable key under dev", (r) => { edit(r, "stacks/dev/payments.yaml", (t) => t.replace("pk_test", "pk_live")); }, "STRIPE_KEY_MODE", "stacks/dev/payments.yaml"],
    ["live mode under dev", (r) => { edit(r, "stacks/dev/payments.yaml", (t) => t.replace("mode: test", "mode: live")); }, "STRIPE_MODE_TIER", "stacks/dev/payments.yaml"],
    ["another environment's sealed file", (r) => { cpSync(join(r, "stacks/staging/secrets.sops.yaml"), join(r, "stacks/dev/secrets.sops.yaml")); }, "SEAL_SIGNATURE_INVALID", "stacks/dev/secrets.sops.yaml"],
    ["a credential shared with another environment", (r) => { cpSync(join(r, "stacks/staging/secrets.sops.yaml"), join(r, "stacks/dev/secrets.sops.yaml")); }, "CREDENTIAL_SHARED", "stacks/staging/secrets.sops.yaml"],
    ["claims that somebody else wrote", (r) => { edit(r, "stacks/dev/secrets.sops.yaml", (t) => t.replace("sealedBy: super-admin-1", "sealedBy: super-admin-2")); }, "SEAL_SIGNATURE_INVALID", "stacks/dev/secrets.sops.yaml"],
    ["a value in clear", (r) => { edit(r, "stacks/prod/payments.sops.yaml", (t) => t.replace(/value: ENC\[.*\]/, "value: hello")); }, "SEAL_PLAINTEXT", "stacks/prod/payments.sops.yaml"],
    ["a recipient that the matrix doesn't know", (r) => { edit(r, "stacks/people.yaml", (t) => t.replace(/(engineer-1:\n {8}role: )engineer/, "$1auditor")); }, "SEAL_RECIPIENTS_STALE", "stacks/dev/secrets.sops.yaml"],
    ["an unknown event", (r) => { edit(r, "stacks/prod/payments.yaml", (t) => t.replace("invoice.paid", "invoice.payed")); }, "STRIPE_EVENT_UNKNOWN", "stacks/prod/payments.yaml"],
    ["a port that doesn't fit the encryption", (r) => { edit(r, "stacks/prod/environment.yaml", (t) => t.replace("port: 587", "port: 465")); }, "SMTP_PORT_ENCRYPTION", "stacks/prod/environment.yaml"],
    ["a native CRM without plan Agency", (r) => { edit(r, "stacks/prod/environment.yaml", (t) => t.replace("plan: agency", "plan: pro")); }, "CRM_PLAN", "stacks/prod/environment.yaml"],
    ["an unknown key", (r) => { edit(r, "stacks/prod/environment.yaml", (t) => t.replace("rotation:", "rotations:")); }, "KEY_UNKNOWN", "stacks/prod/environment.yaml"],
  ])("%s", async (_name, change, code, file) => {
    const r = await broken(change);
    expect(r.code).toBe(1);
    const found = r.findings.find((f) => f.code === code);
    expect(found, JSON.stringify(r.findings.slice(0, 3))).toBeDefined();
    expect(found!.at).toMatchObject({ file });
    expect(found!.at!.line).toBeGreaterThan(0);
  });
  it("answers an unknown environment with the nearest name and exit 2", async () => {
    const r = await run(clean, ["check", "--env", "prd"]);
    expect(r.code).toBe(2);
    expect(r.err).toContain("did you mean prod?");
  });
  it("previews key-less, with the JSON that is promised", async () => {
    const r = await run(clean, ["preview", "--env", "dev", "--json"]);
    const doc = JSON.parse(r.out) as { command: string; ok: boolean; environments: { name: string; engine: string; summary: { create: number }; credentials: unknown[]; violations: unknown[] }[] };
    expect(doc).toMatchObject({ command: "preview", ok: true, environments: [{ name: "dev", engine: "embedded", violations: [] }] });
    expect(doc.environments[0]!.summary.create).toBeGreaterThan(60);
    expect(doc.environments[0]!.credentials).toHaveLength(14);
    expect(existsSync(join(clean, ".stackseal"))).toBe(false);
  });
});
