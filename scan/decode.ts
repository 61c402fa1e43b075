import { gunzipSync } from "node:zlib";

/** A stretch of a text that says another one. */
export interface Decoded {
  readonly start: number;
  readonly end: number;
  readonly encoding: "base64" | "hex" | "percent" | "escapes";
  /** Bytes as latin1, up to the first that no text has. */
  readonly text: string;
}

/** Nothing shorter holds a credential. */
const SHORTEST = 24;
/** So many characters at the front tell text from ciphertext, hashes and pictures: 12 bytes that all can be read. */
const FRONT = 16;
/** Shorter lines aren't wrapped base64. */
const WRAPPED = 40;
const UNPACKED = 1 << 20;
const BASE64 = 1, HEX = 2, TOKEN = 4;

const KIND = new Uint8Array(256);
for (let c = 0; c < 256; c++) {
  const ch = String.fromCharCode(c);
  KIND[c] = (/[A-Za-z0-9+/_-]/.test(ch) ? BASE64 : 0) | (/[0-9A-Fa-f]/.test(ch) ? HEX : 0) | (/[A-Za-z0-9%\\.~!*+/=:@&?,;$_-]/.test(ch) ? TOKEN : 0);
}
const kind = (text: string, at: number): number => KIND[text.charCodeAt(at)] ?? 0;
const control = (b: number): boolean => (b < 0x20 && b !== 9 && b !== 10 && b !== 13) || b === 0x7f;
/** As UTF-8 has it, looked at from the byte before: near enough to tell text from noise. */
const fits = (b: number, before: number): boolean => (b < 0x80 ? !control(b) : b >= 0xc2 || before >= 0x80);

/** Every stretch of base64 (either alphabet, wrapped too, gzipped or in UTF-16 inside), hex, percent-encoding and `\u0073` in `text` that says a text. */
export function* decodings(text: string): Generator<Decoded> {
  yield* runs(text);
  if (text.includes("%")) yield* tokens(text, /%[2-7][0-9A-Fa-f]/g, "percent", (t) => t.replace(/%([0-9A-Fa-f]{2})/g, byte));
  if (text.includes("\\u00") || text.includes("\\x")) yield* tokens(text, /\\(?:u00|x)[2-7][0-9A-Fa-f]/g, "escapes", (t) => t.replace(/\\(?:u00|x)([0-9A-Fa-f]{2})/g, byte));
}
const byte = (_all: string, hex: string): string => String.fromCharCode(parseInt(hex, 16));

function* runs(text: string): Generator<Decoded> {
  for (let start = 0, i = 0; i <= text.length; i++) {
    if (i < text.length && (kind(text, i) & BASE64) !== 0) continue;
    if (i - start >= SHORTEST) {
      const found = ofHex(text, start, i) ?? ofBase64(text, start, i);
      if (found) {
        yield found;
        i = Math.max(i, found.end);
      }
    }
    start = i + 1;
  }
}
function ofHex(text: string, start: number, end: number): Decoded | null {
  const from = /^0x/i.test(text.slice(start, start + 2)) ? start + 2 : start;
  if (end - from < 2 * SHORTEST || (end - from) % 2 === 1) return null;
  for (let i = from; i < end; i++) if ((kind(text, i) & HEX) === 0) return null;
  const run = text.slice(from, end);
  // A long number isn't text.
  return /[a-f]/i.test(run) ? open(Buffer.from(run, "hex"), start, end, "hex") : null;
}
function ofBase64(text: string, start: number, end: number): Decoded | null {
  // A path or a prefix may stand before it: `data/c2tf…`, `v1-c2tf…`.
  for (let from = start, tries = 0; tries < 4 && end - from >= SHORTEST; tries++) {
    if (readable(Buffer.from(text.slice(from, from + FRONT), "base64"))) {
      const [run, stop] = unwrapped(text, from, end);
      return open(Buffer.from(run, "base64"), from, stop, "base64");
    }
    const next = /[/_+-]/.exec(text.slice(from, Math.min(end, from + 80)));
    if (!next) return null;
    from += next.index + 1;
  }
  return null;
}
/** The run that begins at `from`, with the lines after it where it is wrapped. */
function unwrapped(text: string, from: number, end: number): [string, number] {
  const parts = [text.slice(from, end)];
  let stop = end;
  for (let length = end - from; length >= WRAPPED; ) {
    const gap = /^\r?\n[ \t+]{0,40}/.exec(text.slice(stop, stop + 48))?.[0].length;
    if (gap === undefined) break;
    let next = stop + gap;
    while (next < text.length && (kind(text, next) & BASE64) !== 0) next++;
    length = next - stop - gap;
    if (length === 0 || /^[^\s="'`<]/.test(text.slice(next, next + 1))) break;
    parts.push(text.slice(stop + gap, next));
    stop = next;
  }
  return [parts.join(""), stop];
}
/** As a text, where these bytes are one. */
function open(bytes: Buffer, start: number, end: number, encoding: Decoded["encoding"]): Decoded | null {
  if (!readable(bytes.subarray(0, 12))) return null;
  const plain = gzipped(bytes) ? unpacked(bytes) : wide(bytes) ? Buffer.from(bytes.filter((b) => b !== 0)) : bytes;
  if (!plain) return null;
  let length = 0;
  while (length < plain.length && !control(plain[length] as number)) length++;
  return length < 8 ? null : { start, end, encoding, text: plain.toString("latin1", 0, length) };
}
const wide = (b: Buffer): boolean => b.length >= 8 && [1, 3, 5, 7].every((i) => b[i] === 0);
const gzipped = (b: Buffer): boolean => b[0] === 0x1f && b[1] === 0x8b && b[2] === 8;
const readable = (b: Buffer): boolean => b.length >= 8 && (gzipped(b) || (wide(b) ? b.every((x, i) => (i % 2 === 1 ? x === 0 : !control(x))) : b.every((x, i) => fits(x, b[i - 1] ?? 0))));
/** Helm's releases and start-up scripts come gzipped. */
function unpacked(bytes: Buffer): Buffer | null {
  try {
    return gunzipSync(bytes, { maxOutputLength: UNPACKED });
  } catch {
    return null;
  }
}
/** Of what is written with escapes here and there, the whole word. */
function* tokens(text: string, mark: RegExp, encoding: Decoded["encoding"], decode: (token: string) => string): Generator<Decoded> {
  for (let m = mark.exec(text); m; m = mark.exec(text)) {
    let start = m.index, end = mark.lastIndex;
    while (start > 0 && m.index - start < 4096 && (kind(text, start - 1) & TOKEN) !== 0) start--;
    while (end < text.length && end - m.index < 65_536 && (kind(text, end) & TOKEN) !== 0) end++;
    mark.lastIndex = end;
    if (end - start >= SHORTEST) yield { start, end, encoding, text: decode(text.slice(start, end)) };
  }
}
