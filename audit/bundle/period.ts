import { addDays, isoDate, parseDate } from "../../lib/clock.ts";
import { FindingError } from "../../lib/finding.ts";
import type { Git } from "../../lib/git.ts";
import { commitOn } from "../../history/at-date.ts";
import { auditCodes } from "../codes.ts";

/** First and last day of what a bundle covers, `YYYY-MM-DD`. */
export interface Period { readonly since: string; readonly until: string; readonly quarter: string | null }

const refuse = (message: string): FindingError => new FindingError(auditCodes.finding("BUNDLE_PERIOD", { message, hint: "--quarter 2026Q4, or --since 2026-10-01 --until 2026-12-31" }), 2);

/** The years in which git knows dates. */
const known = (from: string): boolean => from >= "1970" && from < "2100";

/** The period that a quarter's name or two days tell. Throws FindingError BUNDLE_PERIOD. */
export function periodOf(o: { readonly quarter?: string | undefined; readonly since?: string | undefined; readonly until?: string | undefined }): Period {
  if (o.quarter !== undefined) {
    if (o.since !== undefined || o.until !== undefined) throw refuse("give either a quarter or two days");
    const m = /^(\d{4})Q([1-4])$/i.exec(o.quarter);
    if (!m || !known(o.quarter)) throw refuse(`"${o.quarter}" is no quarter`);
    const [year, first] = [Number(m[1]), (Number(m[2]) - 1) * 3];
    const day = (d: number): string => isoDate(new Date(d));
    return { since: day(Date.UTC(year, first, 1)), until: day(Date.UTC(year, first + 3, 0)), quarter: `${m[1] ?? ""}Q${m[2] ?? ""}` };
  }
  if (o.since === undefined || o.until === undefined) throw refuse("which time is the bundle for?");
  for (const d of [o.since, o.until]) if (d.length !== 10 || !parseDate(d) || !known(d)) throw refuse(`"${d}" is no day`);
  if (o.until < o.since) throw refuse(`${o.until} is before ${o.since}`);
  return { since: o.since, until: o.until, quarter: null };
}

/** What git holds of a period: everything that `head` reaches and `from` doesn't. */
export interface Range { readonly head: string; readonly from: string | null }

/** The main line's last commit before a period. */
export function commitBefore(git: Git, ref: string, period: Pick<Period, "since">): string | null {
  const first = parseDate(period.since);
  return first && commitOn(git, ref, isoDate(addDays(first, -1)));
}
/** The main line's last commit of the period, and the one before it began, or where the former bundle ended. Throws FindingError BUNDLE_PERIOD. */
export function rangeOf(git: Git, period: Period, previousHead: string | null, now: Date): Range {
  if (period.since > isoDate(now)) throw refuse(`the period begins on ${period.since}: nothing of it has happened yet`);
  const head = commitOn(git, "HEAD", period.until);
  if (head === null) throw refuse(`no commit of this branch is from ${period.until} or before`);
  return { head, from: previousHead ?? commitBefore(git, "HEAD", period) };
}
