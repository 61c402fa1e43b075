import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PINNED } from "../../engine/embedded/sdk-hooks.ts";

/** What made a plan, by version: another tool may make another plan of the same declarations. */
export function toolchain(): Record<string, string> {
  for (let dir = dirname(fileURLToPath(import.meta.url)); ; dir = dirname(dir)) {
    const file = join(dir, "package.json");
    if (existsSync(file)) {
      const { name, version } = JSON.parse(readFileSync(file, "utf8")) as { name?: string; version?: string };
      if (name === "stackseal") return { stackseal: version ?? "unknown", ...PINNED };
    }
    if (dir === dirname(dir)) return { stackseal: "unknown", ...PINNED };
  }
}
