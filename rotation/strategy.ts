import type { Finding } from "../lib/finding.ts";
import type { ExpectedSecret } from "../schemas/integrations/index.ts";
import type { RotationRecord, RotationStep } from "../schemas/rotation-record.ts";
import type { Rotator } from "./context.ts";
import type { Settings } from "./deliver.ts";
import type { Held, Slot } from "./sealed.ts";

export type StepData = Partial<Omit<RotationStep, "step" | "at" | "actor" | "hash" | "signature">>;
/** What is waited for, and the exit code of a run that ends there. */
export interface Waiting {
  readonly wait: Finding;
  readonly exit: 0 | 1;
}
/** What a strategy knows of the rotation that it serves. */
export interface Task {
  readonly r: Rotator;
  readonly e: ExpectedSecret;
  readonly record: () => RotationRecord;
  /** Writes a step that is no progress: an attempt, a refusal. */
  readonly note: (step: RotationStep["step"], data?: StepData) => void;
  /** The integration's plain settings as they were when the rotation began. */
  readonly settings: Settings;
}
/** A value that was got, with the provider's own id and the settings that change with it. */
export interface Got {
  readonly value: string;
  readonly minted: Held["minted"];
  /** The provider's clock minus ours, where it told another time. */
  readonly skewSeconds?: number;
  /** How it is taken back where it turns out unfit. */
  readonly undo?: () => Promise<void>;
}
/** How one kind of credential is got, made known to its provider, ended and taken back. Every part may be run again after a kill. */
export interface Strategy {
  obtain(t: Task): Promise<Got | Waiting>;
  /** Makes the provider accept a value that we made; absent where the provider made it. */
  readonly register?: (t: Task, held: { readonly next: Slot; readonly previous: Slot; readonly minted: Held["minted"] }) => Promise<StepData>;
  /** Ends the old one. Null where a person does, or the provider did. */
  readonly revoke: ((t: Task, held: { readonly next: Slot; readonly previous: Slot; readonly minted: Held["minted"] }) => Promise<StepData>) | null;
  /** Takes back what was made; `next` is null where a mint was interrupted. */
  discard(t: Task, held: Held): Promise<StepData>;
}
export const isWaiting = (x: object): x is Waiting => "wait" in x;
