import { randomInt } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { readDocument } from "../lib/document.ts";
import { hasErrors, type Finding, type Position } from "../lib/finding.ts";
import { sha256 } from "../lib/sha256.ts";
import { rotationFile, rotationsDir } from "../schemas/layout.ts";
import { members } from "../schemas/people.ts";
import { ROTATION_ID, recordSchema, type RotationRecord, type RotationStep } from "../schemas/rotation-record.ts";
import { signText, type SigningKey } from "../seal/signature.ts";
import { rotationCodes } from "./codes.ts";
import { judgeSigner, NAMESPACE, type Signers } from "./signers.ts";

const CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz";

/** A record and where it stands; findings are about its form, its chain and its signatures. */
export interface KeptRecord {
  readonly file: string;
  readonly record: RotationRecord;
  /** Who signed something that nobody here can tell any more whether they might: what they vouch for proves nothing to a departure. */
  readonly doubtful: ReadonlySet<string>;
}
/** A new rotation's id: the day, so that a list is in order, and 50 random bits. */
export const newRotationId = (now: Date): string => `r${now.toISOString().slice(0, 10).replaceAll("-", "")}-${Array.from({ length: 10 }, () => CROCKFORD[randomInt(32)]).join("")}`;

const sorted = (v: unknown): unknown =>
  Array.isArray(v) ? v.map(sorted) : typeof v === "object" && v !== null ? Object.fromEntries(Object.entries(v).filter(([, x]) => x !== undefined).sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, x]) => [k, sorted(x)])) : v;
const canonical = (v: unknown): string => JSON.stringify(sorted(v));
const digest = (text: string): string => `sha256:${sha256(text)}`;

type Head = Omit<RotationRecord, "hash" | "steps">;
const headHash = (head: Head): string => digest(`stackseal-rotation-1\n${canonical(head)}`);
const stepText = (before: string, step: Omit<RotationStep, "hash" | "signature">): string => `${before}\n${canonical(step)}`;
const stepHash = (before: string, step: Omit<RotationStep, "hash">): string => digest(`${before}\n${canonical(step)}`);

/** A record with its first step. */
export function newRecord(head: Head, first: Omit<RotationStep, "hash">, sign: SigningKey): RotationRecord {
  const hash = headHash(head);
  return append({ ...head, hash, steps: [] }, first, sign);
}
/** The record with one more step, linked to the one before it and signed. Time never runs backwards in a record. */
export function append(record: RotationRecord, step: Omit<RotationStep, "hash">, sign: SigningKey): RotationRecord {
  const last = record.steps.at(-1);
  const before = last?.hash ?? record.hash;
  const { signature: _none, ...rest } = step;
  const plain = { ...rest, at: last && last.at > rest.at ? last.at : rest.at };
  const full = { ...plain, signature: signText(sign, stepText(before, plain), NAMESPACE) };
  return { ...record, steps: [...record.steps, { ...full, hash: stepHash(before, full) }] };
}
/** The text of a record's file. */
export const renderRecord = (record: RotationRecord): string =>
  `# A rotation's record: every step is linked to the one before it. stackseal writes it; a change by hand breaks the chain.\n${stringify(record, { indent: 4, lineWidth: 0, version: "1.1" })}`;

/** The signatures and links that aren't what they should be; `doubt` is told whose signature nobody can place any more. */
function verifyRecord(kept: KeptRecord, signers: Signers | null, locate: (path: readonly (string | number)[]) => Position, doubt: (name: string) => void): Finding[] {
  const { hash, steps, ...head } = kept.record;
  const broken = (message: string, path: readonly (string | number)[]): Finding => rotationCodes.finding("ROTATION_CHAIN_BROKEN", { message, at: locate(path), path: kept.record.rotation, hint: "restore the record from git" });
  if (headHash(head) !== hash) return [broken("the record's head was changed after it was written", ["hash"])];
  let before = hash;
  const gone = new Set<string>();
  for (const [i, { hash: own, ...step }] of steps.entries()) {
    if (stepHash(before, step) !== own) return [broken(`step ${i + 1} (${step.step}) isn't what was written, or a step before it is gone`, ["steps", i])];
    const { signature: _signature, ...plain } = step;
    const judged = signers ? judgeSigner(kept.record, step, stepText(before, plain), signers) : "entitled";
    if (typeof judged === "object") return [rotationCodes.finding("ROTATION_SIGNATURE", { message: `step ${i + 1} (${step.step}) ${judged.wrong}`, at: locate(["steps", i]), path: kept.record.rotation, hint: "restore the record from git" })];
    if (judged === "unknown") doubt(step.actor);
    if (judged !== "entitled" && signers && !members(signers.people).some((m) => m.name === step.actor)) gone.add(step.actor);
    if (signers && step.step === "attested" && kept.record.steps.some((s, at) => at < i && s.actor === step.actor && s.step !== "attested"))
      return [rotationCodes.finding("ROTATION_SIGNATURE", { message: `step ${i + 1} (attested): ${step.actor} took part in this rotation`, at: locate(["steps", i]), path: kept.record.rotation })];
    before = own;
  }
  return [...gone].map((name) => rotationCodes.finding("ROTATION_SIGNER_LEFT", { message: `signed by ${name}, who isn't in people.yaml any more`, at: locate([]), path: kept.record.rotation, hint: "git log -p stacks/people.yaml tells whose key it was" }));
}
export interface Records {
  /** Oldest first. */
  readonly records: readonly KeptRecord[];
  readonly findings: readonly Finding[];
}
/** All records of an environment. Broken ones are findings and are left out. `signers` null: signatures aren't looked at. */
export function readRecords(root: string, environment: string, signers: Signers | null): Records {
  const dir = join(root, rotationsDir(environment));
  const names = existsSync(dir) ? readdirSync(dir).filter((f) => f.endsWith(".yaml") && !f.endsWith(".sops.yaml") && !f.startsWith(".")).sort() : [];
  const records: KeptRecord[] = [];
  const findings: Finding[] = [];
  for (const name of names) {
    const one = readRecord(root, environment, name.slice(0, -".yaml".length), signers);
    findings.push(...one.findings);
    if (one.kept) records.push(one.kept);
  }
  const known = new Map(records.map((r) => [r.record.rotation, r.record]));
  for (const r of records) {
    const after = r.record.after;
    if (after && known.get(after.rotation)?.hash !== after.hash)
      findings.push(rotationCodes.finding("ROTATION_CHAIN_BROKEN", { message: `the record before it, ${after.rotation}, is gone or was replaced`, at: { file: r.file, line: 1, column: 1 }, path: r.record.rotation, hint: "restore it from git" }));
  }
  records.sort((a, b) => compare(a.record.steps[0]?.at ?? "", b.record.steps[0]?.at ?? "") || compare(a.record.rotation, b.record.rotation));
  return { records, findings };
}
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export function readRecord(root: string, environment: string, id: string, signers: Signers | null): { readonly kept: KeptRecord | null; readonly findings: readonly Finding[] } {
  const file = rotationFile(environment, id);
  if (!ROTATION_ID.test(id)) return { kept: null, findings: [rotationCodes.finding("ROTATION_RECORD_INVALID", { message: `${file} isn't named as a rotation's record is`, at: { file, line: 1, column: 1 } })] };
  const { document, findings } = readDocument(root, file);
  if (!document) return { kept: null, findings };
  const parsed = recordSchema.safeParse(document.value);
  if (!parsed.success)
    return { kept: null, findings: [...findings, ...parsed.error.issues.map((i) => rotationCodes.finding("ROTATION_RECORD_INVALID", { message: `${i.path.map(String).join(".") || "the record"}: ${i.code === "unrecognized_keys" ? "a key that doesn't belong here" : "missing or not of its form"}`, at: document.locate(i.path.filter((s): s is string | number => typeof s !== "symbol")), path: id }))] };
  const doubtful = new Set<string>();
  const kept = { file, record: parsed.data, doubtful };
  if (kept.record.rotation !== id || kept.record.environment !== environment)
    return { kept: null, findings: [...findings, rotationCodes.finding("ROTATION_RECORD_INVALID", { message: "the record names another rotation or environment than its file", at: { file, line: 1, column: 1 }, path: id })] };
  const wrong = verifyRecord(kept, signers, (p) => document.locate(p), (name) => { doubtful.add(name); });
  return { kept: hasErrors(wrong) ? null : kept, findings: [...findings, ...wrong] };
}
