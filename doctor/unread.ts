import { step, type StepResult } from "./step.ts";

/** Why a value can't be read here: not sealed yet, sealed to others, or in a file that can't be trusted; and what to do. */
export interface Unread {
  readonly value: null;
  readonly why: string;
  readonly code: "VALUE_MISSING" | "NO_IDENTITY" | "SEALED_UNREADABLE";
  readonly next: string;
}
/** The line of a step that wants the value. */
export const unread = (id: string, says: string, u: Unread): StepResult => step(id, "inconclusive", u.code, `${says}: ${u.why}`, u.next);
