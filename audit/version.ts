import { flatten, type Flat } from "../lib/flat-yaml.ts";

/** A top-level key and where its lines are in a file's bytes. `key` has as many characters as bytes. */
export interface Block {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}
/** A version of a file. Little of it is ever made text: most of it is what the version after it says too. */
export class Version {
  readonly bytes: Buffer;
  private whole: string | undefined;
  private cut: readonly Block[] | null | undefined;
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
  /** In the file's order; null where the text isn't cut that easily. */
  get blocks(): readonly Block[] | null {
    if (this.cut === undefined) this.cut = blocksOf(this.bytes.toString("latin1"));
    return this.cut;
  }
  /** Spares telling them: they were found on the way. */
  set blocks(found: readonly Block[] | null) {
    this.cut = found;
  }
  get text(): string {
    return (this.whole ??= this.bytes.toString("utf8"));
  }
  part(start: number, end: number): string {
    return this.bytes.toString("utf8", start, end);
  }
  /** Null where the text is no map. */
  flat(file: string): Flat | null {
    return flatten(this.text.split("\n"), file);
  }
}
/** Whether a line that begins so begins a block: an empty, indented or commented one is of the block at hand, as is a list at the left of its key. */
const begins = (first: number, second: number): boolean => first !== 10 && first !== 13 && first !== 32 && first !== 35 && !(first === 45 && second === 32);
function blocksOf(text: string): Block[] | null {
  const out: Block[] = [];
  const keys = new Set<string>();
  let key = "";
  let start = -1;
  for (let at = 0; at < text.length; ) {
    const first = text.charCodeAt(at);
    if (start < 0 && (first === 32 || first === 9)) return null;
    if (begins(first, start < 0 ? 0 : text.charCodeAt(at + 1))) {
      const colon = first === 45 || first === 37 || first === 46 ? -1 : text.indexOf(":", at);
      if (start >= 0) out.push({ key, start, end: at });
      if (colon < 0) return null;
      key = text.slice(at, colon);
      if (keys.has(key) || key.includes("\n")) return null;
      keys.add(key);
      start = at;
    }
    const end = text.indexOf("\n", at);
    if (end < 0) break;
    at = end + 1;
  }
  if (start >= 0) out.push({ key, start, end: text.length });
  return out;
}

/** What two versions have in the same places: the blocks that differ, as text, in the file's order. */
export interface Changed { readonly key: string; readonly before: string; readonly after: string }
/**
 * The top-level blocks that differ, where both versions have the same ones in the same order; else null. `before`'s are found by `after`'s, for a
 * memory comparison a block.
 */
export function changedBlocks(before: Version, after: Version): readonly Changed[] | null {
  const known = after.blocks;
  if (!known) return null;
  const [a, b] = [before.bytes, after.bytes];
  const out: Changed[] = [];
  const found: Block[] = [];
  let at = known[0]?.start ?? b.length;
  if (at > 0 && !same(a, 0, b, 0, at)) return null;
  for (let i = 0; i < known.length; i++) {
    const { key, start, end } = known[i] as Block;
    let stop = at + end - start;
    if (!same(a, at, b, start, end - start) || !(stop === a.length || begins(a[stop] as number, a[stop + 1] ?? 0))) {
      if (a.toString("latin1", at, at + key.length + 1) !== `${key}:`) return null;
      const next = known[i + 1];
      if (!next) stop = a.length;
      else if (a[stop - 1] !== 10 || a.toString("latin1", stop, stop + next.key.length + 1) !== `${next.key}:`) {
        stop = a.indexOf(`\n${next.key}:`, at, "latin1") + 1;
        if (stop === 0) return null;
      }
      const change = { key, before: before.part(at, stop), after: after.part(start, end) };
      if (!isOne(change.before)) return null;
      out.push(change);
    }
    found.push({ key, start: at, end: stop });
    at = stop;
  }
  if (at !== a.length) return null;
  before.blocks = found;
  return out;
}
const same = (a: Buffer, at: number, b: Buffer, from: number, length: number): boolean => at + length <= a.length && a.compare(b, from, from + length, at, at + length) === 0;
/** Whether a text that begins a block begins no other. */
function isOne(text: string): boolean {
  for (let at = text.indexOf("\n") + 1; at > 0 && at < text.length; at = text.indexOf("\n", at) + 1) if (begins(text.charCodeAt(at), text.charCodeAt(at + 1))) return false;
  return true;
}
