import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../lib/clock.ts";
import { FindingError } from "../../lib/finding.ts";
import { PassphraseSecrets } from "../../engine/state/secrets.ts";
import { DeploymentWriter, magicOf, type State } from "../../engine/state/deployment.ts";
import { embedded, type Engine, type EngineEvent, type Run } from "../../engine/index.ts";
import { memoryProvider, World } from "./memory-provider.ts";

class Thing extends pulumi.CustomResource {
  declare readonly output: pulumi.Output<string>;
  constructor(name: string, args: Record<string, unknown> = {}, opts?: pulumi.CustomResourceOptions) { super("mem:index:Thing", name, { output: undefined, ...args }, opts); }
}
const roots: string[] = [];
let root = "", world = new World(), engine: Engine, said = "";
const open = async (passphrase: string | undefined = "correct horse"): Promise<Engine> => embedded({ root, env: { PULUMI_CONFIG_PASSPHRASE: passphrase }, clock: systemClock, say: (t) => { said += t; } });
beforeEach(async () => { root = mkdtempSync(join(tmpdir(), "state-")); roots.push(root); world = new World(); said = ""; engine = await open(); });
afterAll(() => { for (const r of roots) rmSync(r, { recursive: true, force: true }); });
const program = (): unknown => { const a = new Thing("a", { key: pulumi.secret("hush-hush"), deep: [{ k: pulumi.secret({ inner: "hush-hush" }) }] }); new Thing("b", { v: a.output }); return { key: pulumi.secret("hush-hush") }; };
const run = (p: () => unknown = program): Run => ({ project: "p", stack: "s", program: p, config: {}, policies: [], providerFor: () => memoryProvider(world) });
const file = (name = "s.json"): string => join(root, ".stackseal/state", name);
interface Doc { version: number; deployment: { manifest: { magic: string; version: string }; secrets_providers: { type: string; state: { salt: string } }; resources: Record<string, unknown>[]; pending_operations?: { type: string; resource: { urn: string } }[] } }
const doc = (name?: string): Doc => JSON.parse(readFileSync(file(name), "utf8")) as Doc;
const code = async (p: Promise<unknown>): Promise<string> => p.then(() => "", (e: unknown) => (e instanceof FindingError ? (e.findings[0]?.code ?? "?") : String(e)));

describe("the checkpoint", () => {
  it("is version 3 as the CLI writes it, secrets sealed, and opens again", async () => {
    expect((await engine.up(run())).ok).toBe(true);
    const d = doc();
    expect(d.version).toBe(3);
    expect(d.deployment.manifest.magic).toBe(magicOf(d.deployment.manifest.version));
    expect(d.deployment.secrets_providers).toMatchObject({ type: "passphrase", state: { salt: expect.stringMatching(/^v1:[^:]+:v1:[^:]+:[^:]+$/) as unknown } });
    expect(readFileSync(file(), "utf8")).not.toContain("hush-hush");
    expect(d.deployment.resources.map((r) => r["urn"])).toEqual(["urn:pulumi:s::p::pulumi:pulumi:Stack::p-s", "urn:pulumi:s::p::pulumi:providers:mem::default", "urn:pulumi:s::p::mem:index:Thing::a", "urn:pulumi:s::p::mem:index:Thing::b"]);
    const again = await (await open()).preview(run(), { against: "state" });
    expect(again.steps.filter((s) => s.op !== "same")).toEqual([]);
    expect(await code((await open("wrong")).up(run()))).toBe("STATE_PASSPHRASE");
  });
  it("is exported with the same words, in clear on request, and imported again to no change", async () => {
    await engine.up(run());
    const exported = await engine.export("s"), clear = await engine.export("s", { showSecrets: true });
    expect(JSON.stringify(exported)).not.toContain("hush-hush");
    expect(JSON.stringify(clear)).toContain("hush-hush");
    for (const document of [exported, clear, { version: 3, checkpoint: { stack: "s", latest: exported?.deployment } }]) {
      rmSync(file());
      expect(await engine.import("s", document)).toBe(4);
      const r = await engine.up(run());
      expect(r.steps.filter((s) => s.op !== "same")).toEqual([]);
    }
    expect(world.what("create")).toEqual(["a", "b"]);
  });
  it("takes what the CLI sealed with its own salt and passphrase, nested secrets and pending operations included", async () => {
    const secrets = await PassphraseSecrets.create("correct horse"), writer = new DeploymentWriter({ type: "passphrase", state: { salt: secrets.salt } }, secrets);
    const state: State = { urn: "urn:pulumi:s::p::pulumi:pulumi:Stack::p-s", custom: false, type: "pulumi:pulumi:Stack", inputs: {}, outputs: { n: { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value: { k: { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value: 7 } } } } };
    const document = writer.write([state], [{ resource: { ...state, urn: "urn:pulumi:s::p::mem:index:Thing::lost", type: "mem:index:Thing", custom: true }, type: "creating" }], new Date());
    expect(await engine.import("s", JSON.parse(JSON.stringify(document)))).toBe(1);
    expect(said).toContain("removing the pending operation 'creating'");
    expect(doc().deployment.secrets_providers.state.salt).toBe(secrets.salt);
    expect(JSON.stringify(await engine.export("s", { showSecrets: true }))).toContain('7');
  });
  it("names what it can't use: other stacks, other secrets providers, newer versions, broken files", async () => {
    await engine.up(run());
    const good = JSON.parse(JSON.stringify(await engine.export("s"))) as Doc;
    const broken = (f: (d: Doc) => void): Doc => { const d = structuredClone(good); f(d); return d; };
    expect(await code(engine.import("other", good))).toBe("STATE_FOREIGN");
    expect(await code(engine.import("s", broken((d) => { d.deployment.secrets_providers.type = "service"; })))).toBe("STATE_SECRETS_PROVIDER");
    expect(await code(engine.import("s", broken((d) => { d.version = 4; })))).toBe("STATE_NEWER");
    expect(await code(engine.import("s", broken((d) => { d.deployment.resources.reverse(); })))).toBe("STATE_CORRUPT");
    expect(await code(engine.import("s", broken((d) => { d.deployment.manifest.magic = "0"; })))).toBe("STATE_CORRUPT");
    expect(await code(engine.import("s", broken((d) => { (d.deployment.resources[2] as Record<string, unknown>)["viewOf"] = "x"; })))).toBe("STATE_CORRUPT");
    for (const none of [[], { version: 3, checkpoint: { stack: "s" } }, { version: 3, deployment: { resources: [null] } }]) expect(await code(engine.import("s", none))).toBe("STATE_CORRUPT");
    expect(doc()).toEqual(good); // untouched by all of them
    writeFileSync(file(), readFileSync(file(), "utf8").slice(0, 300));
    expect(await code(engine.up(run()))).toBe("STATE_CORRUPT");
    expect(await code(engine.up(run()).catch((e: unknown) => { said = (e as FindingError).findings[0]?.hint ?? ""; throw e; }))).toBe("STATE_CORRUPT");
    expect(said).toContain("cp .stackseal/state/s.json.bak .stackseal/state/s.json"); // the way out
    cpSync(`${file()}.bak`, file());
    expect((await engine.up(run())).ok).toBe(true);
  });
  it("says before each creation that it begins, keeps that when nobody knows, and is through with it after the next up", async () => {
    world.fail.set("a", "hang");
    const hung = await engine.up(run(), { timeoutMs: 300 });
    expect(hung.ok).toBe(false);
    expect(doc().deployment.pending_operations?.map((o) => [o.type, o.resource.urn])).toEqual([["creating", "urn:pulumi:s::p::mem:index:Thing::a"]]);
    world.fail.clear();
    const next = await engine.up(run());
    expect(next.ok).toBe(true);
    expect(next.diagnostics.find((d) => d.code === "ENGINE_INTERRUPTED")?.urn).toContain("::a");
    expect(doc().deployment.pending_operations).toBeUndefined();
  });
  it("writes a history, newest first, failures too", async () => {
    await engine.up(run(), { message: "first" });
    world.fail.set("c", "create");
    await engine.up(run(() => { program(); new Thing("c"); }));
    await engine.refresh(run());
    await engine.destroy(run());
    expect((await engine.history("s")).map((h) => [h.version, h.kind, h.result])).toEqual([[4, "destroy", "succeeded"], [3, "refresh", "succeeded"], [2, "update", "failed"], [1, "update", "succeeded"]]);
    expect((await engine.history("s")).at(-1)).toMatchObject({ message: "first", resourceChanges: { create: 3 } });
    expect(doc().deployment.resources).toEqual([]);
    expect(world.things.size).toBe(0);
  });
  it("changes nothing on a dry run", async () => {
    const r = await engine.up(run(), { dryRun: true });
    expect(r.steps.map((s) => s.op)).toContain("create");
    expect([existsSync(file()), world.what("create")]).toEqual([false, []]);
  });
});

describe("one at a time", () => {
  it("refuses a second update with owner and age, and goes on when the first is through", async () => {
    world.delayMs = 300;
    const first = engine.up(run());
    while (!existsSync(file("s.json.lock"))) await new Promise((done) => setTimeout(done, 10));
    const e = await (await open()).up(run()).then(() => null, (x: unknown) => x as FindingError);
    expect(e?.findings[0]).toMatchObject({ code: "STATE_LOCKED", message: expect.stringMatching(new RegExp(`process ${String(process.pid)} has been running up on s for \\d+ s`)) as unknown });
    expect((await first).ok).toBe(true);
    world.delayMs = 0;
    expect((await engine.up(run())).ok).toBe(true);
  });
  it("holds several stacks from a check to their deployment: nobody else changes one in between, and afterwards it's free", async () => {
    const other = await open(), two = { ...run(), stack: "s2" };
    const done = await engine.hold(["s", "s2"], "up", async () => {
      const before = await engine.preview(run(), { against: "state" });
      for (const r of [run(), two]) expect(await code(other.up(r))).toBe("STATE_LOCKED");
      return [before.ok, (await engine.up(run())).ok, (await engine.up(two)).ok];
    });
    expect(done).toEqual([true, true, true]);
    for (const r of [run(), two]) expect((await other.up(r)).ok).toBe(true);
    await expect(engine.hold(["s"], "up", () => Promise.reject(new Error("refused")))).rejects.toThrow("refused");
    expect((await other.up(run())).ok).toBe(true);
  });
  it("takes over the lock of a process that is gone, with a word", async () => {
    const gone = execFileSync(process.execPath, ["-e", "process.stdout.write(String(process.pid))"]).toString();
    mkdirSync(join(root, ".stackseal/state"), { recursive: true });
    writeFileSync(file("s.json.lock"), JSON.stringify({ pid: Number(gone), since: "2026-01-01T00:00:00.000Z", born: "", what: "up" }));
    expect((await engine.up(run())).ok).toBe(true);
    expect(said).toContain(`took over the lock of process ${gone}`);
    writeFileSync(file("s.json.lock"), "torn");
    expect(await engine.cancel("s")).toContain("took away the lock");
    expect(await engine.cancel("s")).toBeNull();
  });
  it("stops at the next safe point when it's cancelled, keeps what was done, and finishes the next time", async () => {
    world.delayMs = 150;
    const aborter = new AbortController();
    const watch = setInterval(() => { if (world.what("create").length) aborter.abort(); }, 10);
    const r = await engine.up(run(), { signal: aborter.signal });
    clearInterval(watch);
    expect([r.cancelled, r.ok]).toEqual([true, false]);
    expect(world.what("create")).toEqual(["a"]);
    expect(doc().deployment.resources.map((x) => x["urn"])).toContain("urn:pulumi:s::p::mem:index:Thing::a");
    expect((await engine.up(run())).ok).toBe(true);
    expect(world.what("create")).toEqual(["a", "b"]);
  });
});

describe("a full disk", () => {
  it("stops before the provider is called, with a code, the old state standing", async () => {
    await engine.up(run());
    const before = readFileSync(file(), "utf8");
    const dir = join(root, "small");
    mkdirSync(dir);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", dir], { stdio: "ignore" });
    } catch {
      return; // not root: nothing to try it on
    }
    try {
      cpSync(join(root, ".stackseal"), join(dir, ".stackseal"), { recursive: true });
      const small = await embedded({ root: dir, env: { PULUMI_CONFIG_PASSPHRASE: "correct horse" }, clock: systemClock });
      const r = await small.up(run(() => { program(); new Thing("c", { big: "x".repeat(80_000) }); })).then((x) => x.diagnostics.map((d) => d.code), (e: unknown) => [(e as FindingError).findings[0]?.code]);
      expect(r).toContain("STATE_UNWRITABLE");
      expect(world.what("create")).toEqual(["a", "b"]);
      expect((JSON.parse(readFileSync(join(dir, ".stackseal/state/s.json"), "utf8")) as Doc).deployment.resources.length).toBe((JSON.parse(before) as Doc).deployment.resources.length);
    } finally {
      execFileSync("umount", [dir]);
    }
  });
});

describe("the event log", () => {
  it("has the CLI's events in order, secrets blinded", async () => {
    const events: EngineEvent[] = [];
    await engine.up({ ...run(), config: { "mem:key": "hush-hush" }, secretKeys: ["mem:key"] }, { onEvent: (e) => events.push(e) });
    expect(events.map((e) => e.sequence)).toEqual(events.map((_, i) => i));
    expect(Object.keys(events[0] ?? {})).toContain("preludeEvent");
    expect(events.at(-2)).toMatchObject({ summaryEvent: { resourceChanges: { create: 3 }, isPreview: false, result: "succeeded" } });
    expect(events.find((e) => JSON.stringify(e).includes("::a") && "resourcePreEvent" in e)).toMatchObject({ resourcePreEvent: { metadata: { op: "create", type: "mem:index:Thing", new: { inputs: { key: "[secret]" } } } } });
    expect(JSON.stringify(events)).not.toContain("hush-hush");
  });
});
