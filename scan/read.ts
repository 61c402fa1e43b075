import { closeSync, openSync, readSync } from "node:fs";
import { scanCodes } from "./codes.ts";
import type { Judge, Judged } from "./judge.ts";

/** Bytes read at a time; a longer file is judged in pieces that overlap. */
export const PIECE = 8 * 1024 * 1024;
/** No credential that we know is longer, and none needs more of its surroundings. */
const OVERLAP = 64 * 1024;
/** From here on a line is called long: what stands far away on it can't be told from its surroundings. */
const LONG_LINE = 1024 * 1024;
const SNIFF = 8000;

export type Source = (into: Buffer, at: number) => number;

/** One buffer for all files: judging is synchronous. */
let shared: Buffer | undefined;

/** Judges bytes of any length in bounded memory. Null: binary (a zero byte in the first 8,000, as git decides). UTF-16 with a byte order mark is text. */
export function judgeBytes(source: Source, file: string, judge: Judge, commit?: string): Judged | null {
  const buffer = (shared ??= Buffer.allocUnsafe(PIECE));
  let filled = fill(source, buffer, 0);
  if (filled >= 2 && ((buffer[0] === 0xff && buffer[1] === 0xfe) || (buffer[0] === 0xfe && buffer[1] === 0xff))) return judgeUtf16(buffer.subarray(0, filled), file, judge, commit);
  if (buffer.subarray(0, Math.min(SNIFF, filled)).includes(0)) return null;
  const all: Judged = { matches: [], findings: [] };
  let firstLine = 1;
  let offset = 0;
  let from = 0;
  let longest = 0;
  for (;;) {
    const last = filled < PIECE;
    const text = buffer.toString("latin1", 0, filled);
    // A hit in the overlap is judged with the next piece, which sees both of its sides.
    const keep = last ? filled : filled - OVERLAP;
    const judged = judge(text, { file, firstLine, offset, from, to: keep, ...(commit !== undefined && { commit }) });
    all.matches.push(...judged.matches);
    all.findings.push(...judged.findings);
    if (last) {
      longest = Math.max(longest, offset + filled);
      break;
    }
    // The next piece begins OVERLAP earlier than the first byte that it judges, so that it sees what stands before.
    const cut = Math.max(0, keep - OVERLAP);
    from = keep - cut;
    const newlines = countNewlines(buffer, 0, cut);
    if (newlines > 0) {
      firstLine += newlines;
      offset = cut - (buffer.lastIndexOf(10, cut - 1) + 1);
    } else offset += cut;
    longest = Math.max(longest, offset);
    buffer.copy(buffer, 0, cut, filled);
    filled = fill(source, buffer, filled - cut);
  }
  if (longest > LONG_LINE && hasLongLine(longest, offset, filled, buffer)) all.findings.push(scanCodes.finding("SCAN_LONG_LINE", { message: "a line of this file is longer than a megabyte: it was scanned in pieces", at: { file, line: firstLine, column: 1 } }));
  return all;
}
const hasLongLine = (longest: number, offset: number, filled: number, buffer: Buffer): boolean => {
  if (longest > PIECE - 2 * OVERLAP || offset > LONG_LINE) return true;
  for (let start = 0; start < filled; ) {
    const end = buffer.indexOf(10, start);
    if ((end === -1 || end > filled ? filled : end) - start > LONG_LINE) return true;
    if (end === -1 || end > filled) return false;
    start = end + 1;
  }
  return false;
};

function judgeUtf16(bytes: Buffer, file: string, judge: Judge, commit?: string): Judged {
  const little = bytes[0] === 0xff ? bytes.subarray(2) : Buffer.from(bytes.subarray(2, 2 + 2 * Math.floor((bytes.length - 2) / 2))).swap16();
  return judge(Buffer.from(little.toString("utf16le"), "utf8").toString("latin1"), { file, ...(commit !== undefined && { commit }) });
}
function fill(source: Source, buffer: Buffer, from: number): number {
  let filled = from;
  while (filled < buffer.length) {
    const n = source(buffer, filled);
    if (n === 0) break;
    filled += n;
  }
  return filled;
}
function countNewlines(buffer: Buffer, from: number, to: number): number {
  let n = 0;
  for (let i = buffer.indexOf(10, from); i !== -1 && i < to; i = buffer.indexOf(10, i + 1)) n++;
  return n;
}

/** Judges a file; throws what the file system throws. */
export function judgeFile(path: string, file: string, judge: Judge): Judged | null {
  const fd = openSync(path, "r");
  try {
    return judgeBytes((into, at) => readSync(fd, into, at, into.length - at, null), file, judge);
  } finally {
    closeSync(fd);
  }
}
/** Bytes in memory, such as a blob of git. */
export function judgeBuffer(bytes: Buffer, file: string, judge: Judge, commit?: string): Judged | null {
  let at = 0;
  return judgeBytes((into, offset) => {
    const n = bytes.copy(into, offset, at);
    at += n;
    return n;
  }, file, judge, commit);
}
