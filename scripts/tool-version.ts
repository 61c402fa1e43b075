import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** This program's version, from the package that it stands in. */
export function toolVersion(): string {
  for (let dir = dirname(fileURLToPath(import.meta.url)); ; dir = dirname(dir)) {
    const file = join(dir, "package.json");
    const found = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { name?: string; version?: string }) : null;
    if (found?.name === "stackseal" && found.version !== undefined) return found.version;
    if (dir === dirname(dir)) return "0.0.0";
  }
}
