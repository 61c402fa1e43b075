import { parseDate } from "../lib/clock.ts";
import { FindingError } from "../lib/finding.ts";

/** `--since` and `--until` of a command as instants that sort as text. Throws FindingError USAGE_DATE on what is no date, and where the end is before the beginning. */
export function daysOption(options: Readonly<Record<string, unknown>>): { readonly since: string; readonly until: string } {
  const [since, until] = [dayOption("since", options["since"], false), dayOption("until", options["until"], true)];
  if (until < since) throw new FindingError({ code: "USAGE_DATE", severity: "error", message: `--until ${String(options["until"])} is before --since ${String(options["since"])}` }, 2);
  return { since, until };
}
/** `--since` and `--until` as instants that sort as text; `--until` is that day's end; without one, before or after everything. Throws FindingError USAGE_DATE on what is no date. */
function dayOption(name: string, value: unknown, end: boolean): string {
  if (typeof value !== "string") return end ? "9999" : "";
  const at = parseDate(value);
  if (!at) throw new FindingError({ code: "USAGE_DATE", severity: "error", message: `--${name} wants a date as YYYY-MM-DD, not "${value}"` }, 2);
  return value.length > 10 ? at.toISOString() : `${value}${end ? "T23:59:59.999Z" : ""}`;
}
