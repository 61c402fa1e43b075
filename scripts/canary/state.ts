import { existsSync } from "node:fs";
import { join } from "node:path";
import { readDocument } from "../../lib/document.ts";
import { defineCodes, type Finding } from "../../lib/finding.ts";
import { alertsDigest, canaryFile, canarySchema, type Canary } from "../../schemas/canary.ts";
import type { Place } from "../../schemas/iam/place.ts";
import { parseWith } from "../../schemas/parse.ts";

export const canaryCodes = defineCodes({
  CANARY_NOT_AWS: { severity: "error", title: "The environment has no alerts of AWS" },
  CANARY_LOST: { severity: "error", title: "A read of a payment secret wasn't heard of in time" },
  CANARY_MISSING: { severity: "warning", title: "Nobody has seen an alert arrive yet" },
  CANARY_STALE: { severity: "warning", title: "The alerts were changed since one was last seen to arrive" },
});
/** The record of an environment's last canary; null where there is none, or none that can be read. */
export function readCanary(root: string, environment: string): { readonly canary: Canary | null; readonly findings: readonly Finding[] } {
  const file = canaryFile(environment);
  if (!existsSync(join(root, file))) return { canary: null, findings: [] };
  const { document, findings } = readDocument(root, file);
  const parsed = document && parseWith(canarySchema, document);
  return { canary: parsed?.value ?? null, findings: [...findings, ...(parsed?.findings ?? [])] };
}
/** Whether somebody has seen this environment's alerts arrive, as they are declared now. */
export function canaryFindings(root: string, p: Place): Finding[] {
  const { canary, findings } = readCanary(root, p.environment);
  const hint = `stackseal canary --env ${p.environment}, as super-admin`;
  if (!canary) return [...findings, ...(findings.length ? [] : [canaryCodes.finding("CANARY_MISSING", { message: `no alert of ${p.environment} was ever seen to arrive`, path: p.environment, hint })])];
  return canary.alerts === alertsDigest(p) ? [] : [canaryCodes.finding("CANARY_STALE", { message: `the alerts of ${p.environment} were changed since ${canary.heard[0]?.arrivedAt.slice(0, 10) ?? "the last canary"}`, at: { file: canaryFile(p.environment), line: 1, column: 1 }, path: p.environment, hint })];
}
