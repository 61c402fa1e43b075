import { spawn } from "node:child_process";
import { documentCodes } from "./codes.ts";
import { FindingError } from "./finding.ts";
import type { Git } from "./git.ts";
import { LARGEST_OBJECT } from "./git-objects.ts";

/** An object's bytes, to be used at once; null where the repository hasn't it (a shallow or partial clone) or it is larger than LARGEST_OBJECT. */
export type ObjectBytes = Buffer | null;
/** So many objects may be under way: more than git's own output buffer holds, or both would wait for each other. */
const AHEAD = 2000;

/**
 * Items with the objects that each wants, in order: git reads the next ones while the caller works on this one. `idsOf` is called once an item,
 * ahead of its turn. Throws GIT_FAILED.
 */
export async function* objectsAhead<T>(git: Git, items: AsyncIterable<T>, idsOf: (item: T) => readonly string[]): AsyncGenerator<{ readonly item: T; readonly objects: readonly ObjectBytes[] }> {
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
      for await (const item of items) {
        if (stopped()) break;
        const ids = idsOf(item);
        queue.push({ item, wants: ids.length });
        outstanding += ids.length;
        if (ids.length > 0) ask(`${ids.join("\n")}\n`);
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
    for (;;) {
      while (head >= queue.length && !feed.done) await more.wait();
      if (head >= queue.length) break;
      const { item, wants } = queue[head] as (typeof queue)[number];
      if (++head >= 256) {
        queue.splice(0, head);
        head = 0;
      }
      const objects: ObjectBytes[] = [];
      while (objects.length < wants) {
        const bytes = reader.next();
        if (bytes !== undefined) {
          objects.push(bytes);
          outstanding--;
          continue;
        }
        room.give();
        const chunk = await chunks.next();
        if (chunk.done === true) throw new FindingError(documentCodes.finding("GIT_FAILED", { message: "git cat-file ended early" }), 2);
        reader.push(chunk.value);
      }
      room.give();
      yield { item, objects };
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
  private parts: Buffer[] = [];
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
    const all = this.parts.length === 1 ? (this.parts[0] as Buffer) : Buffer.concat(this.parts, this.have);
    this.parts = [all];
    const end = all.indexOf(10);
    if (end < 0) return undefined;
    const header = all.toString("latin1", 0, end);
    const size = /^[0-9a-f]+ [a-z]+ \d+$/.test(header) ? Number(header.slice(header.lastIndexOf(" ") + 1)) : -1;
    if (size < 0) return this.drop(all, end + 1, null);
    const whole = end + 1 + size + 1;
    if (size > LARGEST_OBJECT) {
      this.skip = Math.max(0, whole - all.length);
      return this.drop(all, Math.min(all.length, whole), null);
    }
    if (all.length < whole) {
      this.need = whole;
      return undefined;
    }
    return this.drop(all, whole, all.subarray(end + 1, end + 1 + size));
  }
  private drop(all: Buffer, n: number, object: ObjectBytes): ObjectBytes {
    this.need = 0;
    this.have = all.length - n;
    this.parts = this.have > 0 ? [all.subarray(n)] : [];
    return object;
  }
}
