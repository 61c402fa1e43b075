import { createHash } from "node:crypto";
import type { ScanRule } from "../schemas/scan-rules.ts";
import { decodings, type Decoded } from "./decode.ts";
import type { CompiledRule, RuleSet } from "./rules.ts";

/** A credential in a text; offsets count bytes, as the text is read one byte a character. */
export interface Hit {
  readonly rule: ScanRule;
  readonly start: number;
  readonly end: number;
  /** In which it is written, where the text doesn't hold the credential itself. */
  readonly encoding?: Decoded["encoding"];
}
interface Found extends Hit {
  readonly order: number;
}

/** How far, in bytes, a keyword may stand from the value that it makes likely. */
const REACH = 400;

/** So often is decoded what was decoded. */
const DEPTH = 3;

/**
 * Every credential in `text` (bytes as latin1), in order and without overlaps; where two rules see the same value, the earlier rule names it.
 * One that is written in base64, hex, percent-encoding or escapes is found where that stands. Placeholders, documented samples, public
 * identifiers and sops ciphertext are no credentials.
 */
export function findCredentials(text: string, set: RuleSet): Hit[] {
  return hitsIn(text, set, DEPTH).map(({ order: _, ...hit }) => hit);
}
function hitsIn(text: string, set: RuleSet, depth: number): Found[] {
  const hits = plainHits(text, set);
  if (depth > 0) for (const d of decodings(text)) {
    // The name before it makes a value likely here as it does anywhere.
    const name = text.slice(text.lastIndexOf("\n", d.start - 1) + 1, d.start).slice(-120);
    const inner = hitsIn(name + d.text, set, depth - 1).filter((h) => h.start >= name.length).sort((a, b) => a.order - b.order)[0];
    if (inner && !inCiphertext(text, d.start, d.end)) hits.push({ rule: inner.rule, order: inner.order, start: d.start, end: d.end, encoding: d.encoding });
  }
  hits.sort((a, b) => a.start - b.start || a.order - b.order);
  const kept: Found[] = [];
  for (const h of hits) {
    const last = kept[kept.length - 1];
    if (!last || h.start >= last.end) kept.push(h);
    else if (h.order < last.order) kept[kept.length - 1] = h;
  }
  return kept;
}
function plainHits(text: string, set: RuleSet): Found[] {
  const awake = new Map<number, number[]>(set.always.map((i) => [i, []]));
  if (set.keywords) {
    set.keywords.lastIndex = 0;
    for (let m = set.keywords.exec(text); m; m = set.keywords.exec(text)) {
      for (const i of set.wakes.get(m[0].toLowerCase()) ?? []) {
        const at = awake.get(i);
        const near = set.rules[i]?.rule.near !== undefined;
        if (near && !isWord(text, m.index, m[0])) continue;
        if (!at) awake.set(i, [m.index]);
        else if (near) at.push(m.index);
      }
      set.keywords.lastIndex = m.index + 1;
    }
  }
  const hits: Found[] = [];
  for (const [i, positions] of awake) {
    const c = set.rules[i] as CompiledRule;
    const pieces = c.rule.near === undefined ? [{ start: 0, end: text.length }] : windows(text, positions, c.rule.near);
    for (const p of pieces) for (const [start, end] of matches(text, c, p.start, p.end)) if (counts(text, start, end, c, set)) hits.push({ rule: c.rule, start, end, order: i });
  }
  return hits;
}

const LETTER = /[A-Za-z0-9]/;
/** A word by itself or at one end of a longer one (`TWILIO_TOKEN`, `twilioToken`, `myTwilio`), not three letters in the middle of a hash. */
function isWord(text: string, at: number, word: string): boolean {
  return !LETTER.test(text[at - 1] ?? " ") || !LETTER.test(text[at + word.length] ?? " ") || /^[A-Z][a-z]+$/.test(word);
}

/** The stretches of text that lie within `lines` lines, and REACH bytes, of a keyword. */
function windows(text: string, positions: readonly number[], lines: number): { start: number; end: number }[] {
  const all: { start: number; end: number }[] = [];
  for (const p of positions) {
    const left = text.slice(Math.max(0, p - REACH), p);
    let start = left.length || -1;
    for (let n = 0; n <= lines && start > 0; n++) start = left.lastIndexOf("\n", start - 1);
    const right = text.slice(p, p + REACH);
    let end = 0;
    for (let n = 0; n <= lines && end !== -1; n++) end = right.indexOf("\n", end + 1);
    const w = { start: p - left.length + Math.max(start + 1, 0), end: p + (end === -1 ? right.length : end) };
    const last = all[all.length - 1];
    if (last && w.start <= last.end) last.end = Math.max(last.end, w.end);
    else all.push(w);
  }
  return all;
}

function* matches(text: string, c: CompiledRule, from: number, to: number): Generator<[number, number]> {
  const whole = from === 0 && to === text.length;
  const piece = whole ? text : text.slice(from, to);
  c.pattern.lastIndex = 0;
  for (let m = c.pattern.exec(piece); m; m = c.pattern.exec(piece)) {
    const value = m[1] ?? m[0];
    const start = m.index + m[0].lastIndexOf(value);
    const end = start + value.length;
    // The right neighbour of this value may be the left one of the next.
    c.pattern.lastIndex = Math.max(end, m.index + 1);
    // A piece may begin or end in the middle of a word: what touches a cut edge isn't bounded there.
    const cut = (start === 0 && from > 0 && text[from - 1] !== "\n") || (end === piece.length && to < text.length && /[\w+/=-]/.test(text[to] as string));
    if (!cut) yield [from + start, from + end];
  }
}

function counts(text: string, start: number, end: number, c: CompiledRule, set: RuleSet): boolean {
  const value = text.slice(start, end);
  if (entropy(value) < c.rule.entropy) return false;
  if (c.notValue.some((r) => r.test(value))) return false;
  if (c.rule.id !== "private-key" && set.placeholders.some((r) => r.test(value))) return false;
  if (c.notAfter.length) {
    const near = text.slice(Math.max(start - 120, 0), start);
    const before = near.slice(near.lastIndexOf("\n") + 1);
    if (c.notAfter.some((r) => r.test(before))) return false;
  }
  if (inCiphertext(text, start, end)) return false;
  return !set.documented.has(createHash("sha256").update(Buffer.from(value, "latin1")).digest("hex"));
}

/** Between `ENC[AES256_GCM,` and its bracket, and nothing but what sops writes there: a bracket that was never closed covers nothing. */
function inCiphertext(text: string, start: number, end: number): boolean {
  const before = text.slice(Math.max(0, start - 20_000), start);
  const open = before.lastIndexOf("ENC[AES256_GCM,");
  const value = text.slice(start, end).split("]", 1)[0] as string;
  return open !== -1 && /^ENC\[AES256_GCM,data:[A-Za-z0-9+/=]*(?:,(?:iv|tag):[A-Za-z0-9+/=]*|,type:[a-z]*)*$/.test(before.slice(open) + value);
}

/** Shannon entropy in bits a character. */
export function entropy(value: string): number {
  const counts = new Map<string, number>();
  for (const ch of value) counts.set(ch, (counts.get(ch) ?? 0) + 1);
  let sum = 0;
  for (const n of counts.values()) sum -= (n / value.length) * Math.log2(n / value.length);
  return sum;
}
