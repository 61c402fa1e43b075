// Long lines on a narrow terminal: broken between words, with the indent of what they go on with. Pipes and files get lines as they are.

const ANSI = /\u001b\[[0-9;]*m/g;
/** Wide characters take two columns, marks that combine take none. */
function widthOf(text: string): number {
  let n = 0;
  for (const c of text.replace(ANSI, "")) {
    const p = c.codePointAt(0) ?? 0;
    n += /\p{Mn}|\u200d|\ufe0f/u.test(c) ? 0 : (p >= 0x1100 && p <= 0x115f) || (p >= 0x2e80 && p <= 0xa4cf) || (p >= 0xac00 && p <= 0xd7a3) || (p >= 0xf900 && p <= 0xfaff) || (p >= 0xff00 && p <= 0xff60) || p >= 0x1f300 ? 2 : 1;
  }
  return n;
}
/** A command is copied whole; the tree of a preview is no prose. */
const WHOLE = /^\s*(?:→ |\$ )?(?:stackseal|npx|npm|pulumi|git|gh|aws|export|printf|sops|age-keygen)\s/;
const TREE = /[├└│]/;
const whole = (line: string): boolean => WHOLE.test(line.replace(ANSI, ""));

/** Text for where it goes: broken between words on a terminal, as wide as that is or COLUMNS (`said`) says; untouched in a pipe. */
export function fit(text: string, stream: { readonly isTTY: boolean; readonly columns: number }, said: string | undefined): string {
  const columns = Number(said);
  return stream.isTTY ? wrap(text, Number.isInteger(columns) && columns > 0 ? columns : stream.columns) : text;
}
/** Text whose lines are at most `columns` wide where there is a space to break them. */
export function wrap(text: string, columns: number): string {
  if (columns < 20) return text;
  return text.split("\n").map((line) => (widthOf(line) <= columns || (whole(line) && !/\S {2,}\S/.test(line)) || TREE.test(line) ? line : broken(line, columns))).join("\n");
}
function broken(line: string, columns: number): string {
  const indent = (/^\s*/.exec(line)?.[0] ?? "").length;
  const hanging = " ".repeat(Math.min(indent + 4, columns >> 1));
  const out: string[] = [];
  let now = " ".repeat(indent);
  let empty = true;
  // What stands in a column far to the right goes under what it belongs to.
  const [head = "", gap = "", rest = ""] = /^(.*?\S)( {2,})(\S.*)$/.exec(line.slice(indent))?.slice(1) ?? [];
  const far = gap !== "" && indent + widthOf(head) + gap.length > columns * 0.4;
  if (far) {
    out.push(...(widthOf(head) + indent > columns && !whole(line) ? broken(now + head, columns) : now + head).split("\n"));
    now = hanging;
  }
  for (const part of (far ? rest : line.slice(indent)).split(/( +)/)) {
    if (part === "") continue;
    const space = part.trim() === "";
    if (!space && !empty && widthOf(now) + widthOf(part) > columns) {
      out.push(now.trimEnd());
      now = hanging + part;
    } else if (space && empty) continue;
    else now += space && widthOf(now) + part.length > columns ? " " : part;
    empty = false;
  }
  out.push(now.trimEnd());
  return out.join("\n");
}
