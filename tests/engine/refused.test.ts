import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, describe, expect, it } from "vitest";
import { PluginProvider } from "./spawned/plugin.ts";
import { runEngine } from "./harness.ts";
import { memoryProvider, World } from "./memory-provider.ts";

class Thing extends pulumi.CustomResource { constructor(name: string, args: Record<string, unknown> = {}, opts?: pulumi.CustomResourceOptions) { super("mem:index:Thing", name, { output: undefined, ...args }, opts); } }
const dir = mkdtempSync(join(tmpdir(), "refused-"));
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

// What the engine doesn't do is refused by its name, before anything is made; the way to do it is named.
describe("refuses by name", () => {
  it.each<readonly [string, () => unknown]>([
    ["assets", () => new Thing("a", { body: new pulumi.asset.StringAsset("x") })],
    ["archives", () => new Thing("a", { body: new pulumi.asset.AssetArchive({ a: new pulumi.asset.StringAsset("x") }) })],
    ["resource hooks", () => new Thing("a", {}, { hooks: { beforeCreate: [new pulumi.ResourceHook("h", () => undefined)] } })],
    ["transforms", () => new Thing("a", {}, { transforms: [() => undefined] })],
    ["remote components", () => new pulumi.ComponentResource("mem:index:Remote", "a", {}, {}, true)],
    ["parameteri[sz]ed packages", () => new (class extends pulumi.CustomResource { constructor() { super("mem:index:Thing", "a", {}, {}, false, packageRef()); } })()],
  ])("%s", async (name, program) => {
    const world = new World();
    const r = await runEngine("in process", { inline: program }, () => Promise.resolve(memoryProvider(world)), { timeoutMs: 20_000 });
    expect(r.ok).toBe(false);
    expect(r.errors.join("\n")).toMatch(new RegExp(`${name}[\\s\\S]*(--engine pulumi|not support)`, "i"));
    expect(r.codes).toContain("ENGINE_UNSUPPORTED");
    expect(world.what("create")).toEqual([]);
  });
});
/** What generated SDKs of parameterised packages ask for. */
async function packageRef(): Promise<string | undefined> {
  const { RegisterPackageRequest, Parameterization } = await import("@pulumi/pulumi/proto/resource_pb.js");
  const { getMonitor } = await import("@pulumi/pulumi/runtime/settings.js");
  const q = new RegisterPackageRequest(), p = new Parameterization();
  p.setName("sub");
  p.setVersion("1.0.0");
  q.setName("mem");
  q.setParameterization(p);
  return new Promise((done, fail) => { (getMonitor() as unknown as { registerPackage(q: unknown, cb: (e: Error | null, r: { getRef(): string }) => void): void }).registerPackage(q, (e, r) => { if (e) fail(e); else done(r.getRef()); }); });
}

describe("a provider's process", () => {
  const repo = resolve(import.meta.dirname, "../..");
  const plugin = join(dir, "plugin.cjs");
  writeFileSync(plugin, `const provider = require(${JSON.stringify(join(repo, "node_modules/@pulumi/pulumi/provider"))});
provider.main({ version: "0.1.0",
  async check(urn, olds, news) { return { inputs: news }; },
  async diff() { return { changes: false }; },
  async create(urn, inputs) {
    if (urn.endsWith("::dies")) process.exit(3);
    if (urn.endsWith("::hangs")) return new Promise(() => undefined);
    return { id: "id-1", outs: inputs };
  },
}, process.argv.slice(2));\n`);
  const load = (): Promise<PluginProvider> => PluginProvider.start([process.execPath, "-r", join(import.meta.dirname, "defer.cjs"), plugin], "127.0.0.1:1", process.env);
  it("that ends in the middle of a creation is named, the creation stays as begun, and what was made before stays too", async () => {
    const r = await runEngine("in process", { inline: () => { const first = new Thing("first"); new Thing("dies", {}, { dependsOn: first }); } }, load, { callTimeoutMs: 20_000 });
    expect(r.ok).toBe(false);
    expect(r.codes).toContain("PROVIDER_FAILED");
    expect(r.errors.join("\n")).toMatch(/provider.*(ended|gone)/);
    expect(r.resources.map((s) => s.urn.split("::").at(-1))).toContain("first");
    expect(r.operations.map((o) => [o.type, o.resource.urn.split("::").at(-1)])).toEqual([["creating", "dies"]]);
  });
  it("that never answers is given up after its time, with the same care", async () => {
    const r = await runEngine("in process", { inline: () => { const first = new Thing("first"); new Thing("hangs", {}, { dependsOn: first }); } }, load, { callTimeoutMs: 1500 });
    expect(r.ok).toBe(false);
    expect(r.errors.join("\n")).toMatch(/didn't answer/);
    expect(r.resources.map((s) => s.urn.split("::").at(-1))).toContain("first");
    expect(r.operations.map((o) => [o.type, o.resource.urn.split("::").at(-1)])).toEqual([["creating", "hangs"]]);
  });
});
