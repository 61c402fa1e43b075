import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { commitOn } from "../history/at-date.ts";
import { textAt } from "../history/base.ts";
import type { TrailReading } from "../history/cloudtrail.ts";
import { daysBetween, isoDate, parseDate } from "../lib/clock.ts";
import type { Git } from "../lib/git.ts";
import { CLASSES } from "../schemas/access.ts";
import { PEOPLE_FILE } from "../schemas/layout.ts";
import { activeOn, members, type Member, type People } from "../schemas/people.ts";
import { REVIEWS_DIR, type Review, type ReviewLine } from "../schemas/review.ts";
import { readClear } from "../seal/clear.ts";
import { verifyText } from "../seal/signature.ts";
import { allSealedFiles } from "../seal/sealed-files.ts";
import { verbsOf } from "./matrix.ts";
import { reviewedEnvironments, type OwnedPlace } from "./owners/derive.ts";
import { peopleOf } from "./people.ts";

// What a reviewer signs off: for each person and machine what they may, what they hold, and what is odd about it.

/** `production payments: open, seal`, in the order of tiers and classes. */
export const mayOf = (m: Member): string[] => m.entry.tiers.flatMap((tier) => CLASSES.flatMap((cls) => { const v = verbsOf(m.entry.role, cls, tier); return v.length ? [`${tier} ${cls}: ${v.join(", ")}`] : []; }));
/** The sealed files that have one of the member's recipients now. */
export const opensOf = (root: string, m: Member): string[] => allSealedFiles(root).filter((f) => readClear(root, f).sealed?.sops.recipients.some((r) => m.entry.recipients.includes(r.recipient)) === true);
/** The newest review file; null where there is none. */
export function lastReview(root: string): string | null {
  const dir = join(root, REVIEWS_DIR);
  const all = existsSync(dir) ? readdirSync(dir).filter((n) => /^\d{4}-\d{2}-\d{2}\.yaml$/.test(n)).sort() : [];
  const name = all.at(-1);
  return name === undefined ? null : `${REVIEWS_DIR}/${name}`;
}
export const REVIEW_NAMESPACE = "stackseal-review";
/** Where a reviewer's own signature over a review stands. */
export const reviewerSignature = (file: string, reviewer: string): string => `${file}.${reviewer}.sig`;
/** Whether the reviewer's signature, by a key in people.yaml, is over the review's text as it is. */
export function signedByReviewer(root: string, file: string, text: string, reviewer: Member): boolean {
  const path = join(root, reviewerSignature(file, reviewer.name));
  const base64 = existsSync(path) ? readFileSync(path, "latin1").replace(/-----[A-Z ]+-----/g, "").replace(/\s/g, "") : "";
  return base64 !== "" && verifyText(base64, text, reviewer.entry.signing, REVIEW_NAMESPACE) !== null;
}
export interface ReviewQuestion {
  readonly root: string;
  readonly git: Git;
  readonly people: People;
  readonly environments: readonly OwnedPlace[];
  readonly trail: TrailReading | null;
  readonly by: string;
  readonly now: Date;
}
export function makeReview(q: ReviewQuestion): Review {
  const on = isoDate(q.now);
  const former = lastReview(q.root)?.slice(REVIEWS_DIR.length + 1, -5) ?? "";
  return {
    on, by: q.by, since: former, changes: changesSince(q, former), codeOwners: codeOwners(q.root),
    reviewers: reviewedEnvironments(q.people, q.environments, on).map((e) => `${e.name}: ${e.reviewers.map((r) => r.handle ?? r.name).join(", ") || "nobody"}`),
    lines: members(q.people).map((m): ReviewLine => ({ name: m.name, role: m.entry.role, tiers: m.entry.tiers, may: activeOn(m, on) ? mayOf(m) : [], opens: opensOf(q.root, m), notes: notesOf(q, m, on), decision: "", reason: "", reviewedBy: "" })),
  };
}
function notesOf(q: ReviewQuestion, m: Member, on: string): string[] {
  const factor = "secondFactor" in m.entry ? m.entry.secondFactor : undefined;
  const opens = opensOf(q.root, m).length;
  const stores = mayOf(m).some((l) => /: .*\b(read|write)\b/.test(l));
  const used = q.trail && [...q.trail.identities].some((i) => [m.name, m.entry.handle].some((n) => n !== undefined && new RegExp(`(^|[/:_.@-])${n}($|[/:_.@-])`).test(i)));
  return [
    ...(!m.machine && !factor ? ["no second factor is attested"] : []),
    ...(factor && daysBetween(parseDate(factor.attestedAt) ?? q.now, q.now) > 365 ? [`the second factor was attested on ${factor.attestedAt}, more than a year ago`] : []),
    ...(factor && (factor.by === undefined || factor.by === m.name) ? ["nobody else attested the second factor"] : []),
    ...(m.entry.until !== undefined && m.entry.until <= on ? [`left on ${m.entry.until}${opens ? `, and is still a recipient of ${opens} files` : ""}`] : []),
    ...(m.entry.from !== undefined && m.entry.from > on ? [`begins on ${m.entry.from}`] : []),
    ...(m.entry.role === "super-admin" ? ["may do everything in these tiers"] : []),
    ...(q.trail && stores && used === false ? [`no use of the store in the export of ${q.trail.from.slice(0, 10)} to ${q.trail.until.slice(0, 10)}`] : []),
  ];
}
function changesSince(q: ReviewQuestion, former: string): string[] {
  const commit = former === "" ? null : commitOn(q.git, "HEAD", former);
  const text = commit === null ? null : textAt(q.git, commit, PEOPLE_FILE);
  if (text === null) return [];
  const was = new Map(members(peopleOf(text)).map((m) => [m.name, m]));
  const is = new Map(members(q.people).map((m) => [m.name, m]));
  const list = (l: readonly string[]): string => l.join(", ");
  return [
    ...[...is.values()].filter((m) => !was.has(m.name)).map((m) => `${m.name}: new, ${m.entry.role} in ${list(m.entry.tiers)}`),
    ...[...was.values()].filter((m) => !is.has(m.name)).map((m) => `${m.name}: gone, was ${m.entry.role} in ${list(m.entry.tiers)}`),
    ...[...is.values()].flatMap((m) => {
      const o = was.get(m.name)?.entry;
      if (!o) return [];
      return [
        ...(o.role !== m.entry.role ? [`${m.name}: ${o.role} became ${m.entry.role}`] : []), ...(list(o.tiers) !== list(m.entry.tiers) ? [`${m.name}: tiers ${list(o.tiers)} became ${list(m.entry.tiers)}`] : []),
        ...(list(o.recipients) !== list(m.entry.recipients) ? [`${m.name}: other age recipients`] : []), ...(list(o.signing) !== list(m.entry.signing) ? [`${m.name}: other signing keys`] : []),
      ];
    }),
  ];
}
function codeOwners(root: string): string[] {
  const file = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"].find((f) => existsSync(join(root, f)));
  return file === undefined ? [] : readFileSync(join(root, file), "utf8").split("\n").map((l) => l.replace(/#.*$/, "").trim().slice(0, 300)).filter((l) => l !== "");
}
export const renderReview = (r: Review): string =>
  `# yaml-language-server: $schema=../../schemas/json/review.schema.json\n# Sign off each line: decision keep or remove, a reason, and your name. Every reviewer signs: stackseal access review --sign. Then: stackseal access apply\n${stringify(r, { indent: 4, lineWidth: 0, defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "PLAIN" })}`;
