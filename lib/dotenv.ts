import { defineCodes, type Finding } from "./finding.ts";

// .env files as they occur: `export`, three kinds of quotes, values over several lines, comments. Interpolation is kept literal: a value
// that another program would have expanded must not be guessed.

export const dotenvCodes = defineCodes({
  DOTENV_SYNTAX: { severity: "error", title: "A line of a .env file is no NAME=value" },
  DOTENV_QUOTE: { severity: "error", title: "A quote in a .env file is never closed" },
  DOTENV_DUPLICATE: { severity: "error", title: "A name stands twice in a .env file" },
});
export interface DotenvEntry {
  readonly name: string;
  readonly value: string;
  readonly line: number;
  readonly column: number;
  /** The text has `${…}` or `$NAME` that other readers would expand; here it stands as it is. */
  readonly interpolated: boolean;
}
export interface Dotenv {
  readonly entries: readonly DotenvEntry[];
  readonly findings: readonly Finding[];
}
const NAME = /^(\s*)(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*/;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", "\\": "\\", '"': '"', $: "$" };

/** Reads a .env file; every malformed line is a finding with its place, and no finding quotes a value. */
export function parseDotenv(text: string, file: string): Dotenv {
  const entries: DotenvEntry[] = [];
  const findings: Finding[] = [];
  const seen = new Map<string, number>();
  const lines = text.split("\n").map((l) => l.replace(/\r$/, ""));
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? "";
    if (/^\s*(#|$)/.test(line)) continue;
    const at = { file, line: i + 1, column: /\S/.exec(line)?.index === undefined ? 1 : line.search(/\S/) + 1 };
    const m = NAME.exec(line);
    if (!m) {
      findings.push(dotenvCodes.finding("DOTENV_SYNTAX", { message: "this line is no NAME=value", at, hint: "comments begin with #" }));
      continue;
    }
    const name = m[2] as string;
    const read = valueFrom(lines, i, m[0].length);
    if (read === null) {
      findings.push(dotenvCodes.finding("DOTENV_QUOTE", { message: `the quote that ${name} opens is never closed`, at, path: name }));
      break;
    }
    if (read.rest) findings.push(dotenvCodes.finding("DOTENV_SYNTAX", { message: `text follows the closing quote of ${name}`, at: { ...at, line: read.last + 1 }, path: name }));
    const first = seen.get(name);
    if (first !== undefined) findings.push(dotenvCodes.finding("DOTENV_DUPLICATE", { message: `${name} stands here and in line ${first}: which one counts depends on the reader`, at, path: name }));
    else seen.set(name, at.line);
    if (first === undefined) entries.push({ name, value: read.value, line: at.line, column: at.column, interpolated: read.interpolated });
    i = read.last;
  }
  return { entries, findings };
}

interface Read {
  readonly value: string;
  /** Index of the last line that belongs to it. */
  readonly last: number;
  readonly interpolated: boolean;
  /** Something other than a comment follows the closing quote. */
  readonly rest: boolean;
}
/** The value that begins at a column of a line; null where its quote is never closed. */
function valueFrom(lines: readonly string[], at: number, column: number): Read | null {
  const line = lines[at] ?? "";
  const quote = line[column];
  if (quote !== '"' && quote !== "'" && quote !== "`") {
    const bare = line.slice(column).replace(/(^|\s+)#.*$/, "").trimEnd();
    return { value: bare, last: at, interpolated: /\$(\{|[A-Za-z_])/.test(bare), rest: false };
  }
  let out = "";
  let interpolated = false;
  for (let l = at, c = column + 1; l < lines.length; l++, c = 0) {
    const text = lines[l] ?? "";
    for (; c < text.length; c++) {
      const ch = text[c] as string;
      if (ch === quote) return { value: out, last: l, interpolated, rest: !/^\s*(#.*)?$/.test(text.slice(c + 1)) };
      if (ch === "\\" && quote === '"' && c + 1 < text.length) {
        const next = text[++c] as string;
        out += ESCAPES[next] ?? `\\${next}`;
      } else {
        if (ch === "$" && quote === '"' && /[{A-Za-z_]/.test(text[c + 1] ?? "")) interpolated = true;
        out += ch;
      }
    }
    out += "\n";
  }
  return null;
}
