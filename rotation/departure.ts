import { readDocument } from "../lib/document.ts";
import { FindingError, type Finding } from "../lib/finding.ts";
import { exposureSchema, type Exposure, type ExposureLine } from "../schemas/exposure.ts";
import { parseWith } from "../schemas/parse.ts";
import { isAborted, isOpen, stepOf } from "../schemas/rotation-record.ts";
import type { Declared } from "../stacks/read.ts";
import { rotationCodes } from "./codes.ts";
import type { KeptRecord } from "./record.ts";

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
export function lineState(line: ExposureLine, exposure: Pick<Exposure, "id" | "on">, d: Declared | null, records: readonly KeptRecord[]): LineState {
  const base = { environment: line.environment, path: line.path, class: line.class };
  const now = d?.credentials.find((c) => c.path === line.path)?.claims;
  const mine = records.filter((k) => k.record.path === line.path);
  const done = mine.filter((k) => !isAborted(k.record));
  const since = ({ record: r }: KeptRecord): boolean => r.exposure === exposure.id || (r.steps[0]?.at ?? "").slice(0, 10) > exposure.on;
  const replaced = line.issueId !== undefined ? done.filter(({ record: r }) => r.previous?.issueId === line.issueId || (line.fingerprint !== undefined && r.previous?.fingerprint === line.fingerprint)) : done.filter((k) => k.record.previous === null && since(k));
  const kept = replaced.at(-1) ?? null;
  const rotation = kept?.record.rotation ?? null;
  const open = (why: string): LineState => ({ ...base, state: "open", proof: null, rotation, why });
  const still = now !== undefined && (now.issueId === line.issueId || now.fingerprint === line.fingerprint);
  if (still) return open(rotation !== null ? "its rotation is on its way" : "it is still in force");
  const unused = mine.find(({ record: r }) => isAborted(r) && line.issueId !== undefined && r.steps.some((s) => s.step === "sealed" && s.issueId === line.issueId));
  if (unused) {
    const { record, doubtful } = unused;
    const aborted = stepOf(record, "aborted");
    return aborted?.verdict === "invalid" && !doubtful.has(aborted.actor) ? { ...base, state: "closed", proof: "taken back", rotation: record.rotation, why: "" } : { ...base, state: "open", proof: null, rotation: null, why: `rotation ${record.rotation} made it and was given up: nothing proves that it is dead at its provider` };
  }
  if (!kept) return open(line.issueId === undefined ? "it wasn't replaced since" : "another one is in force, and nothing proves the exposed one dead: it was not replaced by a rotation");
  const { record, doubtful } = kept;
  const [closed, attested] = [stepOf(record, "closed"), stepOf(record, "attested")];
  // The proof is what a signature stands behind: until it is closed, a rotation claims nothing yet.
  if (closed && stepOf(record, "buried")?.verdict === "invalid" && !doubtful.has(closed.actor)) return { ...base, state: "closed", proof: "refused", rotation, why: "" };
  if (attested && attested.actor !== record.steps[0]?.actor && !doubtful.has(attested.actor)) return { ...base, state: "closed", proof: `attested by ${attested.actor}`, rotation, why: "" };
  const unknown = [closed, attested].find((s) => s && doubtful.has(s.actor));
  return open(unknown ? `that ${unknown.actor}, who signed it, might can't be told any more` : isOpen(record) ? "another one is in force, and the exposed one isn't proven dead yet" : "its rotation was closed without a proof that the exposed one is dead");
}
export const openLine = (l: LineState, file: string): Finding =>
  rotationCodes.finding("DEPARTURE_LINE_OPEN", { message: `${l.path} of ${l.environment}: ${l.why}`, path: l.path, at: { file, line: 1, column: 1 }, hint: l.rotation === null ? `stackseal rotate departure --exposure ${file} --env ${l.environment}` : `stackseal rotate resume ${l.rotation} --env ${l.environment}, or a Super Admin other than who rotated: stackseal rotate attest ${l.rotation} --env ${l.environment} --evidence TEXT` });
