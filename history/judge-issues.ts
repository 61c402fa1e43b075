import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DAY_MS, isoDate, parseDate } from "../lib/clock.ts";
import { readDocument } from "../lib/document.ts";
import type { Finding, Position } from "../lib/finding.ts";
import type { Git } from "../lib/git.ts";
import { allows } from "../schemas/access.ts";
import { PEOPLE_FILE } from "../schemas/layout.ts";
import { parseWith } from "../schemas/parse.ts";
import { activeOn, members, type People } from "../schemas/people.ts";
import { ROLLBACK_NAMESPACE, rollbackSchema, ROLLBACKS_DIR, rollbackText, type Rollback } from "../schemas/rollback.ts";
import { verifyText } from "../seal/signature.ts";
import { filesAt, type Base } from "./base.ts";
import { historyCodes } from "./codes.ts";
import type { InForce } from "./exposure.ts";
import { PEOPLE } from "./people-history.ts";
import { walkVersions } from "./read.ts";
import { readSealedText } from "./sealed-text.ts";

interface First {
  readonly commit: string | null;
  readonly from: number;
  readonly issuedAt: string;
  readonly fingerprint: string;
}
export interface Placed extends InForce {
  readonly at: Position;
}
/** Judges the issues in force against the base's history: the day of issue, claims that moved without a new issue, retired issues that are back. */
export async function judgeIssues(git: Git, base: Base, inForce: readonly Placed[], now: Date): Promise<Finding[]> {
  const wanted = new Set(inForce.map((f) => f.claims.issueId));
  const first = new Map<string, First>();
  // The commit that brought the first people.yaml brought the project: its issues may be older.
  let bootstrap: { from: number; commit: string | null } = { from: Infinity, commit: null };
  const read = async (refs: readonly string[], known: ReadonlyMap<string, First> = new Map()): Promise<void> => {
    await walkVersions(git, (v) => {
      if (PEOPLE.test(v.file)) bootstrap = v.from < bootstrap.from ? { from: v.from, commit: v.commit } : bootstrap;
      else for (const l of readSealedText(v.text)?.leaves ?? []) {
        const own = first.get(l.issueId);
        if (wanted.has(l.issueId) && !known.has(l.issueId) && (!own || v.from < own.from)) first.set(l.issueId, { commit: v.commit, from: v.from, issuedAt: l.issuedAt, fingerprint: l.fingerprint });
      }
    }, { refs, disk: false, paths: ["*.sops.yaml", PEOPLE_FILE] });
  };
  await read([base.commit]);
  const inBase = new Map(first);
  if (git.commits(["HEAD"])[0] !== base.commit) await read(["HEAD", `^${base.commit}`], inBase);
  const sealed = filesAt(git, base.commit, "stacks").filter((f) => f.endsWith(".sops.yaml"));
  const atTip = new Set(git.files(base.commit, sealed).flatMap((text) => readSealedText(text ?? "")?.leaves.map((l) => l.issueId) ?? []));
  const rollbacks = readRollbacks(git.root);
  return [...rollbacks.findings, ...inForce.flatMap((f): Finding[] => {
    const place = { at: f.at, path: f.path };
    const own = first.get(f.claims.issueId);
    const came = own ? new Date(own.from * 1000) : now;
    const days = Math.abs((parseDate(f.claims.issuedAt)?.getTime() ?? 0) - (parseDate(isoDate(came))?.getTime() ?? 0)) / DAY_MS;
    const mend = `stackseal secret set ${f.path} --env ${f.environment}`;
    if (own && own.issuedAt !== f.claims.issuedAt) return [historyCodes.finding("ISSUED_AT_MOVED", { message: `issuedAt says ${f.claims.issuedAt}; when this issue came it said ${own.issuedAt}`, ...place, hint: `a new day wants a new issue: ${mend}` })];
    if (own && own.fingerprint !== f.claims.fingerprint) return [historyCodes.finding("ISSUE_CLAIMS_CHANGED", { message: "the fingerprint isn't the one with which this issue came: another value under an old issue id", ...place, hint: mend })];
    if (inBase.has(f.claims.issueId) && !atTip.has(f.claims.issueId)) return returned(f, rollbacks.all, base.people);
    if (days > 1 && own?.commit !== bootstrap.commit) return [historyCodes.finding("ISSUED_AT_MOVED", { message: `issuedAt says ${f.claims.issuedAt}; the issue came ${own ? `with a commit of ${isoDate(came)}` : `today, ${isoDate(came)}`}`, ...place, hint: `within a day of each other; ${mend}` })];
    return [];
  })];
}
function returned(f: Placed, rollbacks: readonly Rollback[], people: People | null): Finding[] {
  const r = rollbacks.find((x) => x.issueId === f.claims.issueId && x.environment === f.environment && x.path === f.path);
  const place = { at: f.at, path: f.path };
  const command = `stackseal people approve-rollback ${f.claims.issueId} --env ${f.environment} --reason TEXT, by another person than ${f.claims.sealedBy}`;
  if (!r) return [historyCodes.finding("ISSUE_RETURNED", { message: "this issue was retired, and is back without a reviewed rollback", ...place, hint: command })];
  const who = people ? members(people).find((m) => m.name === r.by) : undefined;
  const fine = who && r.by !== f.claims.sealedBy && activeOn(who, r.on) && who.entry.tiers.includes(f.tier) && allows(who.entry.role, f.class, f.tier, "seal") && verifyText(r.signature, rollbackText(r), who.entry.signing, ROLLBACK_NAMESPACE) !== null;
  return fine ? [] : [historyCodes.finding("ROLLBACK_INVALID", { message: `the rollback isn't signed by somebody else than ${f.claims.sealedBy} who may seal it at the base`, at: { file: `${ROLLBACKS_DIR}/${r.issueId}.yaml`, line: 1, column: 1 }, path: f.path, hint: command })];
}
function readRollbacks(root: string): { all: Rollback[]; findings: Finding[] } {
  const dir = join(root, ROLLBACKS_DIR);
  const out: { all: Rollback[]; findings: Finding[] } = { all: [], findings: [] };
  for (const n of existsSync(dir) ? readdirSync(dir).filter((x) => /\.ya?ml$/.test(x)).sort() : []) {
    const r = readDocument(root, `${ROLLBACKS_DIR}/${n}`);
    const parsed = r.document && parseWith(rollbackSchema, r.document);
    out.findings.push(...r.findings, ...(parsed?.findings ?? []));
    if (parsed?.value) out.all.push(parsed.value);
  }
  return out;
}
