import { closeSync, openSync, readSync } from "node:fs";
import { scanCodes } from "./codes.ts";
import type { Judge, Judged } from "./judge.ts";
import { wideDecoder, wideOf, type Wide } from "./wide.ts";

/** Bytes read at a time; a longer file is judged in pieces that overlap. */
export const PIECE = 8 * 1024 * 1024;
/** No credential that we know is longer, and none needs more of its surroundings. */
const OVERLAP = 64 * 1024;
/** From here on a line is called long: what stands far away on it can't be told from its surroundings. */
const LONG_LINE = 1024 * 1024;
const SNIFF = 8000;

export type Source = (into: Buffer, at: number) => number;

/** One buffer for all files that are read in one go: judging is synchronous. */
let shared: Buffer<ArrayBuffer> | undefined;

/** Bytes of any length, judged piece by piece in bounded memory as they come. Binary (a zero byte in the first 8,000, as git decides) is told apart; UTF-16 and UTF-32 are text. */
export class Pieces {
  readonly buffer: Buffer;
  filled = 0;
  private readonly all: Judged = { matches: [], findings: [] };
  private readonly file: string;
  private readonly judge: Judge;
  private readonly commit: string | undefined;
  private kind: "unknown" | "text" | "binary" | Wide = "unknown";
  private inner: Pieces | null = null;
  private decode: ((part: Buffer) => Buffer) | null = null;
  private firstLine = 1;
  private offset = 0;
  private from = 0;
  private longest = 0;
  constructor(file: string, judge: Judge, commit?: string, buffer = Buffer.allocUnsafe(PIECE)) {
    this.file = file;
    this.judge = judge;
    this.commit = commit;
    this.buffer = buffer;
  }
  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const n = bytes.copy(this.buffer, this.filled, at);
      at += n;
      this.grew(n);
    }
  }
  /** So many bytes were put at `filled`. */
  grew(n: number): void {
    this.filled += n;
    if (this.filled === PIECE) this.piece(false);
  }
  get binary(): boolean {
    return this.kind === "binary";
  }
  /** Null: binary. */
  end(): Judged | null {
    this.piece(true);
    if (this.kind === "binary") return null;
    return this.inner ? this.inner.end() : this.all;
  }
  private piece(last: boolean): void {
    if (this.kind === "unknown") this.begin();
    if (this.kind === "binary") this.filled = 0;
    else if (this.kind === "text") this.text(last);
    else this.wide();
  }
  private begin(): void {
    const front = this.buffer.subarray(0, Math.min(SNIFF, this.filled));
    const wide = wideOf(front);
    this.kind = wide ?? (front.includes(0) ? "binary" : "text");
    if (!wide) return;
    this.inner = new Pieces(this.file, this.judge, this.commit);
    this.inner.kind = "text";
    this.decode = wideDecoder(wide);
    this.buffer.copy(this.buffer, 0, wide.mark, this.filled);
    this.filled -= wide.mark;
  }
  private wide(): void {
    const whole = this.filled - (this.filled % (this.kind as Wide).width);
    if (this.decode) this.inner?.push(this.decode(this.buffer.subarray(0, whole)));
    this.buffer.copy(this.buffer, 0, whole, this.filled);
    this.filled -= whole;
  }
  private text(last: boolean): void {
    const { buffer, filled } = this;
    // A hit in the overlap is judged with the next piece, which sees both of its sides.
    const keep = last ? filled : filled - OVERLAP;
    const judged = this.judge(buffer.toString("latin1", 0, filled), { file: this.file, firstLine: this.firstLine, offset: this.offset, from: this.from, to: keep, ...(this.commit !== undefined && { commit: this.commit }) });
    for (const m of judged.matches) this.all.matches.push(m);
    for (const f of judged.findings) this.all.findings.push(f);
    if (last) {
      this.longest = Math.max(this.longest, this.offset + filled);
      if (this.longest > LONG_LINE && hasLongLine(this.longest, this.offset, filled, buffer)) this.all.findings.push(scanCodes.finding("SCAN_LONG_LINE", { message: "a line of this file is longer than a megabyte: it was scanned in pieces", at: { file: this.file, line: this.firstLine, column: 1 } }));
      return;
    }
    // The next piece begins OVERLAP earlier than the first byte that it judges, so that it sees what stands before.
    const cut = Math.max(0, keep - OVERLAP);
    this.from = keep - cut;
    const newlines = countNewlines(buffer, 0, cut);
    if (newlines > 0) {
      this.firstLine += newlines;
      this.offset = cut - (buffer.lastIndexOf(10, cut - 1) + 1);
    } else this.offset += cut;
    this.longest = Math.max(this.longest, this.offset);
    buffer.copy(buffer, 0, cut, filled);
    this.filled = filled - cut;
  }
}
/** Judges what a source gives, in one go. Null: binary. */
export function judgeBytes(source: Source, file: string, judge: Judge, commit?: string): Judged | null {
  const p = new Pieces(file, judge, commit, (shared ??= Buffer.allocUnsafe(PIECE)));
  // Of a binary file nothing more is read: an image of a disk may be large.
  for (let n = source(p.buffer, p.filled); n > 0 && !p.binary; n = source(p.buffer, p.filled)) p.grew(n);
  return p.end();
}
/** Judges what comes bit by bit. Null: binary. */
export async function judgeStream(chunks: AsyncIterable<Buffer | string>, file: string, judge: Judge, commit?: string): Promise<Judged | null> {
  const p = new Pieces(file, judge, commit);
  for await (const c of chunks) p.push(Buffer.from(c as string));
  return p.end();
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
