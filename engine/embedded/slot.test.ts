import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../lib/clock.ts";
import { embedded, type Outcome } from "../index.ts";
import { slot } from "./sdk-hooks.ts";
import { Slot } from "./slot.ts";

class Thing extends pulumi.CustomResource {
  constructor(name: string) { super("mem:index:Thing", name, {}); }
}
const after = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
async function preview(stack: string, program: () => unknown, o: { readonly tidy: boolean; readonly timeoutMs?: number }): Promise<Outcome> {
  const engine = await embedded({ root: mkdtempSync(join(tmpdir(), "slot-")), env: {}, clock: systemClock });
  return engine.preview({ project: "p", stack, program, tidy: o.tidy, config: {}, policies: [], providerFor: () => null }, { against: "nothing", ...(o.timeoutMs !== undefined && { timeoutMs: o.timeoutMs }) });
}
/** `stack name`, of each thing that a run previewed. */
const things = (o: Outcome): string[] => o.steps.filter((s) => s.urn.includes("mem:index:Thing")).map((s) => `${s.urn.split("::")[0]?.slice("urn:pulumi:".length) ?? ""} ${s.urn.split("::").at(-1) ?? ""}`).sort();
/** Declares for a while: a thing, a wait, a further thing. */
const slowly = (name: string, times: number) => async (): Promise<void> => {
  for (let i = 0; i < times; i++) { new Thing(`${name}${String(i)}`); await after(20); }
};

// One after the other: what a run spoils stays so in this process. A stray declaration ends in a rejection that nobody handles, of the run that left it.
describe("runs of the SDK in one process", () => {
  it("aren't followed while they are alone, and leave nothing", async () => {
    const seen: unknown[] = [];
    expect(things(await preview("one", () => { seen.push(slot?.getStore()); new Thing("a"); }, { tidy: true }))).toEqual(["one a"]);
    expect(seen[0]).toBeDefined();
    expect(slot?.getStore()).toBeUndefined();
    const asked: string[] = [], own = new Slot({ run: (_store, f, ...a) => { asked.push("run"); return f(...a); }, getStore: () => undefined });
    expect(await own.alone(() => own.run("mine", () => Promise.resolve(own.getStore() === "mine")))).toBe(true);
    expect(asked).toEqual([]);
    await own.run("theirs", () => Promise.resolve(true));
    expect(asked).toEqual(["run"]);
  });
  it("never declare in one another's stack, two at once", async () => {
    const first = preview("first", slowly("a", 8), { tidy: true });
    await after(45);
    const second = preview("second", slowly("b", 3), { tidy: true });
    expect(things(await second)).toEqual(["second b0", "second b1", "second b2"]);
    expect(things(await first)).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((i) => `first a${String(i)}`));
  });
  it("never declare in a later stack what a program left behind that nobody knows", async () => {
    const late: unknown[] = [];
    const left = await preview("left", () => { setTimeout(() => { late.push(slot?.getStore()); }, 200); new Thing("a"); }, { tidy: false });
    expect(things(left)).toEqual(["left a"]);
    const mine: unknown[] = [];
    expect(things(await preview("next", async () => { mine.push(slot?.getStore()); await slowly("b", 20)(); }, { tidy: true }))).toHaveLength(20);
    expect(late).toHaveLength(1);
    expect(late[0]).toBeDefined();
    expect(late[0]).not.toBe(mine[0]);
  });
  it("never declare in a later stack what a run left behind that ended badly", async () => {
    const own: unknown[] = [], late: unknown[] = [], mine: unknown[] = [];
    const hung = await preview("hung", async () => { own.push(slot?.getStore()); void after(700).then(() => { late.push(slot?.getStore()); }); await after(60_000); }, { tidy: true, timeoutMs: 300 });
    expect(hung.ok).toBe(false);
    expect(things(await preview("next", async () => { mine.push(slot?.getStore()); await slowly("b", 40)(); }, { tidy: true }))).toHaveLength(40);
    expect(late).toEqual(own);
    expect(late[0]).not.toBe(mine[0]);
  });
});
