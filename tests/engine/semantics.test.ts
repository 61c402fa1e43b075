import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { snapshotRows, verify, type State } from "../../engine/state/deployment.ts";
import { memoryProvider, World } from "./memory-provider.ts";
import { runEngine, type Ran } from "./harness.ts";

// One rule of Pulumi's a test. Programs run in this process against a provider in memory; the recorded scenarios hold both ways together.

class Thing extends pulumi.CustomResource {
  declare readonly output: pulumi.Output<string>;
  declare readonly token: pulumi.Output<string>;
  declare readonly made: pulumi.Output<unknown>;
  constructor(name: string, args: Record<string, unknown> = {}, opts?: pulumi.CustomResourceOptions) {
    super("mem:index:Thing", name, { output: undefined, token: undefined, ...args }, opts);
  }
}
class Group extends pulumi.ComponentResource {
  constructor(name: string, opts?: pulumi.ComponentResourceOptions) { super("mem:index:Group", name, {}, opts); }
}
class Mem extends pulumi.ProviderResource {
  constructor(name: string, args: Record<string, unknown> = {}, opts?: pulumi.ResourceOptions) { super("mem", name, args, opts); }
}
type Options = Parameters<typeof runEngine>[3];
class Bench {
  readonly world = new World();
  state: State[] = [];
  features: Parameters<typeof memoryProvider>[2] = {};
  async up(program: () => unknown, o: Options = {}): Promise<Ran> {
    const r = await runEngine("in process", { inline: program }, (pkg) => memoryProvider(this.world, pkg, this.features), { previous: this.state, ...o });
    if (!o.preview) this.state = r.resources;
    return r;
  }
  preview(program: () => unknown, o: Options = {}): Promise<Ran> {
    return this.up(program, { ...o, preview: true });
  }
  find(name: string): State {
    const s = this.state.find((r) => r.urn.endsWith(`::${name}`) && !r.delete);
    if (!s) throw new Error(`no ${name}`);
    return s;
  }
}
const urn = (qualified: string): string => `urn:pulumi:dev::scenarios::${qualified}`;
const secretOf = (v: unknown): unknown => (v as { value?: unknown }).value;

describe("names", () => {
  it("chains the types of nested components in a URN, and leaves the stack out", async () => {
    const b = new Bench();
    const r = await b.up(() => { const outer = new Group("outer"), inner = new Group("inner", { parent: outer }); new Thing("t", {}, { parent: inner }); });
    expect(r.told).toContain("create mem:index:Group$mem:index:Group$mem:index:Thing::t");
    expect(b.find("t").parent).toBe(urn("mem:index:Group$mem:index:Group::inner"));
  });
  it("refuses the same name twice, and does nothing for the second", async () => {
    const b = new Bench();
    const r = await b.up(() => { new Thing("a"); new Thing("a"); });
    expect(r.ok).toBe(false);
    expect(r.errors.join()).toContain("Duplicate resource URN");
    expect(b.world.what("create").length).toBeLessThanOrEqual(1);
  });
  it("finds what was renamed by its alias, by its old type and by its old parent", async () => {
    const b = new Bench();
    await b.up(() => { new Thing("a"); const g = new Group("g"); new Thing("g-child", {}, { parent: g }); new Thing("moved", {}, { parent: g }); });
    const ids = b.state.map((s) => s.id);
    const r = await b.up(() => {
      new Thing("b", {}, { aliases: [{ name: "a" }] });
      const g = new Group("h", { aliases: [{ name: "g" }] });
      new Thing("h-child", {}, { parent: g }); // named after its parent: its old name follows from the parent's
      new Thing("moved", {}, { aliases: [{ parent: urn("mem:index:Group::g") }] });
    });
    expect(r.told.filter((x) => !x.startsWith("same"))).toEqual([]);
    expect(b.state.map((s) => s.id).sort()).toEqual(ids.sort());
    expect(JSON.stringify(snapshotRows(b.state))).not.toContain("::g-child\"");
  });
});

describe("providers", () => {
  it("takes a default provider's settings from the stack's configuration, secret ones sealed", async () => {
    const b = new Bench();
    await b.up(() => { new Thing("a"); }, { config: { "mem:region": "here", "mem:key": "k", "other:x": "y" }, secretKeys: ["mem:key"] });
    const p = b.state.find((s) => s.type === "pulumi:providers:mem");
    expect(p?.urn).toBe(urn("pulumi:providers:mem::default"));
    expect(p?.inputs["region"]).toBe("here");
    expect(secretOf(p?.inputs["key"])).toBe("k");
    expect(b.world.configs[0]).not.toHaveProperty("x");
  });
  it("uses an explicit provider, inherits it through components, and configures it once", async () => {
    const b = new Bench();
    await b.up(() => { const p = new Mem("mine", { account: "1" }), g = new Group("g", { providers: { mem: p } }); new Thing("a", {}, { provider: p }); new Thing("child", {}, { parent: g }); });
    const ref = `${urn("pulumi:providers:mem::mine")}::${String(b.find("mine").id)}`;
    expect([b.find("a").provider, b.find("child").provider]).toEqual([ref, ref]);
    expect(b.world.configs).toHaveLength(1);
    expect(b.state.some((s) => s.urn.includes("default"))).toBe(false);
  });
  it("keeps resources when their provider changes in place, and replaces them when its configuration says so", async () => {
    const b = new Bench(), program = (args: Record<string, string>) => () => { new Thing("a", {}, { provider: new Mem("mine", args) }); };
    await b.up(program({ account: "1", region: "x" }));
    const id = b.find("a").id;
    const other = await b.up(program({ account: "1", region: "y" }));
    expect(other.told).toContain("same mem:index:Thing::a");
    const r = await b.up(program({ account: "2", region: "y" }));
    expect(r.told).toContain("replace mem:index:Thing::a");
    expect(b.find("a").id).not.toBe(id);
  });
  it("can't ask a provider whose own input is unknown yet, and says so", async () => {
    const b = new Bench(), program = (v: string) => () => { const a = new Thing("a", { v }); new Thing("b", {}, { provider: new Mem("mine", { from: a.output }) }); };
    const first = await b.preview(program("1"));
    expect(first.ok).toBe(true);
    expect(b.world.what("create")).toEqual([]);
    expect((await b.up(program("1"))).ok).toBe(true);
  });
  it("refuses a provider's bad configuration, and default providers where they're forbidden", async () => {
    const bad = await new Bench().up(() => { new Thing("a", {}, { provider: new Mem("mine", { bad: true }) }); });
    expect(bad.errors.join()).toContain("must not be");
    const forbidden = await new Bench().up(() => { new Thing("a"); }, { config: { "pulumi:disable-default-providers": '["mem"]' } });
    expect(forbidden.errors.join()).toContain("disabled");
  });
});

describe("dependencies", () => {
  it("keeps what each property depends on, nested values included, and what dependsOn adds", async () => {
    const b = new Bench();
    await b.up(() => { const x = new Thing("x"), y = new Thing("y"); new Thing("z", { deep: { list: [x.output] }, plain: 1 }, { dependsOn: [y] }); });
    const z = b.find("z");
    expect(z.propertyDependencies?.["deep"]).toEqual([urn("mem:index:Thing::x")]);
    expect(z.propertyDependencies?.["plain"]).toEqual([]);
    expect([...(z.dependencies ?? [])].sort()).toEqual([urn("mem:index:Thing::x"), urn("mem:index:Thing::y")]);
  });
  it("runs independent steps side by side, dependent ones after each other, and no more at once than asked", async () => {
    const b = new Bench();
    b.world.delayMs = 30;
    const program = (): void => { for (let i = 0; i < 8; i++) { const a = new Thing(`a${String(i)}`); new Thing(`b${String(i)}`, { v: a.output }); } };
    await b.up(program);
    expect(b.world.most).toBeGreaterThan(3);
    const order = b.world.what("create");
    for (let i = 0; i < 8; i++) expect(order.indexOf(`a${String(i)}`)).toBeLessThan(order.indexOf(`b${String(i)}`));
    const narrow = new Bench();
    narrow.world.delayMs = 5;
    await narrow.up(program, { parallel: 2 });
    expect(narrow.world.most).toBe(2);
  });
  it("deletes dependents before what they depend on", async () => {
    const b = new Bench();
    await b.up(() => { const x = new Thing("x"), y = new Thing("y", { v: x.output }); new Thing("z", { v: y.output }); });
    await b.up(() => undefined);
    expect(b.world.what("delete")).toEqual(["z", "y", "x"]);
  });
});

describe("options", () => {
  const two = (o: pulumi.CustomResourceOptions) => () => { const g = new Group("g", o); new Thing("child", {}, { parent: g }); };
  it("hands protect and retainOnDelete on from a parent", async () => {
    const b = new Bench();
    await b.up(two({ protect: true, retainOnDelete: true }));
    expect(b.find("child")).toMatchObject({ protect: true, retainOnDelete: true });
    const r = await b.up(() => undefined);
    expect(r.ok).toBe(false);
    expect(r.codes).toContain("PROTECTED");
    expect(b.find("child").id).toBeDefined();
  });
  it("forgets what is retained without asking the provider", async () => {
    const b = new Bench();
    await b.up(() => { new Thing("a", {}, { retainOnDelete: true }); });
    await b.up(() => undefined);
    expect(b.world.what("delete")).toEqual([]);
    expect(b.state.filter((s) => s.type === "mem:index:Thing")).toEqual([]);
  });
  it("doesn't delete what goes with another deletion", async () => {
    const b = new Bench();
    await b.up(() => { const a = new Thing("a"); new Thing("b", {}, { deletedWith: a }); });
    await b.up(() => undefined);
    expect(b.world.what("delete")).toEqual(["a"]);
  });
  it("ignores changes at a path: nested, in a list, by wildcard, and keeps the old value", async () => {
    const b = new Bench(), program = (v: string) => () => { new Thing("a", { deep: { x: v, y: 1 }, list: [{ n: v }, { n: v }], flat: v }, { ignoreChanges: ["deep.x", "list[*].n", "flat"] }); };
    await b.up(program("1"));
    const r = await b.up(program("2"));
    expect(r.told).toContain("same mem:index:Thing::a");
    expect(b.find("a").inputs).toMatchObject({ deep: { x: "1", y: 1 }, list: [{ n: "1" }, { n: "1" }], flat: "1" });
  });
  it("replaces on changes of a named path, with what the provider says in detail or by key", async () => {
    for (const detailed of [true, false]) {
      const b = new Bench(), program = (v: string) => () => { new Thing("a", { v }, { replaceOnChanges: ["v"] }); };
      b.features = { detailed };
      await b.up(program("1"));
      expect((await b.up(program("2"))).told).toContain("replace mem:index:Thing::a");
    }
  });
  it("creates before it deletes, unless told otherwise; dependents that would be replaced go first then", async () => {
    const program = (kind: string, deleteBeforeReplace: boolean) => () => {
      const a = new Thing("a", { kind }, { deleteBeforeReplace }), b = new Thing("b", { kind: a.output }, { dependsOn: [a] });
      new Thing("c", { v: b.output });
    };
    const after = new Bench();
    await after.up(program("1", false));
    after.world.calls.length = 0;
    await after.up(program("2", false));
    expect(after.world.calls.filter((c) => ["create", "delete"].includes(c.what)).map((c) => `${c.what} ${c.name}`)[0]).toBe("create a");
    const before = new Bench();
    await before.up(program("1", true));
    before.world.calls.length = 0;
    await before.up(program("2", true));
    expect(before.world.calls.filter((c) => ["create", "delete"].includes(c.what)).map((c) => `${c.what} ${c.name}`)).toEqual(["delete b", "delete a", "create a", "create b"]);
    expect(before.state.filter((s) => s.type === "mem:index:Thing").length).toBe(3);
  });
  it("keeps outputs secret that the program names, and passes timeouts in seconds", async () => {
    const b = new Bench();
    await b.up(() => { new Thing("a", {}, { additionalSecretOutputs: ["token"], customTimeouts: { create: "1m30s", delete: "2h" } }); });
    expect(secretOf(b.find("a").outputs["token"])).toBe("token-of-a");
    expect(b.world.calls.find((c) => c.what === "create")?.timeout).toBe(90);
    expect(b.find("a").customTimeouts).toEqual({ create: 90, delete: 7200 });
    await b.up(() => undefined);
    expect(b.world.calls.find((c) => c.what === "delete")?.timeout).toBe(7200);
  });
  it("imports what exists, updates it to what is declared, and refuses what isn't there", async () => {
    const b = new Bench();
    b.world.things.set("known", { v: "old", size: "default" });
    const r = await b.up(() => { new Thing("a", { v: "new" }, { import: "known" }); });
    expect(r.told).toEqual(expect.arrayContaining(["import mem:index:Thing::a", "update mem:index:Thing::a"]));
    expect(b.find("a")).toMatchObject({ id: "known", importID: "known", inputs: { v: "new" } });
    expect(b.world.what("create")).toEqual([]);
    expect((await b.up(() => { new Thing("a", { v: "new" }, { import: "known" }); })).told).toContain("same mem:index:Thing::a");
    const missing = await new Bench().up(() => { new Thing("a", {}, { import: "nothing" }); });
    expect(missing.errors.join()).toContain("does not exist");
  });
  it("reads what others own without ever deleting it", async () => {
    const b = new Bench();
    b.world.things.set("known", { v: 1 });
    class Got extends pulumi.CustomResource { constructor(name: string, id: string) { super("mem:index:Thing", name, { output: undefined }, { id }); } }
    await b.up(() => { new Got("a", "known"); });
    expect(b.find("a")).toMatchObject({ external: true, id: "known" });
    await b.up(() => undefined);
    expect(b.world.what("delete")).toEqual([]);
    expect(b.state.some((s) => s.external)).toBe(false);
  });
});

describe("values", () => {
  it("keeps secrets secret through nested values, outputs and the stack's outputs", async () => {
    const b = new Bench();
    const r = await b.up(() => { const a = new Thing("a", { deep: { key: pulumi.secret("hush") } }); return { whole: pulumi.secret({ x: 1 }), of: a.token, k: 1 }; });
    expect(JSON.stringify(b.find("a").inputs["deep"])).toContain("1b47061264138c4ac30d75fd1eb44270");
    expect(secretOf(r.outputs["whole"])).toEqual({ x: 1 });
    expect(r.outputs["k"]).toBe(1);
  });
  it("gives a provider that takes no secrets plain values, and marks what comes back by name", async () => {
    const b = new Bench();
    b.features = { acceptSecrets: false };
    await b.up(() => { new Thing("a", { key: pulumi.secret("hush"), deep: { key: pulumi.secret("h") } }); });
    expect(b.world.calls.find((c) => c.what === "create")?.inputs).toMatchObject({ key: "hush", deep: { key: "h" } });
    expect(secretOf(b.find("a").outputs["key"])).toBe("hush");
    expect(secretOf((b.find("a").outputs["deep"] as Record<string, unknown>)["key"])).toBe("h");
  });
  it("lets unknowns through a preview, nested ones too, and none into a state", async () => {
    const b = new Bench();
    const seen: unknown[] = [];
    const program = () => { const a = new Thing("a"); new Thing("b", { list: [{ v: a.output }] }); a.output.apply((v) => seen.push(v)); return { v: a.output }; };
    const r = await b.preview(program);
    expect(r.ok).toBe(true);
    expect(JSON.stringify(r.steps.find((s) => s.urn.endsWith("::b"))?.new?.inputs)).toContain("04da6b54");
    expect(seen).toEqual([]);
    await b.up(program);
    expect(seen).toEqual(["a!"]);
    expect(JSON.stringify(b.state)).not.toContain("04da6b54");
  });
  it("calls a function of the provider, and says what it refused", async () => {
    const b = new Bench();
    const r = await b.up(async () => ({ said: ((await pulumi.runtime.invoke("mem:index:hello", { to: "you" })) as { said: string }).said }));
    expect(r.outputs["said"]).toBe("hello you");
    const bad = await new Bench().up(() => pulumi.runtime.invoke("mem:index:hello", { bad: true }));
    expect(bad.ok).toBe(false);
    expect(bad.errors.join()).toContain("must not be");
  });
  it("refers to another stack's outputs, and refuses one that isn't there", async () => {
    const b = new Bench(), program = () => { const other = new pulumi.StackReference("organization/scenarios/other"); return { a: other.getOutput("a"), s: other.requireOutput("s") }; };
    const r = await b.up(program, { stackOutputs: (name) => Promise.resolve(name.endsWith("other") ? { a: 1, s: { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value: "hush" } } : null) });
    expect(r.errors).toEqual([]);
    expect(r.outputs["a"]).toBe(1);
    expect(secretOf(r.outputs["s"])).toBe("hush");
    expect((await new Bench().up(program)).errors.join()).toContain("unknown stack");
  });
});

describe("failures", () => {
  it("keeps what exists but isn't as wanted, with the reasons, and goes on from there", async () => {
    const b = new Bench();
    b.world.fail.set("a", "partial");
    const r = await b.up(() => { new Thing("a"); });
    expect(r.ok).toBe(false);
    expect(b.find("a").initErrors).toEqual(["it never became ready"]);
    b.world.fail.clear();
    const again = await b.up(() => { new Thing("a"); });
    expect(again.told).toContain("update mem:index:Thing::a");
    expect(b.world.what("create")).toEqual(["a"]);
    expect(b.find("a").initErrors).toBeUndefined();
  });
  it("begins nothing new after a failure, keeps what was done, deletes nothing", async () => {
    const b = new Bench();
    await b.up(() => { new Thing("old"); });
    b.world.fail.set("bad", "create");
    const r = await b.up(() => { const bad = new Thing("bad"); new Thing("after", { v: bad.output }); new Thing("fine"); });
    expect(r.ok).toBe(false);
    expect(r.errors).toEqual(["the vendor said no"]);
    expect(b.world.what("create")).not.toContain("after");
    expect(b.world.what("delete")).toEqual([]);
    expect(b.find("old").id).toBeDefined();
  });
  it("deletes nothing when the program throws, and tells its message without a stack", async () => {
    const b = new Bench();
    await b.up(() => { new Thing("old"); });
    const r = await b.up(() => { throw new Error("oh no"); });
    expect(r.errors).toEqual(["the program failed: oh no"]);
    expect(b.world.what("delete")).toEqual([]);
    const late = await b.up(() => { new Thing("old").output.apply(() => { throw new Error("later"); }); });
    expect(late.ok).toBe(false);
    expect(late.errors.join()).toContain("later");
  });
  it("gives up on a program that never ends and on a provider that hangs, and says what is waited for", async () => {
    const never = await new Bench().up(() => new Promise(() => undefined), { timeoutMs: 200 });
    expect(never.codes).toContain("ENGINE_TIMEOUT");
    expect(never.errors.join()).toContain("a promise of its own");
    const b = new Bench();
    b.world.fail.set("a", "hang");
    const hung = await b.up(() => { new Thing("a"); }, { callTimeoutMs: 200 });
    expect(hung.codes).toContain("PROVIDER_FAILED");
    expect(hung.operations.map((o) => [o.type, o.resource.urn])).toEqual([["creating", urn("mem:index:Thing::a")]]);
  });
  it.each([
    ["assets", () => { new Thing("a", { file: new pulumi.asset.StringAsset("x") }); }],
    ["archives", () => { new Thing("a", { file: new pulumi.asset.AssetArchive({}) }); }],
    ["remote components", () => { new (class extends pulumi.ComponentResource { constructor() { super("mem:index:Remote", "r", {}, {}, true); } })(); }],
    ["transforms", () => { new Thing("a", {}, { transforms: [() => undefined] }); }],
    ["hooks", () => { new Thing("a", {}, { hooks: { beforeCreate: [new pulumi.ResourceHook("h", () => undefined)] } }); }],
  ])("refuses %s by name", async (what, program) => {
    const b = new Bench(), r = await b.up(program);
    expect(r.ok).toBe(false);
    expect(r.errors.join("\n")).toMatch(new RegExp(what, "i"));
    expect(b.world.what("create")).toEqual([]);
  });
  it("leaves a state that can be read where a renamed group alone is a target", async () => {
    const b = new Bench();
    await b.up(() => { const g = new Group("g"), a = new Thing("a", {}, { parent: g }); new Thing("b", { from: a.output }, { parent: a }); });
    const r = await b.up(() => { const g = new Group("h", { aliases: [{ name: "g" }] }); new Thing("a", {}, { parent: g }); }, { targets: [urn("mem:index:Group::h")] });
    expect(r.ok).toBe(true);
    const rows = snapshotRows(b.state) as unknown as State[];
    verify(rows);
    expect(rows.map((s) => s.urn.split("::").slice(2).join("::"))).toEqual(["pulumi:pulumi:Stack::scenarios-dev", "mem:index:Group::h", "pulumi:providers:mem::default", "mem:index:Group$mem:index:Thing::a", "mem:index:Group$mem:index:Thing$mem:index:Thing::b"]);
  });
  it("touches only targets, what they need being there, and refuses what isn't", async () => {
    const b = new Bench(), program = (v: string) => () => { const a = new Thing("a", { v }); new Thing("b", { v, from: a.id }); new Thing("c", { v }); };
    const missing = await b.up(program("1"), { targets: [urn("mem:index:Thing::b")] });
    expect(missing.errors.join()).toContain("isn't among the targets");
    await b.up(program("1"));
    b.world.calls.length = 0;
    await b.up(program("2"), { targets: [urn("mem:index:Thing::b")] });
    expect(b.world.what("update")).toEqual(["b"]);
    await b.up(program("3"), { targets: ["**::a"], targetDependents: true });
    expect(b.world.what("update").sort()).toEqual(["a", "b", "b"]);
  });
  it("takes what a refresh finds as the state: changed, and gone", async () => {
    const b = new Bench(), program = () => { const a = new Thing("a", { v: 1 }); new Thing("b", { v: a.output }); };
    await b.up(program);
    b.world.things.delete(String(b.find("b").id));
    b.world.things.set(String(b.find("a").id), { v: 9, size: "default" });
    const r = await b.up(program, { refresh: true });
    expect(r.told).toEqual(expect.arrayContaining(["update mem:index:Thing::a", "create mem:index:Thing::b"]));
  });
});
