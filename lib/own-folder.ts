import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isRunning } from "./process.ts";

/** Makes an empty folder (0700) in `parent`, named by `prefix` and this process; removes those of the same prefix whose process was killed. Throws what the file system throws. */
export function ownFolder(parent: string, prefix: string): string {
  for (const name of readdirSync(parent)) {
    const pid = name.startsWith(prefix) ? /^(\d+)-[A-Za-z0-9]{6}$/.exec(name.slice(prefix.length))?.[1] : undefined;
    if (pid === undefined || isRunning(Number(pid))) continue;
    try {
      rmSync(join(parent, name), { recursive: true, force: true });
    } catch {
      // Somebody else's: it stays.
    }
  }
  return mkdtempSync(join(parent, `${prefix}${String(process.pid)}-`));
}
