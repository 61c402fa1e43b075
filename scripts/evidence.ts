import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { FindingError } from "../lib/finding.ts";
import { auditCodes } from "../audit/codes.ts";
import type { Parts } from "../audit/bundle/git-parts.ts";
import { graphOfExport } from "../policies/kit/state.ts";
import type { Context } from "./command.ts";

// What git doesn't hold, as it is given to an evidence bundle.

/** Throws FindingError BUNDLE_INPUT. */
export function fileGiven(context: Context, file: string): Buffer {
  try {
    return readFileSync(resolve(context.root, file));
  } catch (e) {
    throw new FindingError(auditCodes.finding("BUNDLE_INPUT", { message: `${file} can't be read (${(e as NodeJS.ErrnoException).code ?? "unknown"})` }), 2);
  }
}
export interface Given { readonly states: readonly string[]; readonly doctors: readonly string[] }

/** The stores' versions out of stack exports, and the doctor's documents. Throws FindingError BUNDLE_INPUT or STATE_UNREADABLE. */
export function recordedParts(context: Context, given: Given): Parts {
  const parts: Parts = new Map();
  if (given.states.length > 0) parts.set("recorded/store.jsonl", Buffer.from(given.states.flatMap((f) => lineage(fileGiven(context, f).toString("utf8"), f)).join("")));
  for (const [n, f] of given.doctors.entries()) parts.set(`recorded/doctor-${n + 1}.json`, doctor(fileGiven(context, f), f));
  return parts;
}
/** References only, never the whole state: which version of a secret carries which issues. */
function lineage(text: string, file: string): string[] {
  return graphOfExport(text, file).filter((r) => r.type === "stackseal:index:SealedVersion").map((r) => {
    const values = Array.isArray(r.inputs["values"]) ? (r.inputs["values"] as Readonly<Record<string, unknown>>[]) : [];
    const said = (v: unknown): string | null => (typeof v === "string" ? v.slice(0, 200) : null);
    return `${JSON.stringify({ urn: r.urn, secret: said(r.outputs["secretId"]), versionId: said(r.outputs["versionId"]), values: values.map((v) => ({ key: said(v["key"]), variable: said(v["variable"]), issueId: said(v["issueId"]) })) })}\n`;
  });
}
function doctor(bytes: Buffer, file: string): Buffer {
  let document: unknown;
  try {
    document = JSON.parse(bytes.toString("utf8"));
  } catch {
    document = null;
  }
  if ((document as { command?: unknown } | null)?.command !== "doctor") throw new FindingError(auditCodes.finding("BUNDLE_INPUT", { message: `${file} isn't what the doctor printed`, hint: "stackseal doctor --env prod --json > doctor.json" }), 2);
  return bytes;
}
export const absentOf = (given: Given): string[] => [
  ...(given.states.length === 0 ? ["the store's lineage: no stack export was given (--state)"] : []),
  ...(given.doctors.length === 0 ? ["the doctor's verdicts: none were given (--doctor)"] : []),
  "the cloud's own logs: access review --cloudtrail reads them where they are kept",
];
