import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isoDate } from "../../lib/clock.ts";
import { readDocument } from "../../lib/document.ts";
import type { Declared } from "../../stacks/read.ts";

/** An exception to a rule that is in force on a day. */
export interface InForce {
  readonly rule: string;
  readonly where: string;
  readonly owner: string;
  readonly expires: string;
}
/** A credential that somebody who left, or a thief, could know, and that was not issued anew since. */
export interface OpenExposure {
  readonly exposure: string;
  readonly subject: string;
  readonly environment: string;
  readonly path: string;
  readonly due: string;
}
type Row = Readonly<Record<string, unknown>>;
const isRow = (v: unknown): v is Row => typeof v === "object" && v !== null && !Array.isArray(v);
const text = (v: unknown): string => (typeof v === "string" ? v : "");
const rows = (v: unknown): Row[] => (Array.isArray(v) ? v.filter(isRow) : []);

// Only the fields named here leave these files; `check` and the policies judge whether they are as they should be.

/** From policies/exceptions.yaml; those that have run out aren't in force. */
export function exceptionsInForce(root: string, now: Date): InForce[] {
  const file = "policies/exceptions.yaml";
  const value = existsSync(join(root, file)) ? readDocument(root, file).document?.value : undefined;
  return rows(isRow(value) ? value["exceptions"] : value)
    .map((e) => ({ rule: text(e["rule"]), where: text(e["resource"]) || text(e["path"]), owner: text(e["owner"]), expires: text(e["expires"]) }))
    .filter((e) => e.expires >= isoDate(now));
}
/** From stacks/exposures/*.yaml: lines whose issue is still the one in force and that nobody withdrew at the provider. */
export function openExposures(root: string, environments: readonly Declared[]): OpenExposure[] {
  const dir = join(root, "stacks/exposures");
  if (!existsSync(dir)) return [];
  const issues = new Set(environments.flatMap((d) => d.credentials.map((c) => `${d.name}\n${c.path}\n${c.claims.issueId}`)));
  return readdirSync(dir).filter((n) => n.endsWith(".yaml")).sort().flatMap((n) => {
    const value = readDocument(root, `stacks/exposures/${n}`).document?.value;
    if (!isRow(value)) return [];
    return rows(value["lines"])
      .filter((l) => l["revoked"] === undefined && (l["issueId"] === undefined || issues.has(`${text(l["environment"])}\n${text(l["path"])}\n${text(l["issueId"])}`)))
      .map((l) => ({ exposure: text(value["id"]) || n, subject: text(value["subject"]), environment: text(l["environment"]), path: text(l["path"]), due: text(l["due"]) }));
  });
}
