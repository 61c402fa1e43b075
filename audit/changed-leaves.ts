import { flowEnd, plainKeyEnd, type Flat } from "../lib/flat-yaml.ts";

// Most changes of a file are new values on the same lines: two texts are walked side by side, and nothing is made of what didn't change.

/** What is asked for even where it didn't change: whose value it is. */
export const ALWAYS: ReadonlySet<string> = new Set(["issueId", "sealedBy", "rule"]);
/** Where one of these is, the line-by-line reader looks closer. */
const ODD = ["\t", "#", "\r", "\u2028", "\u2029"];
interface Level { readonly indent: number; readonly prefix: string }

/**
 * The leaves that differ between texts whose lines are the same but for the values of `key: value`, and who sealed which issue; null where they
 * differ otherwise, or have a line of another style.
 */
export function changedLeaves(changed: readonly { readonly before: string; readonly after: string }[]): { readonly before: Flat; readonly after: Flat } | null {
  const [before, after] = [new Map<string, string>(), new Map<string, string>()];
  for (const c of changed) if (!compare(c.before, c.after, before, after)) return null;
  return { before, after };
}
function compare(a: string, b: string, before: Map<string, string>, after: Map<string, string>): boolean {
  for (const c of ODD) if (a.includes(c) || b.includes(c)) return false;
  const outer: Level[] = [];
  let level: Level = { indent: 0, prefix: "" };
  /** The key alone in the line before: only it may have deeper lines. */
  let parent: string | null = null;
  for (let p = 0, q = 0; p < a.length || q < b.length; ) {
    const [e, f] = [endOf(a, p), endOf(b, q)];
    const same = e - p === f - q && a.slice(p, e) === b.slice(q, f);
    let key = p;
    while (a.charCodeAt(key) === 32) key++;
    if (key < e) {
      const indent = key - p;
      if (indent > level.indent) {
        if (parent === null) return false;
        outer.push(level);
        level = { indent, prefix: `${parent}.` };
      }
      while (indent < level.indent) level = outer.pop() as Level;
      const colon = plainKeyEnd(a, key);
      if (indent !== level.indent || colon === 0) return false;
      if (colon + 1 === e) {
        if (!same) return false;
        parent = level.prefix + a.slice(key, colon);
      } else {
        parent = null;
        const from = colon + 2;
        const value = a.charCodeAt(colon + 1) === 32 ? scalar(a, from, e) : null;
        if (value === null) return false;
        const name = a.slice(key, colon);
        if (!same || ALWAYS.has(name)) {
          const other = same ? value : b.startsWith(a.slice(p, from), q) ? scalar(b, q + from - p, f) : null;
          if (other === null) return false;
          before.set(level.prefix + name, value);
          after.set(level.prefix + name, other);
        }
      }
    } else if (!same) return false;
    [p, q] = [e + 1, f + 1];
  }
  return true;
}
function endOf(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : end;
}
/** A value of one line as `flatten` reads it; null of another style. */
function scalar(text: string, from: number, end: number): string | null {
  const [first, last] = [text.charCodeAt(from), text.charCodeAt(end - 1)];
  if (end <= from || last <= 32 || last >= 127) return null;
  const value = text.slice(from, end);
  if (first === 34 || first === 39) {
    const inner = value.slice(1, -1);
    return value.length > 1 && last === first && !inner.includes(first === 34 ? '"' : "'") && !inner.includes("\\") ? inner : null;
  }
  if (first === 123 || first === 91) return flowEnd(value) === value.length ? value : null;
  return (first >= 48 && first <= 57) || (first >= 65 && first <= 90) || first === 95 || (first >= 97 && first <= 122) || first === 43 || first === 47 ? value : null;
}
