import type { Compromise, Reported } from "../../rotation/report.ts";
import { rotationFile } from "../../schemas/layout.ts";
import type { Context } from "../command.ts";
import { painter, printable } from "./paint.ts";

export interface Moved extends Reported {
  /** The code of what is waited for. */
  readonly waiting: string | null;
}
/** Rotations as a person and as a program read them; with the time from a report to the last revocation where one was reported. */
export function renderRotations(context: Context, env: string, list: readonly Moved[], reports: readonly Compromise[] = []): { readonly json: { readonly environment: string; readonly rotations: readonly (Moved & { readonly record: string })[]; readonly lastRevocationSeconds: number | null }; readonly text: string } {
  const p = painter(context.color);
  const pad = (text: string, width: number): string => printable(text).padEnd(width);
  const width = Math.max(4, ...list.map((r) => r.path.length));
  const since = list.flatMap((r) => (r.sinceReportSeconds === null ? [] : [r.sinceReportSeconds]));
  const last = since.length ? Math.max(...since) : null;
  const rows = list.map((r) => {
    const state = r.state === "closed" ? p.green("closed ") : r.state === "aborted" ? p.dim("aborted") : p.yellow("open   ");
    const dead = r.oldVerdict === "invalid" ? "old one dead" : r.oldVerdict === "valid" ? p.red("OLD ONE ALIVE") : r.oldVerdict === "skipped" ? (r.approver !== null ? `attested by ${r.approver}` : "old one unproven") : r.step;
    return `${state}  ${pad(r.environment, 8)}  ${pad(r.path, width)}  ${pad(r.reason, 10)}  ${r.openedAt.slice(0, 10)}  ${pad(r.actor, 16)}  ${pad(r.rotation, 20)}  ${dead}`;
  });
  const head = p.bold(`State    ${pad("Env", 8)}  ${pad("Path", width)}  ${pad("Reason", 10)}  Opened      ${pad("By", 16)}  ${pad("Rotation", 20)}  `);
  return {
    json: { environment: env, rotations: list.map((r) => ({ ...r, record: rotationFile(r.environment, r.rotation) })), lastRevocationSeconds: last },
    text: [head, ...rows, ...(reports.length ? reports.map((c) => totalLine(c)) : last !== null ? [`from the report to the last revocation: ${spell(last)}`] : [])].join("\n"),
  };
}
const spell = (seconds: number): string => (seconds < 3600 ? `${Math.floor(seconds / 60)} min ${seconds % 60} s` : `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`);
/** One report of a compromise, its measured total or how far it is. */
function totalLine(c: Compromise): string {
  const head = `${printable(c.environment)}: compromise reported ${c.reportedAt}:`;
  if (c.complete) return `${head} ${c.credentials} old credential${c.credentials === 1 ? "" : "s"} ended, from the report to the last revocation ${spell(c.seconds ?? 0)}`;
  return `${head} ${c.ended} of ${c.credentials} old credentials ended${c.seconds === null ? "" : `, the last after ${spell(c.seconds)}`}; the others LIVE`;
}
