import { existsSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname } from "node:path";
import { clearLeftovers, createAtomic } from "../lib/atomic.ts";
import { FindingError } from "../lib/finding.ts";
import { bornAt, isRunning } from "../lib/process.ts";
import { sealCodes } from "./codes.ts";

interface Owner {
  readonly pid: number;
  readonly born: string;
}
/**
 * Runs with one writer a file: the lock beside it names its process from the moment it is there; a dead one's is taken over, and what dead writers
 * left half-written beside the file is removed. Throws FindingError SEAL_LOCKED.
 */
export async function withLock<T>(path: string, file: string, run: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  take(lock, file);
  try {
    clearLeftovers(dirname(path));
    return await run();
  } finally {
    rmSync(lock, { force: true });
  }
}
function take(lock: string, file: string): void {
  for (let attempt = 0; ; attempt++) {
    if (createAtomic(lock, `${String(process.pid)} ${bornAt(process.pid)}`, 0o600)) return;
    const owner = ownerOf(lock);
    if (owner === null) continue; // let go in this moment
    if (attempt >= 50 || isRunning(owner.pid, owner.born)) throw new FindingError(sealCodes.finding("SEAL_LOCKED", { message: `process ${String(owner.pid)} is writing ${file}`, hint: "wait for it to end" }), 2);
    removeDead(lock);
  }
}
/** Removes the lock that a killed writer left beside a file. */
export function clearDeadLock(path: string): void {
  const lock = `${path}.lock`;
  const owner = existsSync(lock) ? ownerOf(lock) : null;
  if (owner && !isRunning(owner.pid, owner.born)) removeDead(lock);
}
/**
 * One at a time, and looked at again: else of two who saw a dead owner the slower one would remove the quicker one's fresh lock.
 * Whoever holds this second lock needs microseconds; what a killed one leaves of it is removed by the next.
 */
function removeDead(lock: string): void {
  const gate = `${lock}.takeover`;
  if (!createAtomic(gate, `${String(process.pid)} ${bornAt(process.pid)}`, 0o600)) {
    const other = ownerOf(gate);
    if (other && !isRunning(other.pid, other.born)) rmSync(gate, { force: true });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    return;
  }
  try {
    const owner = ownerOf(lock);
    if (owner && !isRunning(owner.pid, owner.born)) rmSync(lock, { force: true });
  } finally {
    rmSync(gate, { force: true });
  }
}
/** Null where there is no such file; one that names nobody belongs to process 0, which never lives. */
function ownerOf(lock: string): Owner | null {
  try {
    const [pid = "", born = ""] = readFileSync(lock, "utf8").split(" ");
    return { pid: /^\d+$/.test(pid) ? Number(pid) : 0, born };
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new FindingError(sealCodes.finding("SEAL_LOCKED", { message: `${basename(lock)} can't be read`, hint: "remove it if nobody is writing" }), 2);
  }
}
