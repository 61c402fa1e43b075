import { flowLeaves, leafLine, quick, type Flat } from "../lib/flat-yaml.ts";
import { ALWAYS, changedLeaves } from "./changed-leaves.ts";
import { changedBlocks, type Block, type Changed, type Version } from "./version.ts";

export type { Flat } from "../lib/flat-yaml.ts";

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
  const changed = (changedBlocks(before, after) ?? otherBlocks(before, after))?.filter((c) => c.key !== "sops" || recipientLines(c.before) !== recipientLines(c.after));
  if (changed) {
    const quickly = changedLeaves(changed);
    if (quickly) return quickly;
    const [was, is]: [string[], string[]] = [[], []];
    for (const c of changed) {
      const [a, b] = [c.before.split("\n"), c.after.split("\n")];
      if (a.length === b.length) slim(a, b);
      for (const l of a) was.push(l);
      for (const l of b) is.push(l);
    }
    const [a, b] = [quick(was), quick(is)];
    if (a && b) return { before: a, after: b };
  }
  const [a, b] = [before.flat(file), after.flat(file)];
  return a && b ? { before: a, after: b } : null;
}
/** The same of blocks in any order, where they are cut easily at all; "" stands for one that isn't there. */
function otherBlocks(before: Version, after: Version): Changed[] | null {
  if (!before.blocks || !after.blocks) return null;
  const texts = (v: Version, blocks: readonly Block[]): Map<string, string> => new Map(blocks.map((b) => [b.key, v.part(b.start, b.end)]));
  const [x, y] = [texts(before, before.blocks), texts(after, after.blocks)];
  if (x.has("sops") !== y.has("sops")) return null;
  return [...new Set([...x.keys(), ...y.keys()])].flatMap((key) => (x.get(key) === y.get(key) ? [] : [{ key, before: x.get(key) ?? "", after: y.get(key) ?? "" }]));
}

/** What a line is asked for even where it didn't change. */
const ASKED = new RegExp(`^ *(?:${[...ALWAYS].join("|")}): `);
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
    if (same[i] === true && leafLine(x) && !ASKED.test(x)) continue;
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
