import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

// One line a commit, keyed by its id: a commit never changes, so neither does what it did. Safe to delete; a torn last line is ignored.

export class CommitCache {
  private readonly file: string;
  private readonly known = new Map<string, string>();
  private fresh: string[] = [];
  private usable = true;
  /** `version` names everything besides the commit that its line depends on; another one empties the cache. */
  constructor(file: string, version: string) {
    this.file = file;
    const header = JSON.stringify({ stackseal: "audit", version });
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    const lines = text.split("\n");
    if (lines[0] === header) {
      for (const l of lines.slice(1)) if (l.endsWith("}") && l.length > 41) this.known.set(l.slice(0, 40), l.slice(41));
    } else
      try {
        mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
        writeFileSync(file, `${header}\n`, { mode: 0o600 });
      } catch {
        // A read-only checkout is audited without a cache.
        this.usable = false;
      }
  }
  get(commit: string): unknown {
    const line = this.known.get(commit);
    if (line === undefined) return null;
    try {
      return JSON.parse(line) as unknown;
    } catch {
      return null;
    }
  }
  put(commit: string, value: object): void {
    this.fresh.push(`${commit} ${JSON.stringify(value)}\n`);
    if (this.fresh.length >= 2000) this.flush();
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
}
