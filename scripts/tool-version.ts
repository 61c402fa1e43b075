import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the package that this program stands in, with its version; null outside of one. */
function here(): { readonly dir: string; readonly version: string } | null {
  for (let dir = dirname(fileURLToPath(import.meta.url)); ; dir = dirname(dir)) {
    const file = join(dir, "package.json");
    const found = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { name?: string; version?: string }) : null;
    if (found?.name === "stackseal") return { dir, version: found.version ?? "0.0.0" };
    if (dir === dirname(dir)) return null;
  }
}
/** This program's version, from the package that it stands in. */
export const toolVersion = (): string => here()?.version ?? "0.0.0";
/** The folder of that package: the policy pack and the built program lie in it. */
export const toolFolder = (): string => here()?.dir ?? dirname(fileURLToPath(import.meta.url));
