import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { isRunning } from "./process.ts";

/**
 * Writes a file so that a reader, or a crash at any moment, sees the old or the new content and nothing between:
 * temporary file beside it, fsync, rename, fsync of the folder. Throws what the file system throws; the temporary file is removed then.
 */
export function writeAtomic(file: string, content: string | Uint8Array, mode = 0o644): void {
  const dir = dirname(file);
  mkdirSync(dir, { recursive: true });
  const temp = written(dir, content, mode);
  renameSync(temp, file);
  syncFolder(dir);
}
/** Writes what a person named with `--out`: atomically, or straight into it where it is a device or a pipe (`/dev/stdout`), which stays. Throws what the file system throws. */
export function writeOut(file: string, content: string): void {
  const there = statSync(file, { throwIfNoEntry: false });
  if (there && !there.isFile() && !there.isDirectory()) writeFileSync(file, content);
  else writeAtomic(file, content);
}
/** Makes a file with its content in one step, where none of that name is; false where one is. Throws what the file system throws. */
export function createAtomic(file: string, content: string | Uint8Array, mode = 0o644): boolean {
  const dir = dirname(file);
  mkdirSync(dir, { recursive: true });
  const temp = written(dir, content, mode);
  try {
    linkSync(temp, file);
    return true;
  } catch (e) {
    const code = (e as NodeJS.ErrnoException).code ?? "";
    if (code === "EEXIST") return false;
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(code)) throw e;
    // No hard links on this file system: the name first, the content a moment later.
    return createBare(file, content, mode);
  } finally {
    rmSync(temp, { force: true });
  }
}
function createBare(file: string, content: string | Uint8Array, mode: number): boolean {
  try {
    const fd = openSync(file, "wx", mode);
    writeFileSync(fd, content);
    closeSync(fd);
    return true;
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw e;
  }
}
const TEMP = /^\.[0-9a-f]{12}(?:\.(\d+))?\.tmp$/;
const DAY = 86_400_000;
/** Removes from a folder what killed writers left: temporary files whose process is gone. A living process's stay. */
export function clearLeftovers(dir: string): void {
  for (const name of readdirSync(dir)) {
    const m = TEMP.exec(name);
    if (!m) continue;
    const age = Date.now() - (statSync(join(dir, name), { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    // A pid may have been given to another process since: nobody writes for a day.
    if (age > DAY || (m[1] === undefined ? age > 2000 : !isRunning(Number(m[1])))) rmSync(join(dir, name), { force: true });
  }
}
/** A temporary file in that folder, named after its process, its content on the disk. */
function written(dir: string, content: string | Uint8Array, mode: number): string {
  const temp = join(dir, `.${randomBytes(6).toString("hex")}.${String(process.pid)}.tmp`);
  const fd = openSync(temp, "wx", mode);
  try {
    const bytes = typeof content === "string" ? Buffer.from(content, "utf8") : content;
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    fsyncSync(fd);
  } catch (e) {
    closeSync(fd);
    rmSync(temp, { force: true });
    throw e;
  }
  closeSync(fd);
  return temp;
}

/** Has a folder's entries on the disk, where its file system can. */
export function syncFolder(dir: string): void {
  const fd = openSync(dir, "r");
  try {
    fsyncSync(fd);
  } catch {
    // Some file systems refuse fsync of a folder; the rename stands all the same.
  } finally {
    closeSync(fd);
  }
}
