import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { runInline } from "../../engine/embedded/inline.ts";
import { PluginProvider } from "../../engine/embedded/plugin.ts";
import { snapshotRows, type State } from "../../engine/embedded/state.ts";

// What the Pulumi CLI did, recorded: the engine takes the same steps and leaves the same resources.
const dir = resolve(import.meta.dirname, "../fixtures/engine-scenarios");
interface Recorded { readonly input: unknown; readonly preview: { readonly ok: boolean; readonly steps: string[] }; readonly up: { readonly ok: boolean }; readonly resources: unknown[] }
const recorded = JSON.parse(readFileSync(join(dir, "recorded.json"), "utf8")) as { scenarios: { name: string; steps: Recorded[] }[] };
const require = createRequire(import.meta.url);
const program = join(dir, "program/index.js");

const mask = (v: unknown): unknown => JSON.parse(JSON.stringify(v).replace(/hook_[0-9a-f]{8}/g, "hook_ID").replace(/sign_[0-9a-f]{8}/g, "sign_ID").replace(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, "UUID")) as unknown;
const byUrn = (rows: unknown[]): unknown[] => [...rows].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

async function run(input: unknown, previous: State[], preview: boolean): Promise<{ ok: boolean; steps: string[]; resources: State[] }> {
  process.env["SCENARIO"] = JSON.stringify(input);
  try {
    const o = await runInline({
      project: "scenarios", stack: "dev", preview, previous: structuredClone(previous), policies: [], config: { "scenarios:key": "sample-key" }, secretKeys: ["scenarios:key"],
      program: () => { Reflect.deleteProperty(require.cache, program); return require(program) as unknown; },
      load: () => PluginProvider.start([process.execPath, join(dir, "provider.js")], "127.0.0.1:1", process.env),
    });
    const steps = o.engine.steps.filter((s) => !s.urn.includes("pulumi:providers:") && !["create-replacement", "delete-replaced"].includes(s.op)).map((s) => `${s.op} ${s.urn.split("::").slice(2).join("::")}`).sort();
    return { ok: !o.engine.failed, steps, resources: o.engine.snapshot() };
  } finally {
    delete process.env["SCENARIO"];
  }
}

describe.each(recorded.scenarios)("$name", ({ steps }) => {
  it("previews, deploys and leaves what the CLI does", async () => {
    let previous: State[] = [];
    for (const s of steps) {
      const p = await run(s.input, previous, true);
      expect({ ok: p.ok, steps: p.steps }).toEqual({ ok: s.preview.ok, steps: [...s.preview.steps].sort() });
      const u = await run(s.input, previous, false);
      expect(u.ok).toBe(s.up.ok);
      expect(byUrn(mask(snapshotRows(u.resources)) as unknown[])).toEqual(byUrn(s.resources));
      previous = u.resources;
    }
  });
});
