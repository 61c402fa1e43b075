import { closeSync, linkSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { FindingError } from "../../lib/finding.ts";
import { bornAt, isRunning } from "../../lib/process.ts";
import { engineCodes } from "../codes.ts";

export interface LockOwner { readonly pid: number; readonly since: string; readonly born: string; readonly what: string }

export const alive = (o: LockOwner): boolean => isRunning(o.pid, o.born);
/** Null where nobody holds it; an unreadable file counts as held by process 0, which never lives. */
export function lockOwner(file: string): LockOwner | null {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return null;
  }
  try {
    const o = JSON.parse(text) as Partial<LockOwner>;
    if (typeof o.pid === "number" && typeof o.since === "string") return { pid: o.pid, since: o.since, born: o.born ?? "", what: o.what ?? "?" };
    throw new Error("no owner");
  } catch {
    return { pid: 0, since: "?", born: "", what: "?" };
  }
}
const age = (since: string, now: Date): string => {
  const s = Math.round((now.getTime() - Date.parse(since)) / 1000);
  return Number.isNaN(s) ? "some time" : s < 120 ? `${String(s)} s` : s < 7200 ? `${String(Math.round(s / 60))} min` : `${String(Math.round(s / 3600))} h`;
};

/** One update a stack at a time. Returns the release. Throws FindingError STATE_LOCKED with owner and age; a dead owner's lock is taken over, and `say` is told. */
export function takeLock(file: string, stack: string, what: string, now: Date, say: (text: string) => void): () => void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  for (let attempt = 0; ; attempt++) {
    const temp = `${file}.${String(process.pid)}`;
    const fd = openSync(temp, "w", 0o600);
    writeSync(fd, JSON.stringify({ pid: process.pid, since: now.toISOString(), born: bornAt(process.pid), what } satisfies LockOwner));
    closeSync(fd);
    try {
      linkSync(temp, file); // whole or not at all: nobody sees a lock without its owner
      return () => { if (lockOwner(file)?.pid === process.pid) rmSync(file, { force: true }); };
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code !== "EEXIST") throw e;
    } finally {
      rmSync(temp, { force: true });
    }
    const owner = lockOwner(file);
    if (owner && (alive(owner) || attempt > 4))
      throw new FindingError(engineCodes.finding("STATE_LOCKED", { message: `process ${String(owner.pid)} has been running ${owner.what} on ${stack} for ${age(owner.since, now)} (since ${owner.since})`, path: stack, hint: "wait for it to end, or run stackseal cancel" }), 2);
    if (owner && removeStale(file, owner)) say(`${stack}: took over the lock of process ${String(owner.pid)}, which ended without letting go (${owner.what}, since ${owner.since})\n`);
  }
}
/** Takes a dead owner's lock away; false where somebody else did, or has the lock by now. */
export function removeStale(file: string, owner: LockOwner): boolean {
  const aside = `${file}.stale.${String(process.pid)}`;
  try {
    renameSync(file, aside);
  } catch {
    return false;
  }
  const found = lockOwner(aside);
  const mine = found?.pid === owner.pid && found.since === owner.since;
  if (!mine) {
    try {
      linkSync(aside, file);
    } catch {
      // A third one took it in between: theirs stands.
    }
  }
  rmSync(aside, { force: true });
  return mine;
}
