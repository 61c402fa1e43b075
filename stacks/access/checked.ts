import { FindingError } from "../../lib/finding.ts";
import { policyFaults, type Document, type PolicyKind } from "../../schemas/iam/document.ts";
import { stackCodes } from "../codes.ts";

/** A policy's text, refused where AWS would refuse it after half of the stack is made. Throws FindingError. */
export function policyText(kind: PolicyKind, what: string, d: Document): string {
  const text = JSON.stringify(d);
  const faults = policyFaults(kind, text);
  if (faults.length > 0) throw new FindingError(faults.map((f) => stackCodes.finding(f.code, { message: `${what}: ${f.message}`, path: what })));
  return text;
}
