import { judgeBuffer } from "./read.ts";
import type { Git } from "./git.ts";
import type { Judge, Judged } from "./judge.ts";

export interface Blob {
  readonly id: string;
  readonly file: string;
  readonly commit?: string;
}
/** Larger blobs are left to a scan of the tree: one blob must fit in memory here. */
const LARGEST = 128 * 1024 * 1024;

/** Judges blobs of git through one `cat-file --batch`; verdict null: binary, or larger than 128 MB. */
export async function* judgeBlobs(git: Git, blobs: readonly Blob[], judge: Judge): AsyncGenerator<{ readonly blob: Blob; readonly judged: Judged | null }> {
  if (!blobs.length) return;
  let parts: Buffer[] = [];
  let have = 0;
  let next = 0;
  let header: { size: number } | null = null;
  let skip = 0;
  const take = (n: number): Buffer => {
    const all = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    parts = all.length > n ? [all.subarray(n)] : [];
    have -= n;
    return all.subarray(0, n);
  };
  for await (const chunk of git.stream(["cat-file", "--batch"], `${blobs.map((b) => b.id).join("\n")}\n`)) {
    let rest = chunk;
    if (skip > 0) {
      const n = Math.min(skip, rest.length);
      skip -= n;
      rest = rest.subarray(n);
    }
    if (rest.length) {
      parts.push(rest);
      have += rest.length;
    }
    for (;;) {
      const blob = blobs[next];
      if (!blob || !parts.length) break;
      if (!header) {
        if (parts.length > 1) parts = [Buffer.concat(parts)];
        const newline = (parts[0] as Buffer).indexOf(10);
        if (newline === -1) break;
        const [, type, size] = take(newline + 1).toString("latin1").trim().split(" ");
        if (type === "missing" || size === undefined) {
          next++;
          continue;
        }
        header = { size: Number(size) };
      }
      if (header.size > LARGEST) {
        skip = Math.max(0, header.size + 1 - have);
        take(Math.min(have, header.size + 1));
        yield { blob, judged: null };
      } else {
        if (have < header.size + 1) break;
        yield { blob, judged: judgeBuffer(take(header.size + 1).subarray(0, header.size), blob.file, judge, blob.commit) };
      }
      header = null;
      next++;
    }
  }
}
