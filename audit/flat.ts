import { flatten, flowLeaves, leafLine, quick, type Flat } from "../lib/flat-yaml.ts";

export type { Flat } from "../lib/flat-yaml.ts";

/** A version of a file; its top-level blocks are told once, as it is the new side of one commit and the old side of the next. */
export class Version {
  readonly text: string;
  private cut: ReadonlyMap<string, string> | null | undefined;
  constructor(text: string) {
    this.text = text;
  }
  /** Top-level key → its lines; null where the text isn't cut that easily. */
  get blocks(): ReadonlyMap<string, string> | null {
    if (this.cut === undefined) this.cut = blocksOf(this.text);
    return this.cut;
  }
  /** Null where the text is no map. */
  flat(file: string): Flat | null {
    return flatten(this.text.split("\n"), file);
  }
}
function blocksOf(text: string): ReadonlyMap<string, string> | null {
  const out = new Map<string, string>();
  let key = "";
  let start = -1;
  for (let at = 0; at < text.length; ) {
    const first = text.charCodeAt(at);
    if (start < 0 && (first === 32 || first === 9)) return null;
    const dash = first === 45;
    // Empty, indented, comment: of the block at hand. A list at the left belongs to its key.
    if (first !== 10 && first !== 13 && first !== 32 && first !== 35 && !(dash && start >= 0 && text.charCodeAt(at + 1) === 32)) {
      const colon = dash || first === 37 || first === 46 ? -1 : text.indexOf(":", at);
      if (start >= 0) out.set(key, text.slice(start, at));
      if (colon < 0) return null;
      key = text.slice(at, colon);
      if (out.has(key) || key.includes("\n")) return null;
      start = at;
    }
    const end = text.indexOf("\n", at);
    if (end < 0) break;
    at = end + 1;
  }
  if (start >= 0) out.set(key, text.slice(start));
  return out;
}
function recipientLines(block: string): string {
  let out = "";
  for (let at = block.indexOf("recipient:"); at >= 0; ) {
    const end = block.indexOf("\n", at);
    out += block.slice(at, end < 0 ? block.length : end);
    at = end < 0 ? -1 : block.indexOf("recipient:", end);
  }
  return out;
}

/**
 * Both versions of a file, only where they may differ: mostly one value of one top-level block changed, and the rest needn't be read. What sops
 * writes anew each time is passed over. Null where one of them is no map.
 */
export function flattenPair(before: Version, after: Version, file: string): { readonly before: Flat; readonly after: Flat } | null {
  const [x, y] = [before.blocks, after.blocks];
  if (x !== null && y !== null && x.has("sops") === y.has("sops")) {
    const [was, is]: [string[], string[]] = [[], []];
    for (const [key, text] of x) {
      const other = y.get(key);
      if (other === text || (key === "sops" && other !== undefined && recipientLines(text) === recipientLines(other))) continue;
      const [a, b] = [text.split("\n"), other?.split("\n") ?? []];
      if (a.length === b.length) slim(a, b);
      for (const l of a) was.push(l);
      for (const l of b) is.push(l);
    }
    for (const [key, text] of y) if (!x.has(key)) is.push(...text.split("\n"));
    const [a, b] = [quick(was), quick(is)];
    if (a && b) return { before: a, after: b };
  }
  const [a, b] = [before.flat(file), after.flat(file)];
  return a && b ? { before: a, after: b } : null;
}

/** What a line is asked for even where it didn't change. */
const ALWAYS = /^ *(?:issueId|sealedBy|rule): /;
/**
 * Takes out of two blocks the plain `key: value` lines that are the same in both, where only values of such lines differ: then keys, depths and lists
 * are the same, and so are the paths of what is left.
 */
function slim(a: string[], b: string[]): void {
  const same: boolean[] = [];
  let n = 0;
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as string, b[i] as string];
    same[i] = x === y;
    if (x === y) continue;
    const colon = x.indexOf(": ");
    if (colon < 0 || !y.startsWith(x.slice(0, colon + 2)) || !leafLine(x) || !leafLine(y)) return;
  }
  for (let i = 0; i < a.length; i++) {
    const x = a[i] as string;
    if (same[i] === true && leafLine(x) && !ALWAYS.test(x)) continue;
    [a[n], b[n]] = [x, b[i] as string];
    n++;
  }
  a.length = b.length = n;
}
export interface Difference { readonly path: string; readonly change: "added" | "removed" | "changed" }
/** Paths whose text differs; where both sides are flow collections, the paths inside them. */
export function differences(before: Flat, after: Flat): Difference[] {
  const out: Difference[] = [];
  const one = (path: string, a: string | undefined, b: string | undefined): void => {
    if (a === b) return;
    if (/^[[{]/.test(a ?? "") || /^[[{]/.test(b ?? "")) {
      const [x, y] = flowLeaves(a, b, path);
      for (const p of new Set([...x.keys(), ...y.keys()])) if (x.get(p) !== y.get(p)) out.push({ path: p, change: !x.has(p) ? "added" : !y.has(p) ? "removed" : "changed" });
    } else out.push({ path, change: a === undefined ? "added" : b === undefined ? "removed" : "changed" });
  };
  for (const [path, a] of before) one(path, a, after.get(path));
  for (const [path, b] of after) if (!before.has(path)) one(path, undefined, b);
  return out;
}
