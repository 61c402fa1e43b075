import { z } from "zod";
import { FINGERPRINT, ISSUE_ID } from "./claims.ts";

export const ROTATION_REASONS = ["scheduled", "compromise", "departure", "test"] as const;
export type RotationReason = (typeof ROTATION_REASONS)[number];
export const VERDICTS = ["valid", "invalid", "inconclusive", "skipped"] as const;
export type Verdict = (typeof VERDICTS)[number];

/** The way of a rotation; each stands in the record once it is done. */
export const PROGRESS = ["proposed", "sealed", "registered", "staged", "tested", "promoted", "revoked", "buried", "swept", "closed"] as const;
export type Progress = (typeof PROGRESS)[number];
/** Beside the way: an attempt begins, a value or an old credential fails its test, somebody confirms or attests, the way back. */
const BESIDE = ["minting", "refused", "alive", "confirmed", "unmuted", "attested", "aborting", "aborted"] as const;
export const STEPS = [...PROGRESS, ...BESIDE] as const;
export type Step = (typeof STEPS)[number];

const instant = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/, "an instant in UTC, to the millisecond");
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, "sha256: and 64 hexadecimal digits");
const who = z.string().min(1).max(64);
const text = z.string().max(500);
const fingerprint = z.string().regex(FINGERPRINT);
export const ROTATION_ID = /^r[0-9]{8}-[0-9a-hjkmnp-tv-z]{10}$/;

export const stepSchema = z.strictObject({
  step: z.enum(STEPS),
  at: instant,
  actor: who.describe("Who ran this step: a name in people.yaml"),
  fingerprint: fingerprint.optional().describe("Of the credential that the step speaks of"),
  issueId: z.string().regex(ISSUE_ID).optional(),
  verdict: z.enum(VERDICTS).optional(),
  code: text.optional().describe("The doctor's code behind the verdict"),
  storeVersion: text.optional(),
  providerId: text.optional().describe("The provider's own id of what was made or ended; never a value"),
  before: z.array(text).max(200).optional().describe("What the provider listed before the mint"),
  settings: z.record(z.string(), text).optional().describe("Plain settings that change with the credential, such as a user name"),
  until: instant.optional().describe("The old credential lives at least until then"),
  skewSeconds: z.int().optional().describe("The provider's clock minus ours, where they differ"),
  sinceReportSeconds: z.int().optional(),
  results: z.array(z.strictObject({ path: text, verdict: z.enum(VERDICTS), code: text })).max(200).optional(),
  evidence: text.optional(),
  note: text.optional(),
  signature: z.string().max(4096).optional().describe("SSH signature of the actor over the step, in the namespace stackseal-rotation"),
  hash: digest.describe("Over the hash before and this step"),
});
export type RotationStep = z.infer<typeof stepSchema>;

/** `stacks/<env>/rotations/<id>.yaml`: a closed schema, appended to and never changed. */
export const recordSchema = z.strictObject({
  rotation: z.string().regex(ROTATION_ID),
  environment: z.string(),
  path: z.string(),
  kind: z.string(),
  class: z.enum(["standard", "payments"]),
  strategy: text,
  reason: z.enum(ROTATION_REASONS),
  overlap: text,
  graceSeconds: z.int().min(0),
  reportedAt: instant.optional().describe("When the compromise was reported"),
  exposure: text.optional().describe("The exposure list that asked for it"),
  previous: z.strictObject({ issueId: z.string().regex(ISSUE_ID), fingerprint, issuedAt: z.string(), sealedBy: who }).nullable().describe("What is replaced; null where it isn't kept in git"),
  after: z.strictObject({ rotation: z.string().regex(ROTATION_ID), hash: digest }).nullable().describe("The record before this one in the environment, and its first hash"),
  hash: digest.describe("Over everything above"),
  steps: z.array(stepSchema).min(1).max(500),
});
export type RotationRecord = z.infer<typeof recordSchema>;

export const lastProgress = (r: RotationRecord): Progress => [...r.steps].reverse().find((s): s is RotationStep & { step: Progress } => (PROGRESS as readonly string[]).includes(s.step))?.step ?? "proposed";
export const stepOf = (r: RotationRecord, step: Step): RotationStep | null => [...r.steps].reverse().find((s) => s.step === step) ?? null;
export const isClosed = (r: RotationRecord): boolean => stepOf(r, "closed") !== null;
export const isAborted = (r: RotationRecord): boolean => stepOf(r, "aborted") !== null;
export const isOpen = (r: RotationRecord): boolean => !isClosed(r) && !isAborted(r);
export const reached = (r: RotationRecord, step: Progress): boolean => PROGRESS.indexOf(lastProgress(r)) >= PROGRESS.indexOf(step);
