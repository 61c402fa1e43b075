/** One row of RFC 4180. What a spreadsheet would run as a formula gets an apostrophe in front: names come from commits, which anybody may write. */
export const csvRow = (cells: readonly (string | null)[]): string => `${cells.map(cell).join(",")}\r\n`;
function cell(value: string | null): string {
  const text = value ?? "";
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
