import type { Git } from "../lib/git.ts";
import { readObjects } from "../lib/git-objects.ts";
import type { Judge, Judged } from "./judge.ts";
import { judgeBuffer } from "./read.ts";

export interface Blob {
  readonly id: string;
  readonly file: string;
  readonly commit?: string;
}

/** Judges blobs of git through one `cat-file --batch`; verdict null: binary, or larger than 128 MB. */
export async function* judgeBlobs(git: Git, blobs: readonly Blob[], judge: Judge): AsyncGenerator<{ readonly blob: Blob; readonly judged: Judged | null }> {
  for await (const { index, bytes } of readObjects(git, blobs.map((b) => b.id))) {
    const blob = blobs[index] as Blob;
    yield { blob, judged: bytes && judgeBuffer(bytes, blob.file, judge, blob.commit) };
  }
}
