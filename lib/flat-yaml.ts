import { parse } from "yaml";
import { parseDocument } from "./document.ts";

// A declaration as flat text: dotted path → what stands there, unread. History has a hundred thousand versions of files whose lines hardly
// change, so block YAML is read line by line; what isn't plain block YAML goes through the real parser.

export type Flat = ReadonlyMap<string, string>;
const KEY = /^("[^"]*"|'[^']*'|[^\s:#"'{}[\],&*!|>%@`][^:]*?):(?:[ ]+(.*))?$/;

/** A version of a file, cut into lines once. */
export type Lines = readonly string[];

/** Null where the text is no map. Values are as written (quotes, flow collections); `|` blocks are their text. */
export function flatten(lines: Lines, file: string): Flat | null {
  return quick(lines) ?? slow(lines.join("\n"), file);
}

interface Level { readonly indent: number; readonly prefix: string; items: number }
/** The same without the parser: null where a line isn't plain block YAML. */
export function quick(lines: Lines): Flat | null {
  const out = new Map<string, string>();
  const stack: Level[] = [{ indent: 0, prefix: "", items: 0 }];
  for (let i = 0; i < lines.length; i++) {
    let line = lines[i] as string;
    let indent = 0;
    while (line.charCodeAt(indent) === 32) indent++;
    if (indent === line.length || line.charCodeAt(indent) === 35) continue;
    if (line.includes("\t") || (indent === 0 && (line.startsWith("---") || line.startsWith("...") || line.startsWith("%")))) return null;
    if (indent > 0) line = line.slice(indent);
    while (stack.length > 1 && (stack.at(-1) as Level).indent > indent) stack.pop();
    let level = stack.at(-1) as Level;
    if (level.indent < indent) return null;
    const colon = simpleColon(line, 0);
    if (colon > 0 && indentOf(lines, i + 1) <= indent) {
      out.set(level.prefix + line.slice(0, colon), line.slice(colon + 2));
      continue;
    }
    while (line.startsWith("- ")) {
      const spaces = /^- +/.exec(line)?.[0].length ?? 2;
      const prefix = `${level.prefix}${String(level.items++)}`;
      line = line.slice(spaces);
      indent += spaces;
      const m = KEY.exec(line);
      if (!m && !line.startsWith("- ")) {
        const scalar = scalarAt(lines, i, line, indent);
        if (scalar === null) return null;
        out.set(prefix, scalar.value);
        i = scalar.last;
        line = "";
        break;
      }
      level = { indent, prefix: `${prefix}.`, items: 0 };
      stack.push(level);
    }
    if (line === "") continue;
    const bare = bareKey(line);
    const m = bare ? null : KEY.exec(line);
    if (!bare && !m) return null;
    const key = m ? (m[1] as string).replace(/^["']|["']$/g, "") : line.slice(0, -1);
    const value = m?.[2]?.trimStart() ?? "";
    const path = level.prefix + key;
    if (value === "" || value.startsWith("#")) {
      let n = i + 1;
      while (n < lines.length && indentOf(lines, n) === 0 && /^ *(#|$)/.test(lines[n] as string)) n++;
      const deeper = n < lines.length ? indentOf(lines, n) : -1;
      const list = n < lines.length && (lines[n] as string).startsWith("- ", deeper);
      if (deeper > indent || (list && deeper === indent)) stack.push({ indent: deeper, prefix: `${path}.`, items: 0 });
      else out.set(path, "");
      continue;
    }
    const scalar = scalarAt(lines, i, value, indent);
    if (scalar === null) return null;
    out.set(path, scalar.value);
    i = scalar.last;
  }
  return out;
}
const LETTER = new Uint8Array(128);
for (const c of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") LETTER[c.charCodeAt(0)] = 1;
/** Where the colon is in `key: value`, both plain: most lines are, and need no pattern. 0: look closer. */
function simpleColon(line: string, start: number): number {
  const colon = plainKeyEnd(line, start);
  if (colon === 0 || line.charCodeAt(colon + 1) !== 32) return 0;
  const first = line.charCodeAt(colon + 2);
  const last = line.charCodeAt(line.length - 1);
  return LETTER[first] !== 1 || first === 45 || last === 32 || last === 13 || line.includes(" #", colon + 2) ? 0 : colon;
}
/** Where the colon of a plain key is that begins there; 0 where none does. */
export function plainKeyEnd(text: string, start: number): number {
  let colon = start;
  while (LETTER[text.charCodeAt(colon)] === 1) colon++;
  return colon === start || text.charCodeAt(start) === 45 || text.charCodeAt(colon) !== 58 ? 0 : colon;
}
/** Whether it is `key:` alone. */
function bareKey(line: string): boolean {
  let n = 0;
  while (LETTER[line.charCodeAt(n)] === 1) n++;
  return n > 0 && n === line.length - 1 && line.charCodeAt(n) === 58 && line.charCodeAt(0) !== 45;
}
/** Whether it is `key: value`, both plain, at any depth, not in a list's first line. */
export function leafLine(line: string): boolean {
  let n = 0;
  while (line.charCodeAt(n) === 32) n++;
  return simpleColon(line, n) > 0;
}
/** 0 at the end and of an empty line. */
function indentOf(lines: Lines, i: number): number {
  const line = lines[i];
  if (line === undefined) return 0;
  let n = 0;
  while (line.charCodeAt(n) === 32) n++;
  return n === line.length || line.charCodeAt(n) === 35 ? 0 : n;
}
/** A scalar or a flow collection that begins on a line, perhaps going on over further ones; null where it is something else. */
function scalarAt(lines: readonly string[], at: number, value: string, indent: number): { readonly value: string; readonly last: number } | null {
  const first = value[0] as string;
  if (first === "&" || first === "*" || first === "!") return null;
  if (first === "|" || first === ">") {
    const body: string[] = [];
    let last = at;
    for (let l = at + 1; l < lines.length; l++) {
      const line = lines[l] as string;
      if (line.trim() !== "" && line.search(/[^ ]/) <= indent) break;
      body.push(line.trim());
      last = l;
    }
    return { value: body.join("\n").trimEnd(), last };
  }
  if (first === "{" || first === "[") {
    let text = value;
    for (let l = at; ; ) {
      const end = flowEnd(text);
      if (end > 0) return { value: text.slice(0, end), last: l };
      if (++l >= lines.length) return null;
      text += ` ${(lines[l] as string).trim()}`;
    }
  }
  if (first === '"' || first === "'") {
    const m = first === '"' ? /^"(?:[^"\\]|\\.)*"/.exec(value) : /^'(?:[^']|'')*'/.exec(value);
    return m && /^\s*(#.*)?$/.test(value.slice(m[0].length)) ? { value: m[0].slice(1, -1), last: at } : null;
  }
  const comment = value.search(/\s#/);
  // A plain scalar that goes on in the next line is rare: the parser reads it.
  const next = lines[at + 1] ?? "";
  if (next.trim() !== "" && next.search(/[^ ]/) > indent && !next.trimStart().startsWith("#")) return null;
  return { value: (comment >= 0 ? value.slice(0, comment) : value).trimEnd(), last: at };
}
/** Where a flow collection ends; 0 while it is open. */
export function flowEnd(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 34 || c === 39) {
      const end = text.indexOf(c === 34 ? '"' : "'", i + 1);
      if (end < 0) return 0;
      i = end;
    } else if (c === 123 || c === 91) depth++;
    else if ((c === 125 || c === 93) && --depth === 0) return i + 1;
  }
  return 0;
}

function slow(text: string, file: string): Flat | null {
  const { document } = parseDocument(text, file);
  if (!document || typeof document.value !== "object" || document.value === null) return null;
  return leaves(document.value);
}
export function leaves(value: unknown, prefix = "", out = new Map<string, string>()): Map<string, string> {
  if (typeof value === "object" && value !== null) for (const [k, v] of Object.entries(value)) leaves(v, prefix === "" ? k : `${prefix}.${k}`, out);
  else out.set(prefix, typeof value === "string" ? value : JSON.stringify(value));
  return out;
}

/** The leaves inside a flow collection, `{ a: 1, b: [x] }`, under a path; the text itself where it is none. Both texts are read the same way, so that what is equal reads equal. */
export function flowLeaves(a: string | undefined, b: string | undefined, path: string): readonly [ReadonlyMap<string, string>, ReadonlyMap<string, string>] {
  const [x, y] = [quickFlow(a, path), quickFlow(b, path)];
  return x && y ? [x, y] : [fullFlow(a, path), fullFlow(b, path)];
}
function fullFlow(text: string | undefined, path: string): Map<string, string> {
  if (text === undefined) return new Map();
  if (!/^[[{]/.test(text)) return new Map([[path, text]]);
  try {
    return leaves(parse(text), path);
  } catch {
    return new Map([[path, text]]);
  }
}
const TOKEN = /\s*(?:([{}[\],])|"([^"\\]*)"|'([^']*)'|([A-Za-z0-9+./_@$-](?:[^\s,:#{}[\]]|:(?=[^\s,{}[\]])|[ ](?=[A-Za-z0-9+./_@$-]))*))(\s*:(?=[\s{[]|$))?/y;
/** Null where it isn't of a plain style. */
function quickFlow(text: string | undefined, path: string): Map<string, string> | null {
  const out = new Map<string, string>();
  if (text === undefined) return out;
  if (!/^[[{]/.test(text)) return out.set(path, text);
  TOKEN.lastIndex = 0;
  const levels: { readonly list: boolean; readonly prefix: string; items: number; key: string | null; full: boolean }[] = [];
  while (TOKEN.lastIndex < text.length) {
    const m = TOKEN.exec(text);
    if (!m) return null;
    const [, mark, double, single, plain, colon] = m;
    const level = levels.at(-1);
    const word = double ?? single ?? plain;
    if (mark === "}" || mark === "]") {
      if (level?.list !== (mark === "]") || level.key !== null) return null;
      levels.pop();
      if (levels.length === 0) return TOKEN.lastIndex === text.length ? out : null;
      continue;
    }
    if (mark === ",") {
      if (!level?.full) return null;
      level.full = false;
      continue;
    }
    if (level?.full) return null;
    if (word !== undefined && colon !== undefined) {
      if (!level || level.list || level.key !== null || (double === undefined && single === undefined && plain?.includes(" "))) return null;
      level.key = word;
      continue;
    }
    if (colon !== undefined || (level && !level.list && level.key === null)) return null;
    const own = !level ? path : `${level.prefix}${level.list ? String(level.items++) : (level.key as string)}`;
    if (level) [level.key, level.full] = [null, true];
    if (word === undefined) levels.push({ list: mark === "[", prefix: `${own}.`, items: 0, key: null, full: false });
    else if (!level) return null;
    else if (plain !== undefined && /^(?:~|null|true|false|yes|no|on|off|[-+.]?\d[\d_.eExXoO+-]*)$/i.test(plain) && !/^(?:0|[1-9]\d{0,14}|true|false|null)$/.test(plain)) return null;
    else out.set(own, word);
  }
  return null;
}
