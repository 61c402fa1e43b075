import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { PluginProvider } from "./spawned/plugin.ts";
import { snapshotRows, type State } from "../../engine/state/deployment.ts";
import { runEngine, type Ran, type Way } from "./harness.ts";

// What the Pulumi CLI did, recorded: the engine takes the same steps and leaves the same resources, with the program in this process and
// with the official runner over gRPC.
const dir = resolve(import.meta.dirname, "../fixtures/engine-scenarios");
interface Recorded { readonly input: unknown; readonly preview: { readonly ok: boolean; readonly steps: string[] }; readonly up: { readonly ok: boolean }; readonly resources: unknown[] }
const recorded = JSON.parse(readFileSync(join(dir, "recorded.json"), "utf8")) as { scenarios: { name: string; steps: Recorded[] }[] };
const require = createRequire(import.meta.url);
const main = join(dir, "program/index.js");

const mask = (v: unknown): unknown => JSON.parse(JSON.stringify(v).replace(/hook_[0-9a-f]{8}/g, "hook_ID").replace(/sign_[0-9a-f]{8}/g, "sign_ID").replace(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, "UUID")) as unknown;
const byUrn = (rows: unknown[]): unknown[] => [...rows].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

const load = (): Promise<PluginProvider> => PluginProvider.start([process.execPath, join(dir, "provider.js")], "127.0.0.1:1", process.env);
async function run(way: Way, input: unknown, previous: State[], preview: boolean): Promise<Ran> {
  const scenario = JSON.stringify(input), o = { previous, preview, config: { "scenarios:key": "sample-key" }, secretKeys: ["scenarios:key"] };
  const env = { ...process.env, SCENARIO: scenario, NODE_OPTIONS: `-r ${join(import.meta.dirname, "defer.cjs")}` };
  if (way === "over gRPC") return runEngine(way, { inline: () => undefined, dir: join(dir, "program"), env }, load, o);
  process.env["SCENARIO"] = scenario;
  try {
    return await runEngine(way, { inline: () => { Reflect.deleteProperty(require.cache, main); return require(main) as unknown; } }, load, o);
  } finally {
    delete process.env["SCENARIO"];
  }
}
async function equalsTheRecord(way: Way, steps: readonly Recorded[]): Promise<void> {
  let previous: State[] = [];
  for (const [i, s] of steps.entries()) {
    if (way === "in process" || i === steps.length - 1) {
      const p = await run(way, s.input, previous, true);
      expect({ ok: p.ok, steps: p.told }).toEqual({ ok: s.preview.ok, steps: [...s.preview.steps].sort() });
    }
    const u = await run(way, s.input, previous, false);
    expect(u.ok).toBe(s.up.ok);
    expect(byUrn(mask(snapshotRows(u.resources)) as unknown[])).toEqual(byUrn(s.resources));
    previous = u.resources;
  }
}

describe("in process", () => {
  it.each(recorded.scenarios)("$name: previews, deploys and leaves what the CLI does", { timeout: 120_000 }, ({ steps }) => equalsTheRecord("in process", steps));
});
describe("over gRPC, with Pulumi's own program runner", () => {
  it.concurrent.each(recorded.scenarios)("$name: previews, deploys and leaves what the CLI does", { timeout: 300_000 }, ({ steps }) => equalsTheRecord("over gRPC", steps));
});
