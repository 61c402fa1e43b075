import { parse } from "yaml";
import { parseDocument } from "../lib/document.ts";

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

/**
 * Both versions of a file, only where they may differ: mostly one value of one top-level block changed, and the rest needn't be read.
 * Null where one of them is no map.
 */
export function flattenPair(before: Lines, after: Lines, file: string): { readonly before: Flat; readonly after: Flat } | null {
  const blocks = before.length === after.length ? changedBlocks(before, after) : null;
  if (blocks) {
    const [a, b] = [quick(blocks.before), quick(blocks.after)];
    if (a && b) return { before: a, after: b };
  }
  const [a, b] = [flatten(before, file), flatten(after, file)];
  return a && b ? { before: a, after: b } : null;
}
/** The top-level blocks in which lines differ, where the blocks themselves are the same ones; null else. What sops writes anew each time is passed over. */
function changedBlocks(before: Lines, after: Lines): { readonly before: Lines; readonly after: Lines } | null {
  const out: { before: string[]; after: string[] } = { before: [], after: [] };
  let start = 0;
  let differs = false;
  let sops = false;
  for (let i = 0; i <= before.length; i++) {
    const a = before[i] ?? "", b = after[i] ?? "";
    const first = a.charCodeAt(0);
    const top = i === before.length || (a !== "" && first !== 32 && first !== 35 && first !== 45);
    if (top) {
      if (differs) for (let k = start; k < i; k++) { out.before.push(before[k] as string); out.after.push(after[k] as string); }
      start = i;
      differs = false;
      sops = a === "sops:";
    }
    if (a !== b) {
      if (top) return null;
      if (!sops || a.includes("recipient:") || b.includes("recipient:")) differs = true;
    }
  }
  return out;
}

interface Level { readonly indent: number; readonly prefix: string; items: number }
function quick(lines: Lines): Flat | null {
  const out = new Map<string, string>();
  const stack: Level[] = [{ indent: 0, prefix: "", items: 0 }];
  for (let i = 0; i < lines.length; i++) {
    let line = lines[i] as string;
    let indent = 0;
    while (line.charCodeAt(indent) === 32) indent++;
    if (indent === line.length || line.charCodeAt(indent) === 35) continue;
    if (line.includes("\t") || (indent === 0 && (line.startsWith("---") || line.startsWith("...") || line.startsWith("%")))) return null;
    line = line.slice(indent);
    while (stack.length > 1 && (stack.at(-1) as Level).indent > indent) stack.pop();
    let level = stack.at(-1) as Level;
    if (level.indent < indent) return null;
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
    const m = KEY.exec(line);
    if (!m) return null;
    const key = (m[1] as string).replace(/^["']|["']$/g, "");
    const value = (m[2] ?? "").trimStart();
    const path = level.prefix + key;
    if (value === "" || value.startsWith("#")) {
      const next = lines.slice(i + 1, i + 50).find((l) => !/^ *(#|$)/.test(l)) ?? "";
      const deeper = next.search(/[^ ]/);
      const list = next.trimStart().startsWith("- ");
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
function flowEnd(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    if (c === '"' || c === "'") {
      const end = text.indexOf(c, i + 1);
      if (end < 0) return 0;
      i = end;
    } else if (c === "{" || c === "[") depth++;
    else if (c === "}" || c === "]") {
      if (--depth === 0) return i + 1;
    }
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

export interface Difference { readonly path: string; readonly change: "added" | "removed" | "changed" }
/** Paths whose text differs; where both sides are flow collections, the paths inside them. */
export function differences(before: Flat, after: Flat): Difference[] {
  const out: Difference[] = [];
  const open = (path: string, text: string | undefined): Map<string, string> => {
    if (text === undefined) return new Map();
    if (!/^[[{]/.test(text)) return new Map([[path, text]]);
    try {
      return leaves(parse(text), path);
    } catch {
      return new Map([[path, text]]);
    }
  };
  const one = (path: string, a: string | undefined, b: string | undefined): void => {
    if (a === b) return;
    if (/^[[{]/.test(a ?? "") || /^[[{]/.test(b ?? "")) {
      const [x, y] = [open(path, a), open(path, b)];
      for (const p of new Set([...x.keys(), ...y.keys()])) if (x.get(p) !== y.get(p)) out.push({ path: p, change: !x.has(p) ? "added" : !y.has(p) ? "removed" : "changed" });
    } else out.push({ path, change: a === undefined ? "added" : b === undefined ? "removed" : "changed" });
  };
  for (const [path, a] of before) one(path, a, after.get(path));
  for (const [path, b] of after) if (!before.has(path)) one(path, undefined, b);
  return out;
}
