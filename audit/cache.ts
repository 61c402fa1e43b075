import { appendFileSync, closeSync, existsSync, mkdirSync, openSync, readSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

// One line a commit, keyed by its id: a commit never changes, so neither does what it did. Safe to delete; a torn last line is ignored.

/** A commit's id and the space after it: SHA-1 or SHA-256. */
const LONGEST = 65;
/** So much of the file is in memory at a time, or one line where that is longer. Lines stand in the order in which they are asked for. */
const WINDOW = 1 << 20;

export class CommitCache {
  private readonly file: string;
  /** Commit → where its line begins, and how long it is. */
  private readonly lines = new Map<string, { readonly at: number; readonly bytes: number }>();
  private readonly fd: number | null = null;
  private window: Buffer = Buffer.alloc(0);
  private windowAt = 0;
  private fresh: string[] = [];
  private usable = true;
  /** `version` names everything besides the commit that its line depends on; another one empties the cache. */
  constructor(file: string, version: string) {
    this.file = file;
    const header = `${JSON.stringify({ stackseal: "audit", version })}\n`;
    if (existsSync(file)) {
      this.fd = openSync(file, "r");
      if (this.read(0, header.length).toString("utf8") === header) {
        this.index(header.length);
        return;
      }
      closeSync(this.fd);
      this.fd = null;
    }
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      writeFileSync(file, header, { mode: 0o600 });
    } catch {
      // A read-only checkout is audited without a cache.
      this.usable = false;
    }
  }
  private index(from: number): void {
    let start = from;
    let last = 0;
    for (let at = from; ; ) {
      const piece = this.read(at, WINDOW);
      if (piece.length === 0) return;
      for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, end + 1)) {
        // A line is whole where its object is closed.
        if ((end === 0 ? last : piece[end - 1]) === 125) this.keep(start, at + end - start, start >= at ? piece.subarray(start - at, start - at + LONGEST) : this.read(start, LONGEST));
        start = at + end + 1;
      }
      last = piece[piece.length - 1] as number;
      at += piece.length;
    }
  }
  private keep(at: number, bytes: number, begin: Buffer): void {
    const id = begin.indexOf(32);
    if (id > 0 && id < bytes) this.lines.set(begin.toString("latin1", 0, id), { at: at + id + 1, bytes: bytes - id - 1 });
  }
  private read(at: number, bytes: number): Buffer {
    const b = Buffer.allocUnsafe(bytes);
    return b.subarray(0, readSync(this.fd as number, b, 0, bytes, at));
  }
  get(commit: string): unknown {
    const l = this.lines.get(commit);
    if (!l) return null;
    if (l.at < this.windowAt || l.at + l.bytes > this.windowAt + this.window.length) {
      this.window = this.read(l.at, Math.max(WINDOW, l.bytes));
      this.windowAt = l.at;
    }
    try {
      return JSON.parse(this.window.toString("utf8", l.at - this.windowAt, l.at - this.windowAt + l.bytes)) as unknown;
    } catch {
      return null;
    }
  }
  put(commit: string, value: object): void {
    this.fresh.push(`${commit} ${JSON.stringify(value)}\n`);
    if (this.fresh.length >= 250) this.flush();
  }
  flush(): void {
    if (this.usable && this.fresh.length > 0)
      try {
        appendFileSync(this.file, this.fresh.join(""));
      } catch {
        this.usable = false;
      }
    this.fresh = [];
  }
  close(): void {
    this.flush();
    if (this.fd !== null) closeSync(this.fd);
  }
}
