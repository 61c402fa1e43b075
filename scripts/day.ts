import { parseDate } from "../lib/clock.ts";
import { FindingError } from "../lib/finding.ts";

/** `--since` and `--until` as instants that sort as text; `--until` is that day's end; without one, before or after everything. Throws FindingError USAGE_DATE on what is no date. */
export function dayOption(name: string, value: unknown, end: boolean): string {
  if (typeof value !== "string") return end ? "9999" : "";
  const at = parseDate(value);
  if (!at) throw new FindingError({ code: "USAGE_DATE", severity: "error", message: `--${name} wants a date as YYYY-MM-DD, not "${value}"` }, 2);
  return value.length > 10 ? at.toISOString() : `${value}${end ? "T23:59:59.999Z" : ""}`;
}
