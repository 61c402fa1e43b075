import { spawn } from "node:child_process";
import { documentCodes } from "./codes.ts";
import { FindingError } from "./finding.ts";
import type { Git } from "./git.ts";
import { LARGEST_OBJECT } from "./git-objects.ts";

/** An object's bytes, to be used at once; null where the repository hasn't it (a shallow or partial clone) or it is larger than LARGEST_OBJECT. */
export type ObjectBytes = Buffer | null;
/** So many objects may be under way: more than git's own output buffer holds, or both would wait for each other; for the same reason items that want none don't count. */
const AHEAD = 2000;

/** An item with the objects that it wants, in its order. */
export interface Ahead<T> { readonly item: T; readonly objects: readonly ObjectBytes[] }
/**
 * Items with the objects that each wants, in order, as many at a time as are there: git reads the next ones while the caller works on these. `idsOf`
 * is called once an item, ahead of its turn. Throws GIT_FAILED.
 */
export async function* objectsAhead<T>(git: Git, batches: AsyncIterable<readonly T[]>, idsOf: (item: T) => readonly string[]): AsyncGenerator<readonly Ahead<T>[]> {
  const child = spawn("git", ["cat-file", "--batch", "--buffer"], { cwd: git.root, env: git.env, stdio: "pipe" });
  let said = "";
  child.stderr.on("data", (d: Buffer) => { said = (said + d.toString("latin1")).slice(-2000); });
  const ended = new Promise<void>((done) => {
    child.on("error", () => { done(); });
    child.on("close", () => { done(); });
  });
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
          outstanding += ids.length;
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
        head++;
      }
      queue.splice(0, head);
      head = 0;
      room.give();
      if (ready.length > 0) yield ready;
      else if (queue.length > 0) {
        const chunk = await chunks.next();
        if (chunk.done === true) {
          await ended;
          throw cutShort(said);
        }
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
/** What git said isn't passed on: it names the remote, perhaps with a password in its address. */
function cutShort(said: string): FindingError {
  const partial = said.includes("promisor remote");
  return new FindingError(documentCodes.finding("GIT_FAILED", partial ? { message: "this clone was made without old files' contents (--filter), and its origin doesn't give them now", hint: "connect to the origin, or clone it whole: git clone without --filter" } : { message: "git cat-file ended early", hint: "git fsck shows what is wrong with the repository" }), 2);
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
/** Reads `git cat-file --batch` output piece by piece; copies only an object that lies across pieces. */
class Reader {
  private parts: Buffer[] = [];
  /** Where the first part's unread bytes begin. */
  private at = 0;
  private have = 0;
  private need = 0;
  private skip = 0;
  push(chunk: Buffer): void {
    const n = Math.min(this.skip, chunk.length);
    this.skip -= n;
    if (n === chunk.length) return;
    this.parts.push(n === 0 ? chunk : chunk.subarray(n));
    this.have += chunk.length - n;
  }
  /** Undefined: not yet whole. */
  next(): ObjectBytes | undefined {
    if (this.have === 0 || this.have < this.need) return undefined;
    let first = this.parts[0] as Buffer;
    let end = first.indexOf(10, this.at);
    if (end < 0) {
      if (this.parts.length === 1) return undefined;
      first = Buffer.concat([first.subarray(this.at), ...this.parts.slice(1)]);
      [this.parts, this.at] = [[first], 0];
      end = first.indexOf(10);
      if (end < 0) return undefined;
    }
    const size = sizeBefore(first, this.at, end);
    const header = end + 1 - this.at;
    this.need = size < 0 ? header : header + size + 1;
    if (size > LARGEST_OBJECT) {
      this.skip = Math.max(0, this.need - this.have);
      this.pass(Math.min(this.have, this.need));
      return null;
    }
    if (this.have < this.need) return undefined;
    const object = size < 0 ? null : end + 1 + size <= first.length ? first.subarray(end + 1, end + 1 + size) : this.across(end + 1, size);
    this.pass(this.need);
    return object;
  }
  private across(from: number, size: number): Buffer {
    const out = Buffer.allocUnsafe(size);
    let done = 0;
    for (const p of this.parts) {
      if (done >= size) break;
      done += p.copy(out, done, p === this.parts[0] ? from : 0, p.length);
    }
    return out;
  }
  private pass(bytes: number): void {
    this.need = 0;
    this.have -= bytes;
    this.at += bytes;
    let n = 0;
    while (n < this.parts.length && this.at >= (this.parts[n] as Buffer).length) this.at -= (this.parts[n++] as Buffer).length;
    if (n > 0) this.parts.splice(0, n);
  }
}
/** The number at the end of `id type size`; -1 where it is `id missing`. */
function sizeBefore(line: Buffer, start: number, end: number): number {
  let [size, digit] = [0, 1];
  for (let i = end - 1; i > start; i--) {
    const c = line[i] as number;
    if (c === 32) return digit > 1 ? size : -1;
    if (c < 48 || c > 57) return -1;
    size += (c - 48) * digit;
    digit *= 10;
  }
  return -1;
}
