import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeEach, expect, it } from "vitest";
import type { FindingError } from "../../lib/finding.ts";
import { changed, replay } from "../../engine/state/journal.ts";
import { StateStore } from "../../engine/state/store.ts";
import type { Deployment, Operation, State } from "../../engine/state/deployment.ts";

// What an update wrote before it was killed: the checkpoint that it began with and the journal beside it, read as one.
const roots: string[] = [];
let root = "";
beforeEach(() => { root = mkdtempSync(join(tmpdir(), "journal-")); roots.push(root); });
afterAll(() => { for (const r of roots) rmSync(r, { recursive: true, force: true }); });
const store = (): StateStore => new StateStore(root, "s", "correct horse");
const thing = (name: string, v: unknown = name): State => ({ urn: `urn:pulumi:s::p::mem:index:Thing::${name}`, type: "mem:index:Thing", custom: true, id: name, inputs: { v: v as string, key: { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value: "hush-hush" } }, outputs: {} });
const creating = (r: State): Operation => ({ resource: r, type: "creating" });
const file = (): string => join(root, ".stackseal/state/s.json"), journal = (): string => `${file()}.journal`;
const read = async (): Promise<{ urns: string[]; pending: string[] }> => { const r = await store().read(); return { urns: r.resources.map((x) => x.urn.split("::").at(-1)!), pending: r.operations.map((x) => `${x.type} ${x.resource.urn.split("::").at(-1) ?? ""}`) }; };
/** A run of writes that nobody ended. */
async function killed(): Promise<StateStore> {
  const s = store(), [a, b, c, d] = ["a", "b", "c", "d"].map((n) => thing(n)) as [State, State, State, State];
  await s.ready();
  await s.save([a, b], []);
  await s.save([a, b], [creating(c)]);
  await s.save([c, a, b], [creating(d)]);
  const b2 = thing("b", "changed");
  await s.save([c, b2, a], [creating(d)]);
  await s.save([c, b2], [creating(d)]);
  return s;
}

it("is read with the checkpoint as what was written last, and leaves the checkpoint alone until then", async () => {
  await killed();
  expect((JSON.parse(readFileSync(file(), "utf8")) as { deployment: Deployment }).deployment.resources).toHaveLength(2);
  expect(await read()).toEqual({ urns: ["c", "b"], pending: ["creating d"] });
  expect((await store().read()).resources[1]?.inputs["v"]).toBe("changed");
  expect(readFileSync(journal(), "utf8")).not.toContain("hush-hush");
  expect(statSync(journal()).mode & 0o777).toBe(0o600);
  // What others get is one document.
  const exported = await store().export(false);
  expect([exported?.deployment["resources"], exported?.deployment["pending_operations"]]).toMatchObject([[{ id: "c" }, { id: "b" }], [{ type: "creating" }]]);
});
it("is written into the checkpoint when the update ends, and before a copy is kept", async () => {
  const s = await killed();
  s.keepCopy();
  expect(existsSync(journal())).toBe(false);
  expect(readFileSync(`${file()}.bak`, "utf8")).toBe(readFileSync(file(), "utf8"));
  expect(await read()).toEqual({ urns: ["c", "b"], pending: ["creating d"] });
  // And goes on from there.
  await s.save([thing("e")], []);
  await s.save([thing("e"), thing("f")], []);
  expect((await read()).urns).toEqual(["e", "f"]);
});
it("loses a last line that isn't whole, and nothing before it, wherever it was cut", async () => {
  await killed();
  const whole = readFileSync(journal());
  const ends = [...whole.toString("utf8").matchAll(/\n/g)].map((m) => Buffer.byteLength(whole.toString("utf8").slice(0, m.index)) + 1);
  const after = [["a", "b"], ["a", "b"], ["c", "a", "b"], ["c", "b", "a"], ["c", "b"]];
  for (let cut = whole.length; cut >= 0; cut -= 37) {
    writeFileSync(journal(), whole.subarray(0, cut));
    const lines = ends.filter((e) => e <= cut).length;
    expect([cut, (await read()).urns]).toEqual([cut, after[Math.max(0, lines - 1)]]);
  }
});
it("counts for nothing beside another checkpoint than its own, and is refused by name where a line within is broken", async () => {
  await killed();
  const kept = readFileSync(journal(), "utf8");
  const s = store();
  await s.read();
  await s.save([thing("z")], []);
  expect(existsSync(journal())).toBe(false);
  writeFileSync(journal(), kept);
  expect((await read()).urns).toEqual(["z"]);
  writeFileSync(file(), "{}");
  appendFileSync(journal(), "torn\nmore\n");
  const e = await store().read().then(() => null, (x: unknown) => x as FindingError);
  expect(e?.findings[0]).toMatchObject({ code: "STATE_CORRUPT", path: ".stackseal/state/s.json.journal", hint: expect.stringContaining("rm .stackseal/state/s.json.journal") });
  // A whole state from elsewhere takes the place of both.
  const other = store();
  await other.ready();
  other.keepCopy();
  await other.save([thing("y")], []);
  expect((await read()).urns).toEqual(["y"]);
});
it("stays small: what grew beyond its checkpoint is written into it", async () => {
  const s = store(), big = thing("big", "x".repeat(300_000)), all: State[] = [];
  await s.ready();
  for (let i = 0; i < 40; i++) {
    all.push({ ...big, urn: `${big.urn}${String(i)}`, id: String(i) });
    await s.save(all, []);
    if (existsSync(journal())) expect(statSync(journal()).size).toBeLessThan(statSync(file()).size + (2 << 20));
  }
  expect((await read()).urns).toHaveLength(40);
  truncateSync(journal(), 0);
  expect((await read()).urns.length).toBeGreaterThan(10);
});
it("leads from any list of rows to any other", () => {
  const list = fc.uniqueArray(fc.integer({ min: 0, max: 30 }));
  fc.assert(fc.property(fc.array(list, { minLength: 2, maxLength: 6 }), (lists) => {
    const rows = (l: number[]): string[] => l.map(String);
    const entries = lists.slice(1).map((after, i) => {
      const c = changed(rows(lists[i]!), rows(after));
      if (!c) throw new Error("short lists never want a checkpoint of their own");
      return { drop: c.drop, add: c.add.map((at) => [at, { n: after[at]! }] as const), pending: [] };
    });
    const d = replay({ manifest: { time: "", magic: "", version: "" }, resources: lists[0]!.map((n) => ({ n })) }, entries);
    expect(d.resources).toEqual(lists.at(-1)!.map((n) => ({ n })));
  }));
  expect(changed(["a", "b", "b"], ["c"])).toBeNull();
});
