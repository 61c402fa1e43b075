import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { FindingError } from "../lib/finding.ts";
import { sealCodes } from "./codes.ts";

/** Runs with one writer a file: the lock beside it names its process; a dead one's is taken over. Throws FindingError SEAL_LOCKED. */
export async function withLock<T>(path: string, file: string, run: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  mkdirSync(dirname(path), { recursive: true });
  for (let attempt = 0; ; attempt++) {
    try {
      const fd = openSync(lock, "wx", 0o600);
      writeSync(fd, String(process.pid));
      closeSync(fd);
      break;
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code !== "EEXIST") throw e;
      const pid = ownerOf(lock);
      if (attempt < 3 && !running(pid)) rmSync(lock, { force: true });
      else throw new FindingError(sealCodes.finding("SEAL_LOCKED", { message: `process ${pid} is writing ${file}`, hint: "wait for it to end" }), 2);
    }
  }
  try {
    return await run();
  } finally {
    rmSync(lock, { force: true });
  }
}
/** Removes the lock that a killed writer left beside a file. */
export function clearDeadLock(path: string): void {
  const lock = `${path}.lock`;
  if (existsSync(lock) && !running(ownerOf(lock))) rmSync(lock, { force: true });
}
function ownerOf(lock: string): number {
  try {
    return Number(readFileSync(lock, "utf8"));
  } catch {
    return 0;
  }
}
function running(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (e) {
    return (e as NodeJS.ErrnoException).code === "EPERM";
  }
}
