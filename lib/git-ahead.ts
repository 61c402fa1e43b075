import { spawn } from "node:child_process";
import { documentCodes } from "./codes.ts";
import { FindingError } from "./finding.ts";
import type { Git } from "./git.ts";
import { LARGEST_OBJECT } from "./git-objects.ts";

/** An object's bytes, to be used at once; null where the repository hasn't it (a shallow or partial clone) or it is larger than LARGEST_OBJECT. */
export type ObjectBytes = Buffer | null;
/** So many objects and items may be under way: more than git's own output buffer holds, or both would wait for each other. */
const AHEAD = 2000;

/** An item with the objects that it wants, in its order. */
export interface Ahead<T> { readonly item: T; readonly objects: readonly ObjectBytes[] }
/**
 * Items with the objects that each wants, in order, as many at a time as are there: git reads the next ones while the caller works on these. `idsOf`
 * is called once an item, ahead of its turn. Throws GIT_FAILED.
 */
export async function* objectsAhead<T>(git: Git, batches: AsyncIterable<readonly T[]>, idsOf: (item: T) => readonly string[]): AsyncGenerator<readonly Ahead<T>[]> {
  const child = spawn("git", ["cat-file", "--batch", "--buffer"], { cwd: git.root, env: git.env, stdio: ["pipe", "pipe", "ignore"] });
  child.on("error", () => undefined);
  child.stdin.on("error", () => undefined);
  const queue: { readonly item: T; readonly wants: number }[] = [];
  let head = 0;
  let outstanding = 0;
  const feed = { done: false, stopped: false, error: null as unknown };
  const stopped = (): boolean => feed.stopped;
  const more = new Signal();
  const room = new Signal();
  // What comes in one go is asked for in one go.
  let unsent = "";
  const send = (): void => {
    if (unsent !== "") child.stdin.write(unsent);
    unsent = "";
  };
  const ask = (lines: string): void => {
    if (unsent === "") setImmediate(send);
    unsent += lines;
  };
  const feeding = (async (): Promise<void> => {
    try {
      for await (const batch of batches)
        for (const item of batch) {
          if (stopped()) return;
          const ids = idsOf(item);
          queue.push({ item, wants: ids.length });
          outstanding += ids.length + 1;
          for (const id of ids) ask(`${id}\n`);
          more.give();
          while (outstanding >= AHEAD && !stopped()) await room.wait();
        }
    } catch (e) {
      feed.error = e;
    }
    feed.done = true;
    send();
    child.stdin.end();
    more.give();
  })();
  const chunks = child.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const reader = new Reader();
  try {
    let objects: ObjectBytes[] = [];
    for (;;) {
      const ready: Ahead<T>[] = [];
      for (let next = queue[head]; next; next = queue[head]) {
        while (objects.length < next.wants) {
          const bytes = reader.next();
          if (bytes === undefined) break;
          objects.push(bytes);
          outstanding--;
        }
        if (objects.length < next.wants) break;
        ready.push({ item: next.item, objects });
        objects = [];
        outstanding--;
        head++;
      }
      queue.splice(0, head);
      head = 0;
      room.give();
      if (ready.length > 0) yield ready;
      else if (queue.length > 0) {
        const chunk = await chunks.next();
        if (chunk.done === true) throw new FindingError(documentCodes.finding("GIT_FAILED", { message: "git cat-file ended early" }), 2);
        reader.push(chunk.value);
      } else if (feed.done) break;
      else await more.wait();
    }
    if (feed.error !== null) throw feed.error as Error;
  } finally {
    feed.stopped = true;
    room.give();
    child.stdin.end();
    if (child.exitCode === null) child.kill();
    await feeding;
  }
}
class Signal {
  private wake: (() => void) | null = null;
  private given = false;
  give(): void {
    this.given = true;
    this.wake?.();
  }
  async wait(): Promise<void> {
    if (!this.given) await new Promise<void>((done) => { this.wake = done; });
    this.wake = null;
    this.given = false;
  }
}
/** Reads `git cat-file --batch` output piece by piece. */
class Reader {
  /** What came and isn't read: from `at` on; with what came later, not yet joined to it. */
  private all: Buffer = Buffer.alloc(0);
  private at = 0;
  private later: Buffer[] = [];
  private have = 0;
  private need = 0;
  private skip = 0;
  push(chunk: Buffer): void {
    const n = Math.min(this.skip, chunk.length);
    this.skip -= n;
    if (n === chunk.length) return;
    this.later.push(n === 0 ? chunk : chunk.subarray(n));
    this.have += chunk.length - n;
  }
  /** Undefined: not yet whole. */
  next(): ObjectBytes | undefined {
    if (this.have === 0 || this.have < this.need) return undefined;
    if (this.later.length > 0) {
      this.all = this.at === this.all.length && this.later.length === 1 ? (this.later[0] as Buffer) : Buffer.concat([this.all.subarray(this.at), ...this.later], this.have);
      this.at = 0;
      this.later = [];
    }
    const end = this.all.indexOf(10, this.at);
    if (end < 0) return undefined;
    const size = this.sizeBefore(end);
    if (size < 0) return this.read(end + 1, null);
    const whole = end + 1 + size + 1;
    if (size > LARGEST_OBJECT) {
      this.skip = Math.max(0, whole - this.all.length);
      return this.read(Math.min(this.all.length, whole), null);
    }
    if (this.all.length < whole) {
      this.need = whole - this.at;
      return undefined;
    }
    return this.read(whole, this.all.subarray(end + 1, end + 1 + size));
  }
  /** The number at the end of `id type size`; -1 where it is `id missing`. */
  private sizeBefore(end: number): number {
    let [size, digit] = [0, 1];
    for (let i = end - 1; i > this.at; i--) {
      const c = this.all[i] as number;
      if (c === 32) return digit > 1 ? size : -1;
      if (c < 48 || c > 57) return -1;
      size += (c - 48) * digit;
      digit *= 10;
    }
    return -1;
  }
  private read(to: number, object: ObjectBytes): ObjectBytes {
    this.need = 0;
    this.at = to;
    this.have = this.all.length - to;
    return object;
  }
}
