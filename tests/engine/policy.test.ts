import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, describe, expect, it } from "vitest";
import { PolicyPack as Pack } from "../../engine/embedded/policy.ts";
import { configured } from "../../engine/embedded/policy-config.ts";
import { analyzerOf } from "../../engine/embedded/sdk-hooks.ts";
import { startPack } from "./spawned/spawned.ts";
import { memoryProvider, World } from "./memory-provider.ts";
import { runEngine, type Ran } from "./harness.ts";

class Thing extends pulumi.CustomResource {
  declare readonly output: pulumi.Output<string>;
  constructor(name: string, args: Record<string, unknown> = {}, opts?: pulumi.CustomResourceOptions) { super("mem:index:Thing", name, { output: undefined, ...args }, opts); }
}
class Group extends pulumi.ComponentResource { constructor(name: string) { super("mem:index:Group", name, { note: "x" }); } }

// The same policies as a folder for Pulumi's own runner and as objects in this process.
const SOURCE = `
const seen = [];
exports.policies = [
  { name: "sees-everything", description: "d", enforcementLevel: "advisory", validateResource: (args, report) => { if (args.type !== "pulumi:pulumi:Stack" || true) report("saw " + args.type + (args.provider ? " of " + args.provider.name : "")); } },
  { name: "no-bad", description: "no bad", enforcementLevel: "mandatory", severity: "high", validateResource: (args, report) => { if (args.type === "mem:index:Thing" && args.props.v === "bad") report("it is bad"); } },
  { name: "needs-known", description: "d", enforcementLevel: "mandatory", validateResource: (args, report) => { if (args.type === "mem:index:Thing" && args.props.from !== undefined && String(args.props.from).length === 0) report("empty"); } },
  { name: "limit", description: "d", enforcementLevel: "mandatory", configSchema: { properties: { most: { type: "number", default: 3 } } }, validateStack: (args, report) => { const n = args.resources.filter((r) => r.type === "mem:index:Thing").length; if (n > args.getConfig().most) report(n + " of " + args.getConfig().most); } },
  { name: "not-mine", description: "d", enforcementLevel: "mandatory", validateResource: (args, report) => { if (args.type !== "x:y:Z") args.notApplicable("another type"); report("never"); } },
  { name: "fills-in", description: "d", enforcementLevel: "remediate", remediateResource: (args) => { if (args.type === "mem:index:Thing" && args.props.v === undefined) return { ...args.props, v: "filled" }; } },
];`;
const module = { exports: {} as { policies: unknown[] } };
new Function("module", "exports", SOURCE)(module, module.exports); // eslint-disable-line @typescript-eslint/no-implied-eval
const dir = mkdtempSync(join(tmpdir(), "pack-"));
writeFileSync(join(dir, "index.js"), `${SOURCE.replace("exports.policies =", "const policies =")}\nconst { PolicyPack } = require(${JSON.stringify(join(process.cwd(), "node_modules/@pulumi/policy"))});\nnew PolicyPack("stackseal", { policies });\n`);
writeFileSync(join(dir, "package.json"), JSON.stringify({ name: "pack", version: "0.1.0", main: "index.js" }));
writeFileSync(join(dir, "PulumiPolicy.yaml"), "runtime: nodejs\n");
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

describe.each(["in process", "with Pulumi's own pack runner"] as const)("%s", (way) => {
  const start = (config: Record<string, unknown>): ReturnType<typeof startPack> =>
    way === "in process" ? Promise.resolve({ pack: new Pack("stackseal", "0.1.0", analyzerOf("stackseal", "0.1.0", configured(module.exports.policies, config))), stop: () => Promise.resolve() }) : startPack(dir, { project: "scenarios", stack: "dev", preview: false }, config, process.env);
  const run = async (program: () => unknown, o: { preview?: boolean; config?: Record<string, unknown> } = {}): Promise<Ran & { world: World }> => {
    const world = new World();
    const { pack, stop } = await start(o.config ?? {});
    try {
      return { ...(await runEngine("in process", { inline: program }, (pkg) => memoryProvider(world, pkg), { packs: [pack], preview: o.preview ?? false })), world };
    } finally {
      await stop();
    }
  };
  const of = (r: Ran, policy: string): string[] => r.violations.filter((v) => v.policy === policy).map((v) => v.message);

  it("shows policies the stack, components, providers and resources", async () => {
    const r = await run(() => { new Group("g"); new Thing("a", { v: "ok" }); });
    expect(of(r, "sees-everything").map((m) => m.split("\n").at(-1)).sort()).toEqual(["saw mem:index:Group", "saw mem:index:Thing of default", "saw pulumi:providers:mem", "saw pulumi:pulumi:Stack"]);
    expect(r.ok).toBe(true);
  });
  it("stops an update before what violates a mandatory policy is created; a preview goes on and fails", async () => {
    const program = (): void => { const a = new Thing("a", { v: "bad" }); new Thing("b", { v: "ok", from: a.output }); };
    const up = await run(program);
    expect(up.ok).toBe(false);
    expect(up.world.what("create")).toEqual([]);
    expect(up.violations.find((v) => v.policy === "no-bad")).toMatchObject({ level: "mandatory", severity: "high", urn: "urn:pulumi:dev::scenarios::mem:index:Thing::a" });
    const preview = await run(program, { preview: true });
    expect(preview.ok).toBe(false);
    expect(preview.told).toContain("create mem:index:Thing::b");
  });
  it("takes levels and settings from the configuration, and refuses what doesn't fit", async () => {
    const program = (): void => { for (const n of ["a", "b"]) new Thing(n, { v: "bad" }); };
    const r = await run(program, { config: { all: "advisory", limit: { most: 1, enforcementLevel: "mandatory" } } });
    expect(r.world.what("create").sort()).toEqual(["a", "b"]);
    expect(r.ok).toBe(false);
    expect(of(r, "limit").join()).toContain("2 of 1");
    expect((await run(program, { config: { all: "disabled" } })).violations).toEqual([]);
    await expect(run(program, { config: { limit: { most: "many" } } })).rejects.toThrow("of type string");
    await expect(run(program, { config: { limit: "perhaps" } })).rejects.toThrow("enforcement level");
  });
  it("says of a policy that reads an unknown that it can't be told yet", async () => {
    const program = (): void => { const a = new Thing("a", { v: "ok" }); new Thing("b", { v: "ok", from: a.output }); };
    const r = await run(program, { preview: true });
    expect(r.violations.find((v) => v.policy === "needs-known")).toMatchObject({ level: "advisory", unknown: true });
    expect(r.ok).toBe(true);
    expect(of(await run(program), "needs-known")).toEqual([]);
  });
  it("leaves out what isn't applicable, and lets remediations rewrite inputs before anything judges or creates", async () => {
    const r = await run(() => { new Thing("a"); });
    expect(of(r, "not-mine")).toEqual([]);
    expect(r.world.calls.find((c) => c.what === "create")?.inputs?.["v"]).toBe("filled");
  });
});
