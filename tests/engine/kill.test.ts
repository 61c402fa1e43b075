import { execFile, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StateStore } from "../../engine/state/store.ts";

// kill -9 at random points of `up` against the sandbox: the next one converges, nothing is made twice, nothing is forgotten. STACKSEAL_KILLS
// says how often (200 were run by hand); the checked-in number fits a test run.
const kills = Number(process.env["STACKSEAL_KILLS"] ?? 6);
const repo = resolve(import.meta.dirname, "../..");
const cli = process.env["STACKSEAL_TEST_CLI"] ?? join(repo, "dist/cli.js");
const env = { PATH: process.env["PATH"] ?? "", HOME: mkdtempSync(join(tmpdir(), "home-")), NO_COLOR: "1" };
const root = mkdtempSync(join(tmpdir(), "killed-"));
const args = ["-C", root, "up", "--env", "local", "--yes", "--json"];

const run = (argv: string[]): Promise<{ code: number; out: string; err: string }> =>
  new Promise((done) => { execFile(process.execPath, [cli, ...argv], { env, maxBuffer: 64 << 20 }, (e, out, err) => { done({ code: typeof e?.code === "number" ? e.code : e ? 1 : 0, out, err }); }); });
const killedAfter = (ms: number): Promise<boolean> =>
  new Promise((done) => {
    const child = spawn(process.execPath, [cli, ...args], { env, stdio: "ignore" });
    const timer = setTimeout(() => child.kill("SIGKILL"), ms);
    child.once("exit", (_code, signal) => { clearTimeout(timer); done(signal === "SIGKILL"); });
  });
const json = (file: string): unknown => JSON.parse(readFileSync(join(root, ".stackseal", file), "utf8"));
const endpoints = (): string[] => (json("sandbox/stripe.json") as { endpoints: { id: string }[] }).endpoints.map((e) => e.id).sort();
interface Row { urn: string; type: string; id?: string; delete?: boolean }
const state = (stack: string): { resources: Row[]; pending_operations?: unknown[] } => (json(`state/${stack}.json`) as { deployment: { resources: Row[]; pending_operations?: unknown[] } }).deployment;
const processes = (): string[] => readdirSync("/proc").filter((p) => /^\d+$/.test(p)).flatMap((p) => {
  try {
    return readFileSync(`/proc/${p}/cmdline`, "utf8").includes(root) ? [p] : [];
  } catch {
    return [];
  }
});
const fresh = (): void => { for (const d of ["state", "sandbox", "store"]) rmSync(join(root, ".stackseal", d), { recursive: true, force: true }); };
let versions = 0;
/** Another API version of an endpoint: it can only be replaced. */
const replace = (): void => {
  const file = join(root, "stacks/local/payments.yaml"), days = ["2026-10-28.endive", "2026-09-30.endive"];
  const text = readFileSync(file, "utf8"), now = /apiVersion: ["']?([\w.-]+)/.exec(text)?.[1] ?? "";
  writeFileSync(file, text.replaceAll(now, days.find((d) => d !== now) ?? ""));
  versions++;
};

beforeAll(async () => {
  for (const f of ["stacks", "Pulumi.yaml", ".sops.yaml"]) cpSync(join(repo, f), join(root, f), { recursive: true, filter: (p) => !p.endsWith(".ts") });
  for (const f of ["policies"]) if (existsSync(join(repo, f))) cpSync(join(repo, f), join(root, f), { recursive: true, filter: (p) => !/\.ts$|dist/.test(p) });
  expect((await run(["-C", root, "start"])).code).toBe(0);
});
afterAll(() => { rmSync(root, { recursive: true, force: true }); });

describe("an update that is killed", () => {
  it(`converges after each of ${String(kills)} kills`, { timeout: 120_000 + kills * 60_000 }, async () => {
    const took = { create: 0, replace: 0 };
    fresh();
    let started = Date.now();
    expect((await run(args)).code).toBe(0);
    took.create = Date.now() - started;
    replace();
    started = Date.now();
    expect((await run(args)).code).toBe(0);
    took.replace = Date.now() - started;
    let hit = 0, pending = 0;
    for (let i = 0; i < kills; i++) {
      const kind = i % 2 ? "replace" : "create";
      if (kind === "create") fresh();
      else replace();
      // A third of the way loads the program: kills there prove little, so most fall after it.
      const from = Math.random() < 0.15 ? 0 : 0.3;
      if (await killedAfter(took[kind] * (from + Math.random() * (1.05 - from)))) hit++;
      expect(processes()).toEqual([]);
      for (const stack of ["local", "local-payments"]) if (existsSync(join(root, `.stackseal/state/${stack}.json`))) pending += (await new StateStore(root, stack, undefined).read()).operations.length; // readable at every moment
      const next = await run(args);
      expect({ code: next.code, out: next.code === 0 ? "" : next.out }).toEqual({ code: 0, out: "" });
      const rows = [...state("local").resources, ...state("local-payments").resources];
      expect(rows.filter((r) => !r.type.startsWith("pulumi:providers:"))).toHaveLength(20);
      expect(rows.filter((r) => r.delete)).toEqual([]);
      expect([...(state("local").pending_operations ?? []), ...(state("local-payments").pending_operations ?? [])]).toEqual([]);
      expect(rows.filter((r) => r.type === "stripe:index:WebhookEndpoint").map((r) => r.id).sort()).toEqual(endpoints());
      expect(endpoints()).toHaveLength(2);
      if (kills > 20 && i % 10 === 9) process.stderr.write(`${String(i + 1)} kills, ${String(hit)} hit\n`);
    }
    const last = JSON.parse((await run(args)).out) as { environments: { summary: Record<string, number> }[] };
    expect(last.environments[0]?.summary).toMatchObject({ same: 20, create: 0, update: 0, replace: 0, delete: 0 });
    if (kills > 20) process.stderr.write(`${String(hit)} of ${String(kills)} kills hit a running update (${String(versions)} replacements, ${String(pending)} operations found pending)\n`);
    expect(hit).toBeGreaterThan(0);
  });
});
