import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { documentCodes } from "./codes.ts";
import { FindingError } from "./finding.ts";
import type { Git } from "./git.ts";

/** One `git cat-file --batch` that stays open: objects are asked for in batches as they are needed. Close it when done. */
export class GitBatch {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly chunks: AsyncIterator<Buffer>;
  private rest: Buffer = Buffer.alloc(0);
  constructor(git: Git) {
    this.child = spawn("git", ["cat-file", "--batch"], { cwd: git.root, env: git.env, stdio: "pipe" });
    this.child.on("error", () => undefined);
    this.child.stdin.on("error", () => undefined);
    this.child.stderr.resume();
    this.chunks = this.child.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }
  /** The contents, in the order asked for; null where the repository hasn't the object (a shallow or partial clone). Throws GIT_FAILED. */
  async read(ids: readonly string[]): Promise<(Buffer | null)[]> {
    if (ids.length === 0) return [];
    this.child.stdin.write(`${ids.join("\n")}\n`);
    const out: (Buffer | null)[] = [];
    while (out.length < ids.length) {
      const end = await this.until((b) => b.indexOf(10) + 1);
      const [, type, size] = this.take(end).toString("latin1").trim().split(" ");
      if (type === undefined || type === "missing" || size === undefined) {
        out.push(null);
        continue;
      }
      const n = Number(size) + 1;
      await this.until((b) => (b.length >= n ? n : 0));
      // A copy: a slice would keep the whole chunk alive.
      out.push(Buffer.from(this.take(n).subarray(0, n - 1)));
    }
    return out;
  }
  close(): void {
    this.child.stdin.end();
    if (this.child.exitCode === null) this.child.kill();
  }
  private async until(enough: (b: Buffer) => number): Promise<number> {
    const parts: Buffer[] = [];
    for (;;) {
      const n = enough(this.rest);
      if (n > 0) return n;
      const next = await this.chunks.next();
      if (next.done === true) throw new FindingError(documentCodes.finding("GIT_FAILED", { message: "git cat-file ended early" }), 2);
      // Large objects come in many chunks: joined in powers of two, so that their cost stays linear.
      parts.push(next.value);
      if (parts.reduce((s, p) => s + p.length, 0) >= this.rest.length || this.rest.length < 1 << 16) this.rest = Buffer.concat([this.rest, ...parts.splice(0)]);
    }
  }
  private take(n: number): Buffer {
    const head = this.rest.subarray(0, n);
    this.rest = this.rest.subarray(n);
    return head;
  }
}
