import type { Finding } from "../lib/finding.ts";
import type { Rotator } from "../rotation/context.ts";
import { abort, advance, type Advanced } from "../rotation/machine.ts";
import { reported } from "../rotation/report.ts";
import { propose, refreshed, wayOf, type Proposal } from "../rotation/start.ts";
import type { RotationRecord } from "../schemas/rotation-record.ts";
import type { Moved } from "./render/rotations.ts";

// What the commands that move rotations do with what came of it.

interface Came {
  readonly moved: Moved;
  readonly findings: readonly Finding[];
  readonly exit: number;
}
const came = (a: Advanced): Came => ({ moved: { ...reported(a.record), waiting: a.waiting?.wait.code ?? null }, findings: [...a.findings, ...(a.waiting ? [a.waiting.wait] : [])], exit: a.waiting?.exit ?? 0 });
/** This machine's clock is said to be wrong once, not with every rotation of a run. */
export const once = (findings: readonly Finding[]): Finding[] => findings.filter((f, i) => f.code !== "ROTATION_CLOCK_SKEW" || findings.findIndex((g) => g.code === f.code) === i);
/** Goes on with a rotation. Throws FindingError where a step fails. */
export async function moveOn(given: Rotator, id: string): Promise<Came> {
  const r = refreshed(given);
  return came(await advance(r, id, wayOf(r)));
}
/** Begins one. */
export const begin = (r: Rotator, p: Proposal): Promise<RotationRecord> => propose(refreshed(r), p);
/** Goes back from it. */
export async function moveBack(given: Rotator, id: string): Promise<Came> {
  const r = refreshed(given);
  return came(await abort(r, id, wayOf(r)));
}
