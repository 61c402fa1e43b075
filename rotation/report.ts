import { DAY_MS, daysBetween, isoDate, parseDate, type Clock } from "../lib/clock.ts";
import type { Finding } from "../lib/finding.ts";
import { isAborted, isClosed, isOpen, stepOf, type RotationRecord, type Verdict } from "../schemas/rotation-record.ts";
import { dueAt, type Declared } from "../stacks/read.ts";
import { rotationCodes } from "./codes.ts";
import type { KeptRecord } from "./record.ts";

/** A rotation as an auditor reads it. Dates are instants; null where it hasn't come to that. */
export interface Reported {
  readonly environment: string;
  readonly rotation: string;
  readonly path: string;
  readonly kind: string;
  readonly class: string;
  readonly strategy: string;
  readonly reason: string;
  readonly state: "closed" | "aborted" | "open";
  readonly step: string;
  readonly openedAt: string;
  readonly promotedAt: string | null;
  readonly revokedAt: string | null;
  readonly closedAt: string | null;
  readonly actor: string;
  readonly approver: string | null;
  readonly overlapSeconds: number | null;
  readonly nextVerdict: Verdict | null;
  readonly oldVerdict: Verdict | null;
  /** When the compromise was reported, as the record keeps it. */
  readonly reportedAt: string | null;
  readonly sinceReportSeconds: number | null;
  /** Since the credential before was issued. */
  readonly daysSinceLast: number | null;
}
export function reported(record: RotationRecord): Reported {
  const step = (s: Parameters<typeof stepOf>[1]) => stepOf(record, s);
  const [promoted, revoked, buried, closed] = [step("promoted"), step("revoked"), step("buried"), step("closed")];
  const opened = record.steps[0];
  const ended = revoked ?? buried;
  return {
    environment: record.environment, rotation: record.rotation, path: record.path, kind: record.kind, class: record.class, strategy: record.strategy, reason: record.reason,
    state: isClosed(record) ? "closed" : isAborted(record) ? "aborted" : "open", step: record.steps.at(-1)?.step ?? "",
    openedAt: opened?.at ?? "", promotedAt: promoted?.at ?? null, revokedAt: ended?.at ?? null, closedAt: closed?.at ?? null,
    actor: opened?.actor ?? "", approver: step("attested")?.actor ?? null,
    overlapSeconds: promoted && ended ? Math.round((Date.parse(ended.at) - Date.parse(step("staged")?.at ?? promoted.at)) / 1000) : null,
    nextVerdict: step("tested")?.verdict ?? null, oldVerdict: (buried ?? step("alive"))?.verdict ?? null,
    reportedAt: record.reportedAt ?? null, sinceReportSeconds: ended?.sinceReportSeconds ?? null,
    daysSinceLast: record.previous && opened ? Math.floor((Date.parse(opened.at) - (parseDate(record.previous.issuedAt)?.getTime() ?? 0)) / DAY_MS) : null,
  };
}
/** One report of a compromise in one environment: from the report to the last revocation, as the records measured it. */
export interface Compromise {
  readonly environment: string;
  readonly reportedAt: string;
  readonly credentials: number;
  readonly ended: number;
  readonly lastRevokedAt: string | null;
  /** Measured when the last of them was ended; of those that are ended while others live. Null while none is. */
  readonly seconds: number | null;
  /** Every one of them is ended. */
  readonly complete: boolean;
}
/** Each report's total, the oldest first. Of a credential that was begun again the last rotation counts. */
export function compromises(list: readonly Reported[]): Compromise[] {
  const reports = new Map<string, Map<string, Reported>>();
  for (const r of list) {
    if (r.reportedAt === null || r.reason !== "compromise") continue;
    const key = `${r.environment}\n${r.reportedAt}`;
    reports.set(key, (reports.get(key) ?? new Map<string, Reported>()).set(r.path, r));
  }
  return [...reports.values()].map((byPath) => {
    const all = [...byPath.values()];
    const ended = all.filter((r) => r.state !== "aborted" && r.sinceReportSeconds !== null);
    const last = ended.reduce<Reported | null>((a, b) => (a === null || (b.sinceReportSeconds ?? 0) > (a.sinceReportSeconds ?? 0) ? b : a), null);
    return { environment: all[0]?.environment ?? "", reportedAt: all[0]?.reportedAt ?? "", credentials: all.length, ended: ended.length, lastRevokedAt: last?.revokedAt ?? null, seconds: last?.sinceReportSeconds ?? null, complete: ended.length === all.length };
  }).sort((a, b) => (a.reportedAt < b.reportedAt ? -1 : 1));
}
/** What the schedule asked for and nobody did: credentials past their due date without a rotation, late rotations, and what was begun and left open. */
export function gaps(d: Declared, records: readonly KeptRecord[], clock: Clock): Finding[] {
  const now = clock.now();
  const late = d.credentials.flatMap((c) => {
    const days = daysBetween(dueAt(c.claims), now);
    return days > 0 ? [rotationCodes.finding("ROTATION_GAP", { message: `${c.path} of ${d.name} was due ${isoDate(dueAt(c.claims))}, ${days} days ago`, at: c.at, path: c.path, hint: `stackseal rotate start ${c.path} --env ${d.name} --reason scheduled` })] : [];
  });
  const left = records.filter((k) => isOpen(k.record)).map((k) => rotationCodes.finding("ROTATION_LEFT_OPEN", { message: `${k.record.path} of ${d.name}: begun ${k.record.steps[0]?.at.slice(0, 10) ?? ""}, stands at ${k.record.steps.at(-1)?.step ?? ""}`, at: { file: k.file, line: 1, column: 1 }, path: k.record.path, hint: `stackseal rotate resume ${k.record.rotation} --env ${d.name}` }));
  return [...late, ...left];
}
const COLUMNS = ["environment", "path", "kind", "class", "reason", "state", "openedAt", "promotedAt", "revokedAt", "closedAt", "actor", "approver", "strategy", "overlapSeconds", "nextVerdict", "oldVerdict", "reportedAt", "sinceReportSeconds", "daysSinceLast", "rotation"] as const satisfies readonly (keyof Reported)[];
/** Comma-separated, RFC 4180, a line a rotation and then a line a report of a compromise, whose path is `*`; a cell that a spreadsheet would run begins with an apostrophe. */
export function csv(list: readonly Reported[], reports: readonly Compromise[]): string {
  const cell = (v: string | number | null | undefined): string => {
    const text = String(v ?? "");
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const totals = reports.map((c): Partial<Reported> => ({ environment: c.environment, path: "*", kind: `${c.ended} of ${c.credentials} ended`, reason: "compromise", state: c.complete ? "closed" : "open", ...(c.complete && { revokedAt: c.lastRevokedAt }), reportedAt: c.reportedAt, sinceReportSeconds: c.seconds }));
  return [COLUMNS.join(","), ...[...list, ...totals].map((r: Partial<Reported>) => COLUMNS.map((c) => cell(r[c])).join(","))].map((l) => `${l}\r\n`).join("");
}
