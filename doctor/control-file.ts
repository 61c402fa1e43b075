import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeAtomic } from "../lib/atomic.ts";
import type { Clock } from "../lib/clock.ts";
import type { Controls } from "./controls.ts";

const FILE = ".stackseal/doctor/controls.json";
/** So long a refused corrupted copy counts: no provider is sent a wrong credential more often than once an hour. */
const WINDOW_MS = 3_600_000;

/** Controls that are remembered between runs, by a digest of environment, path and issue id: a new issue is controlled anew. */
export function controlFile(root: string, clock: Clock): Controls & { save(): void } {
  const known = new Map<string, number>();
  try {
    for (const [k, v] of Object.entries(JSON.parse(readFileSync(join(root, FILE), "utf8")) as Record<string, unknown>)) if (typeof v === "number") known.set(k, v);
  } catch {
    // None yet, or unreadable: every credential is controlled again.
  }
  const digest = (key: string): string => createHash("sha256").update(key).digest("base64url").slice(0, 22);
  let changed = false;
  return {
    refusedBefore: (key) => {
      const age = clock.now().getTime() - (known.get(digest(key)) ?? -Infinity);
      return age >= 0 && age < WINDOW_MS;
    },
    refused: (key) => {
      known.set(digest(key), clock.now().getTime());
      changed = true;
    },
    save: () => {
      const fresh = [...known].filter(([, at]) => clock.now().getTime() - at < WINDOW_MS);
      if (changed) writeAtomic(join(root, FILE), `${JSON.stringify(Object.fromEntries(fresh))}\n`, 0o600);
    },
  };
}
