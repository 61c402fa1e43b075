import type { Git } from "./git.ts";

/** Larger objects aren't read: one must fit in memory. */
export const LARGEST_OBJECT = 128 * 1024 * 1024;

export interface GitObject {
  /** Position in the list that was asked for. */
  readonly index: number;
  /** `blob`, `tree`, `commit`, `tag`. */
  readonly type: string;
  /** Null: larger than the limit. */
  readonly bytes: Buffer | null;
}
/** The contents of objects, through one `git cat-file --batch`, in the order asked for; missing ones are left out. Throws GIT_FAILED. */
export async function* readObjects(git: Git, ids: readonly string[], largest = LARGEST_OBJECT): AsyncGenerator<GitObject> {
  if (!ids.length) return;
  let parts: Buffer[] = [];
  let have = 0;
  let next = 0;
  let header: { type: string; size: number } | null = null;
  let skip = 0;
  const take = (n: number): Buffer => {
    const all = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    parts = all.length > n ? [all.subarray(n)] : [];
    have -= n;
    return all.subarray(0, n);
  };
  for await (const chunk of git.stream(["cat-file", "--batch"], `${ids.join("\n")}\n`)) {
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
    while (next < ids.length && parts.length) {
      if (!header) {
        if (parts.length > 1) parts = [Buffer.concat(parts)];
        const newline = (parts[0] as Buffer).indexOf(10);
        if (newline === -1) break;
        const [, type, size] = take(newline + 1).toString("latin1").trim().split(" ");
        if (type === undefined || type === "missing" || size === undefined) {
          next++;
          continue;
        }
        header = { type, size: Number(size) };
      }
      const { type, size }: { type: string; size: number } = header;
      if (size > largest) {
        skip = Math.max(0, size + 1 - have);
        take(Math.min(have, size + 1));
        yield { index: next, type, bytes: null };
      } else {
        if (have < size + 1) break;
        yield { index: next, type, bytes: take(size + 1).subarray(0, size) };
      }
      header = null;
      next++;
    }
  }
}
