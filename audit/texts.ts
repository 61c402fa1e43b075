import type { Finding } from "../lib/finding.ts";
import type { ObjectBytes } from "../lib/git-ahead.ts";
import { GitBatch } from "../lib/git-batch.ts";
import type { Git } from "../lib/git.ts";
import { auditCodes } from "./codes.ts";
import { needsContent } from "./describe.ts";
import type { CommitChange } from "./history.ts";
import { Version } from "./version.ts";

/** So many versions stay in memory, and no more than so many bytes of them. */
const KEPT = 256;
const BYTES = 32 << 20;

/**
 * Versions by blob id: one is the new side of a commit and the old side of the next. What was asked for lately isn't asked for again; should it be
 * gone by the time that it is needed, because files are large, it is read once more.
 */
export class Texts {
  private readonly git: Git;
  private readonly asked = new Set<string>();
  private readonly kept = new Map<string, Version | null>();
  private bytes = 0;
  private late: GitBatch | null = null;
  constructor(git: Git) {
    this.git = git;
  }
  /** The ids that must be read for a commit. Called in the order in which `take` will be. */
  wanted(c: CommitChange): readonly string[] {
    const out: string[] = [];
    const ask = (id: string): void => {
      if (this.asked.has(id)) return;
      this.asked.add(id);
      out.push(id);
    };
    for (const f of c.files)
      if (needsContent(f.path)) {
        for (const id of f.before) ask(id);
        if (f.after !== null) ask(f.after);
      }
    if (this.asked.size > KEPT)
      for (const id of this.asked) {
        if (this.asked.size <= KEPT) break;
        this.asked.delete(id);
      }
    return out;
  }
  /** Takes in what was read; afterwards, until the next time, `of` answers for every version of this commit. Null: at once. */
  take(c: CommitChange, read: readonly string[], objects: readonly ObjectBytes[], from: number, findings: Finding[]): Promise<void> | null {
    // Insertion order is age: what was read longest ago goes first.
    if (this.kept.size > KEPT || this.bytes > BYTES)
      for (const [id, v] of this.kept) {
        if (this.kept.size <= KEPT && this.bytes <= BYTES) break;
        this.kept.delete(id);
        this.bytes -= v?.bytes.length ?? 0;
      }
    read.forEach((id, n) => { this.keep(id, objects[from + n] ?? null); });
    return this.complete(c) ? null : this.readLate(c, findings);
  }
  private async readLate(c: CommitChange, findings: Finding[]): Promise<void> {
    for (const [id, file] of idsOf(c)) {
      if (!this.kept.has(id)) this.keep(id, (await (this.late ??= new GitBatch(this.git)).read([id]))[0] ?? null);
      if (this.kept.get(id) === null) findings.push(auditCodes.finding("AUDIT_OBJECT_MISSING", { message: `a version of ${file} is missing from this clone, or too large to be read`, hint: "git fetch from where it was cloned, or clone it whole", path: id.slice(0, 12), at: { file, line: 1, column: 1 } }));
    }
  }
  private complete(c: CommitChange): boolean {
    return c.files.every((f) => !needsContent(f.path) || (f.before.every((id) => this.of(id) !== null) && (f.after === null || this.of(f.after) !== null)));
  }
  private keep(id: string, bytes: Buffer | null): void {
    this.kept.set(id, bytes === null ? null : new Version(bytes));
    this.bytes += bytes?.length ?? 0;
  }
  /** A version of the commit that was taken last; null where the clone hasn't it. */
  of(id: string): Version | null {
    return this.kept.get(id) ?? null;
  }
  close(): void {
    this.late?.close();
  }
}
function idsOf(c: CommitChange): ReadonlyMap<string, string> {
  const out = new Map<string, string>();
  for (const f of c.files)
    if (needsContent(f.path)) {
      for (const id of f.before) out.set(id, f.path);
      if (f.after !== null) out.set(f.after, f.path);
    }
  return out;
}
