import type { DoctorCode } from "./codes.ts";
import type { Verdict } from "../schemas/probe.ts";

/** One line of a checklist: what was found, and what to do next. Never carries a value. */
export interface StepResult {
  /** The id of a checklist step. */
  readonly step: string;
  readonly verdict: Verdict;
  /** Stable; callers branch on it. */
  readonly code: DoctorCode;
  readonly message: string;
  /** What to do next; empty where nothing is to be done. */
  readonly next: string;
}
const WEIGHT: Readonly<Record<Verdict, number>> = { invalid: 3, inconclusive: 2, valid: 1, skipped: 0 };

/** The weightiest of several results, the first among equals: invalid, inconclusive, valid, skipped. Null of none. */
export function worst<T extends Pick<StepResult, "verdict">>(results: readonly T[]): T | null {
  return results.reduce<T | null>((a, b) => (a === null || WEIGHT[b.verdict] > WEIGHT[a.verdict] ? b : a), null);
}
export const step = (id: string, verdict: Verdict, code: DoctorCode, message: string, next = ""): StepResult => ({ step: id, verdict, code, message, next });
