import { execFile, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../lib/clock.ts";
import type { Run } from "../../engine/index.ts";
import { pulumiEngine } from "../../engine/pulumi.ts";
import { findCli } from "../../engine/pulumi/find.ts";

// The Pulumi engine against an executable that speaks as the CLI does: its arguments, its words, its recorded events. The scenarios run on the
// real one where it's on PATH (scenarios-cli.test.ts).
const repo = resolve(import.meta.dirname, "../..");
const fake = join(import.meta.dirname, "fake-cli");
const roots: string[] = [];
let root = "", dir = "";
interface Call { readonly argv: string[]; readonly cwd: string; readonly env: Record<string, string>; readonly signal?: number }
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "pulumi-engine-"));
  dir = mkdtempSync(join(tmpdir(), "pulumi-fake-"));
  roots.push(root, dir);
  for (const f of ["stacks", "Pulumi.yaml"]) cpSync(join(repo, f), join(root, f), { recursive: true, filter: (p) => !p.endsWith(".ts") });
  symlinkSync(join(repo, "dist"), join(root, "dist"));
});
afterAll(() => { for (const r of roots) rmSync(r, { recursive: true, force: true }); });
const env = (more: Record<string, string> = {}): Record<string, string> => ({ PATH: `${fake}:/opt/none/node_modules/.bin:/usr/bin:/bin`, HOME: dir, NO_COLOR: "1", FAKE_DIR: dir, PULUMI_CONFIG_PASSPHRASE: "x", PULUMI_BACKEND_URL: "s3://bucket", SAMPLE_NODE: process.execPath, ...more });
const withNode = (e: Record<string, string>): Record<string, string> => ({ ...e, PATH: `${e["PATH"] ?? ""}:${resolve(process.execPath, "..")}` });
const run = (args: string[], more: Record<string, string> = {}): Promise<{ code: number; out: string; err: string }> =>
  new Promise((done) => { execFile(process.execPath, [join(repo, "dist/cli.js"), "-C", root, ...args], { env: withNode(env(more)), maxBuffer: 64 << 20 }, (e, out, err) => { done({ code: typeof e?.code === "number" ? e.code : e ? 1 : 0, out, err }); }); });
const calls = (): Call[] => (existsSync(join(dir, "calls.jsonl")) ? readFileSync(join(dir, "calls.jsonl"), "utf8").trim().split("\n").map((l) => JSON.parse(l) as Call) : []);
const ran = (verb: string): Call[] => calls().filter((c) => c.argv[0] === verb);
interface Doc { readonly findings: { code: string; hint?: string; message: string }[]; readonly environments: { engine: string; steps: { op: string; urn: string; ok: boolean }[]; summary: Record<string, number>; outputs: Record<string, unknown>; stacks: { name: string }[] }[] }
const doc = (r: { out: string }): Doc => JSON.parse(r.out) as Doc;

describe("which CLI counts", () => {
  it("is one on PATH or under PULUMI_HOME, never one that npm put there, by a link neither", () => {
    const exe = (folder: string): string => { mkdirSync(join(dir, folder), { recursive: true }); cpSync(join(fake, "pulumi"), join(dir, folder, "pulumi")); return join(dir, folder); };
    const real = exe("bin"), npm = exe("node_modules/.bin"), home = exe("home/bin"), linked = join(dir, "linked");
    mkdirSync(linked);
    symlinkSync(join(npm, "pulumi"), join(linked, "pulumi"));
    expect(findCli({ PATH: `${npm}:${linked}:${real}` })).toBe(join(real, "pulumi"));
    expect(findCli({ PATH: `${npm}:${linked}` })).toBeNull();
    expect(findCli({ PATH: npm, PULUMI_HOME: join(home, "..") })).toBe(join(home, "pulumi"));
    expect(findCli({})).toBeNull();
  });
  it("is asked for by name, and where there is none the message tells what to do", async () => {
    const none = { PATH: "/usr/bin:/bin" };
    expect((await run(["up", "--env", "dev", "--yes", "--engine", "pulumi"], none)).err).toMatch(/CLI_ABSENT[\s\S]*install the Pulumi CLI/);
    const refused = await run(["up", "--env", "dev", "--yes"], none);
    expect([refused.code, refused.err.includes("pulumi up -s dev-foundation --policy-pack policies && pulumi up -s dev --policy-pack policies && pulumi up -s dev-payments --policy-pack policies")]).toEqual([2, true]);
    expect((await run(["up", "--env", "dev", "--yes", "--engine", "embedded"])).err).toContain("ENGINE_REFUSES");
    expect((await run(["export", "--env", "dev"], none)).err).toMatch(/ENGINE_REFUSES[\s\S]*pulumi stack export -s dev /);
    expect(calls()).toEqual([]);
  });
});

describe("up", () => {
  it("deploys what lives elsewhere: the environment's three stacks in order, made once, with the policy pack, the backend and no npm folder on PATH", async () => {
    const r = await run(["up", "--env", "dev", "--yes", "--json", "--parallel", "3", "--message", "first", "--event-log", "events.jsonl"]);
    expect(r.err).toContain("dev-payments: made in the backend; commit stacks/Pulumi.dev-payments.yaml");
    expect(r.code).toBe(0);
    const e = doc(r).environments[0]!;
    expect([e.engine, e.summary["create"], e.stacks.map((s) => s.name)]).toEqual(["pulumi", 6, ["dev-foundation", "dev", "dev-payments"]]);
    expect(e.steps[0]).toEqual({ op: "same", urn: "urn:pulumi:dev-foundation::stackseal::pulumi:pulumi:Stack::scenarios-dev", ok: true });
    expect(e.outputs).toMatchObject({ n: 1, secret: "[secret]" });
    const ups = ran("up");
    expect(ups.map((c) => c.argv[c.argv.indexOf("--stack") + 1])).toEqual(["dev-foundation", "dev", "dev-payments"]);
    for (const c of ups) {
      expect(c.argv.join(" ")).toMatch(/--policy-pack \S+policies .*--parallel 3 /);
      expect(c.argv).toEqual(expect.arrayContaining(["--yes", "--skip-preview", "--non-interactive", "--message", "first"]));
      expect([c.cwd, c.env["PULUMI_BACKEND_URL"], c.env["PATH"]?.includes("node_modules")]).toEqual([root, "s3://bucket", false]);
    }
    expect(calls().find((c) => c.argv[1] === "init")?.argv).toEqual(["stack", "init", "dev-foundation", "--secrets-provider", "passphrase", "--non-interactive"]);
    expect(JSON.stringify(calls())).not.toContain("--show-secrets");
    // The CLI's own events, without what the SDK debugs.
    const events = readFileSync(join(root, "events.jsonl"), "utf8");
    expect(events).toContain('"resOutputsEvent"');
    expect(events).not.toContain('"severity":"debug"');
    expect((await run(["up", "--env", "dev", "--yes"])).err).not.toContain("made in the backend");
  });
  it("reads the event log of an older CLI from its file", async () => {
    const r = await run(["up", "--env", "staging", "--yes", "--json"], { FAKE_VERSION: "3.200.0" });
    expect([doc(r).environments[0]?.engine, doc(r).environments[0]?.summary["create"]]).toEqual(["pulumi", 6]);
  });
  it("stops at a mandatory violation, names it, and deploys no stack behind it", async () => {
    const r = await run(["up", "--env", "dev", "--yes", "--json"], { FAKE_EVENTS: "up-violated" });
    expect(r.code).toBe(1);
    expect(doc(r).findings.filter((f) => f.code === "POLICY_VIOLATION").map((f) => f.message)).toEqual(["no-a: a is not wanted"]);
    expect(ran("up")).toHaveLength(1);
  });
  it("interrupts the CLI once, waits for its safe point and exits with 130", async () => {
    const child = spawn(process.execPath, [join(repo, "dist/cli.js"), "-C", root, "up", "--env", "dev", "--yes"], { env: withNode(env({ FAKE_HANG: "up" })), stdio: "ignore", detached: true });
    while (ran("up").length === 0) await new Promise((done) => setTimeout(done, 50));
    await new Promise((done) => setTimeout(done, 500));
    process.kill(-child.pid!, "SIGINT"); // as a terminal sends it: to the whole group
    const code = await new Promise((done) => child.once("exit", done));
    expect(code).toBe(130);
    expect(calls().filter((c) => c.signal !== undefined).map((c) => c.signal)).toEqual([1]);
  });
  it.each([
    ["up|the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock file with `pulumi cancel`.", "STATE_LOCKED", 2],
    ["stack select|PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions", "BACKEND_UNREACHABLE", 2],
    ["stack select|read \".pulumi/meta.yaml\": blob (key \".pulumi/meta.yaml\") (code=Unknown): dial tcp: lookup bucket: no such host", "BACKEND_UNREACHABLE", 3],
    ["up|getting secrets manager: passphrase must be set with PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE environment variables", "STATE_PASSPHRASE", 2],
    ["version|this is a downloader", "CLI_UNUSABLE", 2],
  ])("says what the CLI refused with, and the way out: %s", async (says, code, exit) => {
    const r = await run(["up", "--env", "dev", "--yes", "--json"], { FAKE_SAYS: says, FAKE_EVENTS: "none" });
    expect([r.code, doc(r).findings.map((f) => f.code)]).toEqual([exit, [code]]);
    expect(doc(r).findings[0]?.hint).toBeTruthy();
  });
  it("is refused where a plugin has no path or nothing is built: the CLI would look elsewhere", async () => {
    rmSync(join(root, "dist"));
    const r = await run(["up", "--env", "dev", "--yes", "--json"]);
    expect(doc(r).findings.map((f) => f.code)).toEqual(["PROJECT_INCOMPLETE", "PROJECT_INCOMPLETE", "PROJECT_INCOMPLETE"]);
    writeFileSync(join(root, "Pulumi.yaml"), "name: stackseal\nruntime: nodejs\n");
    expect((await run(["up", "--env", "dev", "--yes"])).err).toContain("the plugin stripe has no path");
    expect(ran("up")).toEqual([]);
  });
});

it("holds an update to the plan of the preview before it, and keeps nothing of that plan", async () => {
  for (const s of ["dev", "other"]) writeFileSync(join(dir, `${s}.json`), "{}");
  const engine = await pulumiEngine({ root, clock: systemClock, cli: join(fake, "pulumi"), env: withNode(env()) });
  const run: Run = { project: "stackseal", stack: "dev", program: () => undefined, config: {}, policies: [], providerFor: () => null };
  await engine.hold(["dev"], "up", async () => {
    expect((await engine.preview(run, { against: "state" })).ok).toBe(true);
    expect((await engine.up(run)).ok).toBe(true);
    // What wasn't previewed has no plan.
    expect((await engine.up({ ...run, stack: "other" })).ok).toBe(true);
  });
  const saved = ran("preview")[0]!.argv, plan = saved[saved.indexOf("--save-plan") + 1]!, [up, other] = ran("up");
  expect(up!.argv[up!.argv.indexOf("--plan") + 1]).toBe(plan);
  expect(other!.argv).not.toContain("--plan");
  expect(existsSync(plan)).toBe(false);
});

describe("preview", () => {
  it("asks the CLI what it would do, against its own state, when it's told to; what is saved stays the key-less one's", async () => {
    for (const s of ["dev-foundation", "dev", "dev-payments"]) writeFileSync(join(dir, `${s}.json`), "{}");
    const r = await run(["preview", "--env", "dev", "--engine", "pulumi", "--json", "--target", "**::a", "--parallel", "2"], { FAKE_EVENTS: "preview-replace" });
    const d = doc(r) as Doc & { against: unknown };
    expect([d.against, d.environments[0]?.engine, d.environments[0]?.summary]).toEqual([{ kind: "deployed" }, "pulumi", { create: 0, update: 3, replace: 3, delete: 0, same: 6 }]);
    expect(ran("preview").map((c) => [c.argv[c.argv.indexOf("--target") + 1], c.argv[c.argv.indexOf("--parallel") + 1], c.argv.includes("--policy-pack")])).toEqual(Array(3).fill(["**::a", "2", true]));
    const saved = await run(["preview", "--env", "dev", "--engine", "pulumi", "--save-plan", "p.json"]);
    expect([saved.code, saved.err.includes("--save-plan and --engine pulumi don't go together")]).toEqual([2, true]);
    expect((await run(["preview", "--env", "staging", "--engine", "pulumi"])).err).toContain("STATE_ABSENT");
  });
});

describe("the other commands", () => {
  it("take --engine too: export, import, history, cancel, refresh, destroy", async () => {
    const on = ["--env", "local", "--engine", "pulumi"];
    expect((await run(["export", ...on])).err).toContain("STATE_ABSENT");
    expect((await run(["refresh", ...on, "--yes"])).err).toContain("STATE_ABSENT");
    writeFileSync(join(root, "state.json"), JSON.stringify({ version: 3, deployment: { resources: [{ urn: "a" }, { urn: "b" }] } }));
    expect((await run(["import", "state.json", ...on, "--yes"])).out).toContain("local: 2 resources imported");
    expect(JSON.parse((await run(["export", ...on])).out)).toMatchObject({ deployment: { resources: [{ urn: "a" }, { urn: "b" }] }, shown: false });
    expect(JSON.parse((await run(["export", ...on, "--show-secrets"])).out)).toMatchObject({ shown: true });
    expect((await run(["history", ...on, "--part", "standard"])).out).toMatch(/1 {2}2026-11-24T22:00:51.000Z {2}update +succeeded {2}11 s {2}4 create/);
    expect((await run(["cancel", ...on])).out).toContain("local: the backend was told");
    await run(["import", "state.json", ...on, "--yes", "--part", "payments"]);
    expect((await run(["destroy", ...on, "--yes", "--refresh"], { FAKE_EVENTS: "none" })).code).toBe(0);
    expect(ran("destroy").map((c) => [c.argv[c.argv.indexOf("--stack") + 1], c.argv.includes("--refresh")])).toEqual([["local-payments", true], ["local", true]]);
    expect((await run(["refresh", ...on, "--yes"], { FAKE_EVENTS: "none" })).code).toBe(0);
  });
});
