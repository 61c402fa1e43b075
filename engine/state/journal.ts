import { closeSync, existsSync, fdatasync, ftruncateSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { syncFolder } from "../../lib/atomic.ts";
import { sha256 } from "../../lib/sha256.ts";
import type { Deployment, Row } from "./deployment.ts";

const synced = promisify(fdatasync);

/** What one write changed of the resources that stood there: places in the list before it that went, then places in the list after it that came. */
export interface Change { readonly drop: readonly number[]; readonly add: readonly (readonly [at: number, row: Row])[] }
interface Entry extends Change { readonly pending: NonNullable<Deployment["pending_operations"]> }

/**
 * What was written since a checkpoint, a line a write, in a file beside it: a large checkpoint isn't written anew with every step. Its first line names the
 * checkpoint by digest, so that a journal of a former one counts for nothing; a last line that isn't whole was never written.
 */
export class Journal {
  readonly file: string;
  private of = "";
  private fd: number | null = null;
  bytes = 0;
  constructor(file: string) {
    this.file = file;
  }
  /** Goes on from a checkpoint that was just written with this text: what stands here is of a former one. */
  restart(checkpoint: string): void {
    this.remove();
    this.of = sha256(checkpoint);
  }
  /** Resolves when the line is on the disk. Rejects with what the file system throws; no part of the line stands there then. One at a time: the next waits for the one before it. */
  async append(entry: Entry): Promise<void> {
    const first = this.fd === null, fd = (this.fd ??= openSync(this.file, "w", 0o600));
    const line = Buffer.from(`${first ? `${JSON.stringify({ of: this.of })}\n` : ""}${JSON.stringify(entry)}\n`, "utf8");
    try {
      for (let at = 0; at < line.length; ) at += writeSync(fd, line, at);
      // Answers of providers are taken while the disk works.
      await synced(fd);
    } catch (e) {
      if (this.fd === fd) ftruncateSync(fd, this.bytes);
      throw e;
    }
    this.bytes += line.length;
    if (first) syncFolder(dirname(this.file));
  }
  remove(): void {
    if (this.fd !== null) closeSync(this.fd);
    this.fd = null;
    this.bytes = 0;
    rmSync(this.file, { force: true });
  }
  get exists(): boolean {
    return existsSync(this.file);
  }
  /** What was written since the checkpoint of this text. Throws an Error that says what is wrong with a line that is not the last. */
  since(checkpoint: string): readonly Entry[] {
    let text = "";
    try {
      text = readFileSync(this.file, "utf8");
    } catch {
      return [];
    }
    const lines = text.split("\n").slice(0, -1);
    const parsed = lines.map((l, i) => {
      try {
        return JSON.parse(l) as unknown;
      } catch {
        throw new Error(`line ${String(i + 1)} of its journal isn't JSON`);
      }
    });
    return (parsed[0] as { of?: unknown } | undefined)?.of === sha256(checkpoint) ? (parsed.slice(1) as Entry[]) : [];
  }
}

/** The deployment after what its journal says. Throws an Error where an entry doesn't fit. */
export function replay(d: Deployment, entries: readonly Entry[]): Deployment {
  const last = entries.at(-1);
  if (!last) return d;
  let rows = d.resources ?? [];
  for (const { drop, add } of entries) {
    const gone = new Set(drop);
    rows = rows.filter((_, i) => !gone.has(i));
    for (const [at, row] of add) {
      if (at > rows.length) throw new Error("its journal is of other resources");
      rows.splice(at, 0, row);
    }
  }
  const { pending_operations: _, ...rest } = d;
  return { ...rest, resources: rows, ...(last.pending.length > 0 && { pending_operations: last.pending }) };
}

/** What leads from one list of rows to another, in places; null where much was moved, or a row stands there twice: then all is written. */
export function changed(before: readonly string[], after: readonly string[]): { readonly drop: number[]; readonly add: number[] } | null {
  // Most of a list stays where it was: only what is between is looked at.
  let from = 0, end = 0;
  const most = Math.min(before.length, after.length);
  while (from < most && before[from] === after[from]) from++;
  while (end < most - from && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  const went = before.slice(from, before.length - end), had = new Map(went.map((t, i) => [t, i])), kept = new Set<string>(), add: number[] = [];
  let last = -1;
  after.slice(from, after.length - end).forEach((t, i) => {
    const at = had.get(t) ?? -1;
    if (at <= last) add.push(from + i);
    else {
      last = at;
      kept.add(t);
    }
  });
  if (had.size !== went.length || add.length > 64 + after.length / 4) return null;
  return { drop: went.flatMap((t, i) => (kept.has(t) ? [] : [from + i])), add };
}
