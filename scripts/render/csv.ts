/** One row of RFC 4180. What a spreadsheet would run as a formula gets an apostrophe in front: names come from commits, which anybody may write. */
export function csvRow(cells: readonly (string | null)[]): string {
  let row = "";
  for (let i = 0; i < cells.length; i++) row += (i === 0 ? "" : ",") + cell(cells[i] ?? "");
  return `${row}\r\n`;
}
// The wide ones too: a spreadsheet of a language that types them takes them for the others.
const FORMULA = new Set("=+-@\t\r\n＝＋－＠");
function cell(text: string): string {
  const first = text.charCodeAt(0);
  // Nearly every cell begins with a letter or digit, or is empty.
  const plain = text === "" || (first >= 48 && first <= 57) || (first >= 65 && first <= 122);
  const safe = !plain && FORMULA.has(text.charAt(0)) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
