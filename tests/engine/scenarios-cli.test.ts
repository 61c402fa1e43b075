import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../lib/clock.ts";
import { PluginProvider } from "./spawned/plugin.ts";
import { embedded, type Engine, type Run } from "../../engine/index.ts";
import { pulumiEngine } from "../../engine/pulumi.ts";
import { findCli } from "../../engine/pulumi/find.ts";

// The recorded scenarios on the Pulumi CLI itself, where one is on PATH: the same steps, the same resources. Then both engines exchange a state.
const cli = findCli(process.env);
const repo = resolve(import.meta.dirname, "../..");
const dir = resolve(import.meta.dirname, "../fixtures/engine-scenarios");
interface Recorded { readonly input: unknown; readonly preview: { readonly ok: boolean; readonly steps: string[] }; readonly up: { readonly ok: boolean }; readonly resources: Record<string, unknown>[] }
const recorded = JSON.parse(readFileSync(join(dir, "recorded.json"), "utf8")) as { scenarios: { name: string; steps: Recorded[] }[] };
const root = mkdtempSync(join(tmpdir(), "scenarios-cli-"));
const passphrase = "correct horse";
beforeAll(() => {
  symlinkSync(join(repo, "node_modules"), join(root, "node_modules"));
  writeFileSync(join(root, "pulumi-resource-sample"), `#!/bin/sh\nexec node ${join(root, "provider.js")} "$@"\n`, { mode: 0o755 });
  for (const f of ["provider.js", "package.json"]) cpSync(join(dir, f), join(root, f));
});
afterAll(() => { rmSync(root, { recursive: true, force: true }); });

/** A project of its own, so that scenarios can run side by side. */
function project(name: string): { readonly dir: string; readonly engine: (scenario: unknown) => Promise<Engine> } {
  const at = join(root, name), state = mkdtempSync(join(root, "state-"));
  cpSync(join(dir, "program"), at, { recursive: true });
  writeFileSync(join(at, "Pulumi.yaml"), "name: scenarios\nruntime:\n  name: nodejs\n  options: { typescript: false }\nmain: index.js\nplugins:\n  providers:\n    - name: sample\n      path: ..\n");
  writeFileSync(join(at, "Pulumi.dev.yaml"), 'config:\n  scenarios:key: sample-key\n');
  const path = [...(existsSync(join(dirname(cli ?? ""), "pulumi-language-nodejs")) ? [] : [join(import.meta.dirname, "language-host")]), process.env["PATH"] ?? ""].join(":");
  const env = { PATH: path, HOME: root, PULUMI_HOME: join(at, ".home"), PULUMI_BACKEND_URL: `file://${state}`, PULUMI_CONFIG_PASSPHRASE: passphrase, NODE_OPTIONS: `-r ${join(import.meta.dirname, "defer.cjs")}` };
  return { dir: at, engine: (scenario) => pulumiEngine({ root: at, clock: systemClock, cli: cli ?? "", env: { ...env, SCENARIO: JSON.stringify(scenario) } }) };
}
const run: Run = { project: "scenarios", stack: "dev", program: () => undefined, config: {}, policies: [], providerFor: () => null };
const told = (steps: readonly { readonly op: string; readonly urn: string }[]): string[] =>
  steps.filter((s) => !s.urn.includes("pulumi:providers:") && !["create-replacement", "delete-replaced", "refresh"].includes(s.op)).map((s) => `${s.op} ${s.urn.split("::").slice(2).join("::")}`).sort();
const DROP = ["created", "modified", "sourcePosition", "stackTrace"];
/** Rows as they were recorded: random ids masked, times and places left out. The key is no secret here, and so in clear. */
const rows = (resources: readonly Record<string, unknown>[]): unknown[] =>
  resources.map((r) => JSON.parse(JSON.stringify(Object.fromEntries(Object.entries(r).filter(([k]) => !DROP.includes(k)))).replace(/hook_[0-9a-f]{8}/g, "hook_ID").replace(/sign_[0-9a-f]{8}/g, "sign_ID").replace(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, "UUID")) as unknown)
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

/** What an older CLI does otherwise than the recorded one did. */
const SINCE: Readonly<Record<string, number>> = { deletedWith: 260 };
const minor = cli === null ? 0 : Number(/^v3\.(\d+)/.exec(execFileSync(cli, ["version"], { encoding: "utf8", env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "1" } }))?.[1] ?? 0);

describe.skipIf(cli === null)("the Pulumi CLI on PATH (skipped where there is none)", () => {
  it.concurrent.for(recorded.scenarios)("$name: the engine over the CLI takes the recorded steps and leaves the recorded resources", { timeout: 900_000 }, async ({ name, steps }, { skip }) => {
    skip((SINCE[name] ?? 0) > minor, `the CLI here is 3.${String(minor)}; since 3.${String(SINCE[name])} it does this`);
    const p = project(name);
    for (const s of steps) {
      const engine = await p.engine(s.input);
      await engine.hold(["dev"], "up", async () => {
        const preview = await engine.preview(run, { against: "state" });
        expect({ ok: preview.ok, steps: told(preview.steps) }).toEqual({ ok: s.preview.ok, steps: [...s.preview.steps].sort() });
        // Held to what was previewed, as `up --plan` is; what can't be previewed has no plan to be held to.
        if (preview.ok) expect((await engine.up(run)).ok).toBe(s.up.ok);
      });
      if (!s.preview.ok) expect((await engine.up(run)).ok).toBe(s.up.ok);
      const exported = (await engine.export("dev", { showSecrets: true }))?.deployment["resources"] as Record<string, unknown>[];
      expect(rows(exported)).toEqual(rows(s.resources));
    }
  });
  it("opens what the embedded engine wrote, and the embedded engine what it wrote: no change either way", { timeout: 300_000 }, async () => {
    const p = project("exchange"), real = await p.engine({}), main = join(p.dir, "index.js"), require = createRequire(import.meta.url);
    const ours = await embedded({ root: p.dir, clock: systemClock, env: { PULUMI_CONFIG_PASSPHRASE: passphrase } });
    const inProcess: Run = {
      ...run, program: () => { Reflect.deleteProperty(require.cache, require.resolve(main)); return require(main) as unknown; }, config: { "scenarios:key": "sample-key" }, secretKeys: ["scenarios:key"],
      providerFor: () => PluginProvider.start([process.execPath, join(root, "provider.js")], "127.0.0.1:1", process.env),
    };
    expect((await ours.up(inProcess)).ok).toBe(true);
    const made = await ours.export("dev");
    expect(await real.import("dev", made)).toBe(5);
    expect(told((await real.preview(run, { against: "state" })).steps).filter((s) => !s.startsWith("same"))).toEqual([]);
    expect((await real.up(run)).ok).toBe(true);
    const back = await real.export("dev");
    expect(await ours.import("dev", back)).toBe(5);
    expect(told((await ours.preview(inProcess, { against: "state" })).steps).filter((s) => !s.startsWith("same"))).toEqual([]);
    expect((await real.history("dev")).map((h) => h.result)).toContain("succeeded");
    expect((await real.destroy(run)).ok).toBe(true);
  });
});
