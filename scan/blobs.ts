import type { Git } from "../lib/git.ts";
import { readObjects } from "../lib/git-objects.ts";
import type { Judge, Judged } from "./judge.ts";
import { judgeBuffer, judgeStream } from "./read.ts";

export interface Blob {
  readonly id: string;
  readonly file: string;
  readonly commit?: string;
}

/** Larger ones come as a stream of their own. */
const LARGEST = 8 << 20;
/** Judges blobs of git, through one `cat-file --batch` where they are small; verdict null: binary. */
export async function* judgeBlobs(git: Git, blobs: readonly Blob[], judge: Judge): AsyncGenerator<{ readonly blob: Blob; readonly judged: Judged | null }> {
  for await (const { index, bytes } of readObjects(git, blobs.map((b) => b.id), LARGEST)) {
    const blob = blobs[index] as Blob;
    yield { blob, judged: bytes ? judgeBuffer(bytes, blob.file, judge, blob.commit) : await judgeStream(git.stream(["cat-file", "blob", blob.id]), blob.file, judge, blob.commit) };
  }
}
