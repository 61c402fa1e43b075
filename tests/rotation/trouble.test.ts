import { describe, expect, it } from "vitest";
import { FindingError } from "../../lib/finding.ts";
import { abort, advance } from "../../rotation/machine.ts";
import { propose, wayOf } from "../../rotation/start.ts";
import { signersIn } from "../../rotation/signers.ts";
import { readRecords } from "../../rotation/record.ts";
import { expand } from "../../schemas/template.ts";
import { isOpen } from "../../schemas/rotation-record.ts";
import { CASES, iamOf, made, mustServe, quick, world, type Case } from "./cases.ts";
import { Killed, troubled, type Trouble } from "./killer.ts";
import { alive, tell, type World } from "./world.ts";

// Every way of rotating, in trouble at every single point: killed after each effect, the provider without an answer at each call, answers lost after
// their effect, verdicts that tell nothing; then gone on with, or gone back from. What holds at every moment: a valid credential is delivered, nothing
// that was made is left behind, and the old one is dead when the record says closed.

const lost = new WeakSet<World>();
const codesOf = (e: unknown): string[] => (e instanceof FindingError ? e.findings.map((f) => f.code) : []);
async function go(w: World, c: Case, id: string, how: "resume" | "abort" = "resume", t: Trouble | null = null): Promise<{ codes: string[]; state: string; happened: boolean; said: string }> {
  const { r, happened } = troubled(await quick(w, c), t);
  try {
    const done = await (how === "resume" ? advance : abort)(r, id, wayOf(r));
    return { codes: done.waiting ? [done.waiting.wait.code] : [], state: done.record.steps.at(-1)!.step, happened: happened(), said: "" };
  } catch (e) {
    if (!(e instanceof FindingError) && !(e instanceof Killed)) throw e;
    return { codes: e instanceof Killed ? ["KILLED"] : codesOf(e), state: "", happened: happened(), said: e.message };
  }
}
/** Goes on until closed, ending the old one by hand where a person must. */
async function finish(w: World, c: Case, id: string, old: string): Promise<void> {
  for (let i = 0; i < 4; i++) {
    const got = await go(w, c, id);
    if (got.state === "closed") break;
    if (got.codes.includes("ROTATION_OLD_ALIVE") && c.guided) await tell(w, c.guided.service, old, "dead");
    else if (got.codes.includes("ROTATION_LOST")) {
      // Only a person can help: a new key from the console.
      lost.add(w);
      const value = expand("cal_{hex:32}");
      await tell(w, "calcom", value, "active");
      const r = await quick(w, c, { receive: () => Promise.resolve(value) });
      await advance(r, id, wayOf(r));
    } else throw new Error(`${id} isn't closed: ${got.said} after ${readRecords(w.root, "local", null).records.at(-1)!.record.steps.map((s) => s.step).join(" ")}`);
  }
  made.delete(w);
}
async function begin(w: World, c: Case, t: Trouble): Promise<{ id: string; old: string; happened: boolean }> {
  const old = c.path.startsWith("stripe.") ? "" : await w.value(c.path);
  const first = await quick(w, c);
  const record = await propose(first, { path: c.path, reason: "scheduled" });
  const { happened } = await go(w, c, record.rotation, "resume", t);
  return { id: record.rotation, old, happened };
}
async function mustBeClean(w: World, c: Case): Promise<void> {
  expect(readRecords(w.root, "local", signersIn(await w.rotator()))).toMatchObject({ findings: [] });
  expect(readRecords(w.root, "local", null).records.filter((k) => isOpen(k.record))).toEqual([]);
  // A cut whose answer was lost leaves a key that nobody has, and that only a person can remove.
  if (c.service !== null && !lost.has(w)) expect(alive(w, c.service, c.owner)).toBe(1);
  if (iamOf.has(w)) expect(iamOf.get(w)!.keys.size).toBe(1);
}
const POINTS = 40;
const EVERY = process.env["ROTATION_EVERY_POINT"] === "1";
const MODES = ["kill", "lost", "down", "dark"] as const;
/**
 * Every way in every kind of trouble at a spread of points, another for each kind; at every point with ROTATION_EVERY_POINT=1. Fingerprints of values
 * that a person may choose are slow by design: fewer points there.
 */
const slow = (c: Case): boolean => c.path.startsWith("smtp.") || c.path === "vonage.apiSecret";
const stride = (c: Case, mode: (typeof MODES)[number]): number => (EVERY ? 1 : mode === "kill" ? (slow(c) ? 11 : 3) : slow(c) ? 4 : 1);
const pointsOf = (c: Case, mode: (typeof MODES)[number], offset = 0): number[] => Array.from({ length: POINTS }, (_, i) => 1 + (offset % stride(c, mode)) + i * stride(c, mode)).filter((n) => n < POINTS);

for (const c of CASES) describe(c.name, () => {
  it.each(MODES)("%s at its points, and gone on with", async (mode) => {
    const w = await world(c);
    try {
      let points = 0;
      for (const at of pointsOf(c, mode)) {
        const { id, old, happened } = await begin(w, c, { mode, at });
        if (!c.cut) await mustServe(w, c);
        await finish(w, c, id, old);
        await mustServe(w, c);
        await mustBeClean(w, c);
        if (!happened) break;
        points++;
      }
      // What is made here alone, or by a person's hand, has no call that could be lost.
      if (mode === "kill" || (!c.guided && !c.path.startsWith("outbound"))) expect(points).toBeGreaterThan(0);
      if (mode === "kill") expect(points * stride(c, mode)).toBeGreaterThan(8);
    } finally {
      await w.close();
    }
  }, 180_000);
  it("killed at its points, and gone back from, while there is a way back", async () => {
    const w = await world(c);
    try {
      for (const at of pointsOf(c, "kill", 2)) {
        const { id, old, happened } = await begin(w, c, { mode: "kill", at });
        // The way back is killed at its first effect too, and goes on.
        await go(w, c, id, "abort", { mode: "kill", at: 1 });
        const got = await go(w, c, id, "abort");
        if (got.state !== "aborted") {
          expect(got.codes.filter((x) => ["ROTATION_TOO_LATE", "ROTATION_CLOSED", "ROTATION_LOST"].includes(x))).toHaveLength(1);
          if (!got.codes.includes("ROTATION_CLOSED")) await finish(w, c, id, old);
        } else if (old !== "") expect(await w.value(c.path)).toBe(old);
        made.delete(w);
        await mustServe(w, c);
        await mustBeClean(w, c);
        if (!happened) break;
      }
    } finally {
      await w.close();
    }
  }, 180_000);
});
