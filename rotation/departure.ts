import { readDocument } from "../lib/document.ts";
import { FindingError, type Finding } from "../lib/finding.ts";
import { exposureSchema, type Exposure, type ExposureLine } from "../schemas/exposure.ts";
import { parseWith } from "../schemas/parse.ts";
import { isAborted, isOpen, stepOf, type RotationRecord } from "../schemas/rotation-record.ts";
import type { Declared } from "../stacks/read.ts";
import { rotationCodes } from "./codes.ts";

/** Whether an exposed credential is done with: another one is in force, and the exposed one is proven dead. */
export interface LineState {
  readonly environment: string;
  readonly path: string;
  readonly class: string;
  readonly state: "closed" | "open";
  /** `refused`: the provider refused the exposed value. `attested by NAME`: a Super Admin's signature. Null: no proof. */
  readonly proof: string | null;
  /** The rotation that replaced it, or that is on its way. */
  readonly rotation: string | null;
  readonly why: string;
}
/** Reads an exposure list. Throws FindingError EXPOSURE_INVALID. */
export function readExposure(root: string, file: string): Exposure {
  const { document, findings } = readDocument(root, file, { maxBytes: 8 << 20 });
  const parsed = document && parseWith(exposureSchema, document);
  if (parsed?.value) return parsed.value;
  throw new FindingError([rotationCodes.finding("EXPOSURE_INVALID", { message: `${file} is no exposure list`, hint: "stackseal people remove writes one into stacks/exposures/" }), ...findings, ...(parsed?.findings ?? [])], 2);
}
/** A line's state from what is in force and from the environment's records, whose chain and signatures are verified by whoever read them. */
export function lineState(line: ExposureLine, exposedOn: string, d: Declared | null, records: readonly RotationRecord[]): LineState {
  const base = { environment: line.environment, path: line.path, class: line.class };
  const now = d?.credentials.find((c) => c.path === line.path)?.claims;
  const mine = records.filter((r) => r.path === line.path && !isAborted(r));
  const replaced = line.issueId !== undefined ? mine.filter((r) => r.previous?.issueId === line.issueId || (line.fingerprint !== undefined && r.previous?.fingerprint === line.fingerprint)) : mine.filter((r) => r.previous === null && (r.steps[0]?.at ?? "").slice(0, 10) >= exposedOn);
  const record = replaced.at(-1) ?? null;
  const rotation = record?.rotation ?? null;
  const still = now !== undefined && (now.issueId === line.issueId || now.fingerprint === line.fingerprint);
  if (still) return { ...base, state: "open", proof: null, rotation, why: rotation !== null ? "its rotation is on its way" : "it is still in force" };
  const unused = records.find((r) => r.path === line.path && isAborted(r) && r.steps.some((s) => s.step === "sealed" && line.issueId !== undefined && s.issueId === line.issueId));
  if (unused) return { ...base, state: "closed", proof: "taken back", rotation: unused.rotation, why: "" };
  if (!record) return { ...base, state: "open", proof: null, rotation, why: line.issueId === undefined ? "it wasn't replaced since" : "another one is in force, and nothing proves the exposed one dead: it was not replaced by a rotation" };
  const dead = stepOf(record, "buried")?.verdict === "invalid";
  const attested = stepOf(record, "attested");
  if (dead) return { ...base, state: "closed", proof: "refused", rotation, why: "" };
  if (attested && attested.actor !== record.steps[0]?.actor) return { ...base, state: "closed", proof: `attested by ${attested.actor}`, rotation, why: "" };
  return { ...base, state: "open", proof: null, rotation, why: isOpen(record) ? "another one is in force, and the exposed one isn't proven dead yet" : "its rotation was closed without a proof that the exposed one is dead" };
}
export const openLine = (l: LineState, file: string): Finding =>
  rotationCodes.finding("DEPARTURE_LINE_OPEN", { message: `${l.path} of ${l.environment}: ${l.why}`, path: l.path, at: { file, line: 1, column: 1 }, hint: l.rotation === null ? `stackseal rotate departure --exposure ${file} --env ${l.environment}` : `stackseal rotate resume ${l.rotation} --env ${l.environment}, or a Super Admin other than who rotated: stackseal rotate attest ${l.rotation} --env ${l.environment} --evidence TEXT` });
