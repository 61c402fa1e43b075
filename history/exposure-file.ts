import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { isoDate } from "../lib/clock.ts";
import { readDocument, type Document } from "../lib/document.ts";
import type { Finding } from "../lib/finding.ts";
import { EXPOSURES_DIR, exposureSchema, type Exposure, type ExposureLine } from "../schemas/exposure.ts";
import { parseWith } from "../schemas/parse.ts";
import { historyCodes } from "./codes.ts";
import type { InForce } from "./exposure.ts";

export interface ExposureFile {
  readonly file: string;
  readonly document: Document;
  readonly exposure: Exposure;
}
/** A name for a new list that no other has: `stacks/exposures/2026-11-24-engineer-1.yaml`. */
export function exposureFileFor(root: string, e: Exposure): { readonly file: string; readonly exposure: Exposure } {
  for (let n = 1; ; n++) {
    const id = n === 1 ? e.id : `${e.id}-${n}`;
    const file = `${EXPOSURES_DIR}/${id}.yaml`;
    if (!existsSync(join(root, file))) return { file, exposure: { ...e, id } };
  }
}
/** The list's text. */
export const renderExposure = (e: Exposure): string =>
  `# yaml-language-server: $schema=../../schemas/json/exposure.schema.json\n# What ${e.subject} could know. A line closes when its credential is issued anew: the issue id is new and the fingerprint another.\n${stringify(e, { indent: 4, lineWidth: 0, defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "PLAIN" })}`;

/** Every exposure list of the project, in order of name; what can't be read is a finding. */
export function readExposures(root: string): { readonly files: readonly ExposureFile[]; readonly findings: readonly Finding[] } {
  const dir = join(root, EXPOSURES_DIR);
  const findings: Finding[] = [];
  const files: ExposureFile[] = [];
  for (const n of existsSync(dir) ? readdirSync(dir).filter((x) => /\.ya?ml$/.test(x)).sort() : []) {
    const file = `${EXPOSURES_DIR}/${n}`;
    const r = readDocument(root, file, { maxBytes: 8 << 20 });
    findings.push(...r.findings);
    const parsed = r.document && parseWith(exposureSchema, r.document);
    findings.push(...(parsed?.findings ?? []));
    if (r.document && parsed?.value) files.push({ file, document: r.document, exposure: parsed.value });
  }
  return { files, findings };
}
export interface LineState {
  readonly line: ExposureLine;
  readonly open: boolean;
  readonly overdue: boolean;
  readonly why: string;
}
/** Whether a line is closed: its credential has a new issue id and another fingerprint, and the exposed value is in force nowhere. */
export function stateOf(line: ExposureLine, inForce: readonly InForce[], now: Date): LineState {
  const still = inForce.find((f) => f.claims.issueId === line.issueId || f.claims.fingerprint === line.fingerprint);
  const here = inForce.find((f) => f.environment === line.environment && f.path === line.path);
  const why = still ? (still.held ? `rotation ${still.held.rotation} holds it as the ${still.held.slot === "next" ? "new" : "old"} one` : still.claims.issueId === line.issueId ? "still in force" : `the same value is in force as ${still.path} of ${still.environment}`)
    : line.revoked ? "" : line.issueId === undefined ? "to be issued anew, then signed off: revoked: { on, by, evidence }" : here ? "" : "no longer sealed, and not yet said to be withdrawn at the provider: revoked: { on, by, evidence }";
  return { line, open: why !== "", overdue: why !== "" && line.due < isoDate(now), why };
}
/** Warnings for open lines, errors for those past their due date. */
export function judgeExposures(files: readonly ExposureFile[], inForce: readonly InForce[], only: readonly string[], now: Date): Finding[] {
  return files.flatMap((f) => f.exposure.lines.flatMap((line, i): Finding[] => {
    if (only.length && !only.includes(line.environment)) return [];
    const s = stateOf(line, inForce, now);
    if (!s.open) return [];
    return [historyCodes.finding(s.overdue ? "EXPOSURE_OVERDUE" : "EXPOSURE_OPEN", { message: `${f.exposure.subject} could know ${line.path} of ${line.environment} (${line.via.join(", ")}): ${s.why}; due ${line.due}`, at: f.document.locate(["lines", i]), path: line.path, hint: line.rotate })];
  }));
}
/** What a list says less than it did: lines that are gone, other issue ids, later due dates. */
export function shrunk(base: Exposure, now: Exposure | null, file: string): Finding[] {
  const key = (l: ExposureLine): string => JSON.stringify([l.environment, l.path, l.issueId ?? "", l.fingerprint ?? ""]);
  const own = new Map((now?.lines ?? []).map((l) => [key(l), l]));
  const gone = base.lines.filter((l) => { const x = own.get(key(l)); return !x || x.due > l.due; });
  return gone.length === 0 ? [] : [historyCodes.finding("EXPOSURE_CHANGED", { message: `${gone.length} of its lines ${now ? "are gone or due later" : "are gone with the file"}: ${gone.slice(0, 3).map((l) => `${l.path} of ${l.environment}`).join(", ")}${gone.length > 3 ? ", …" : ""}`, at: { file, line: 1, column: 1 }, hint: `git checkout -- ${file}; lines close by themselves once the credential is issued anew` })];
}
