import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { clearLeftovers, writeAtomic } from "../../lib/atomic.ts";

export interface Entry {
  readonly file: string;
  readonly did: "made" | "kept" | "as-is" | "extended";
  readonly what: string;
}
/** What was made and what was kept, in order; with `dry` nothing is written. */
export class Ledger {
  readonly entries: Entry[] = [];
  readonly root: string;
  readonly dry: boolean;
  private readonly tidied = new Set<string>();
  constructor(root: string, dry: boolean) {
    this.root = root;
    this.dry = dry;
  }
  made(file: string, what: string): void {
    this.entries.push({ file, did: "made", what });
  }
  kept(file: string, what: string): void {
    this.entries.push({ file, did: "kept", what });
  }
  /** Writes a file of the project that isn't there; one that is there stays. Answers whether it now says what we would have written. */
  file(file: string, text: string, what: string, mode?: number): boolean {
    const path = join(this.root, file);
    this.tidy(dirname(path));
    if (existsSync(path)) {
      const same = readFileSync(path, "utf8") === text;
      this.entries.push({ file, did: same ? "as-is" : "kept", what });
      return same;
    }
    if (!this.dry) writeAtomic(path, text, mode);
    this.made(file, what);
    return true;
  }
  /** Removes what an earlier run that was killed left half-written in a folder. */
  private tidy(dir: string): void {
    if (this.dry || this.tidied.has(dir) || !existsSync(dir)) return;
    this.tidied.add(dir);
    clearLeftovers(dir);
  }
  has(file: string): boolean {
    return existsSync(join(this.root, file));
  }
  /** A file of the project; null where there is none. */
  read(file: string): string | null {
    return this.has(file) ? readFileSync(join(this.root, file), "utf8") : null;
  }
  /** Writes more into a file that is there. */
  extend(file: string, text: string, what: string): void {
    if (!this.dry) writeAtomic(join(this.root, file), text);
    this.entries.push({ file, did: "extended", what });
  }
  /** Adds the lines that a file of the project lacks, at its end. */
  lines(file: string, wanted: readonly string[], what: string): void {
    const path = join(this.root, file);
    const before = existsSync(path) ? readFileSync(path, "utf8") : "";
    const have = new Set(before.split("\n").map((l) => l.trim()));
    const missing = wanted.filter((l) => !have.has(l));
    if (missing.length === 0) {
      this.entries.push({ file, did: "as-is", what });
      return;
    }
    if (!this.dry) writeAtomic(path, `${before}${before === "" || before.endsWith("\n") ? "" : "\n"}${missing.join("\n")}\n`);
    this.entries.push({ file, did: before === "" ? "made" : "extended", what });
  }
}
