import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { readDocument } from "../../lib/document.ts";
import { FindingError, type Finding } from "../../lib/finding.ts";
import { engineCodes } from "../codes.ts";

interface PluginEntry { readonly name?: unknown; readonly path?: unknown }
interface ProjectFile { readonly main?: unknown; readonly stackConfigDir?: unknown; readonly plugins?: { readonly providers?: unknown } }

/** What the CLI takes from Pulumi.yaml. Throws FindingError PROJECT_INCOMPLETE (exit 2) where the program isn't built or a plugin in `plugins` has no path to an executable. */
export function readProjectFile(root: string, plugins: readonly string[]): { readonly configDir: string } {
  const { document, findings } = readDocument(root, "Pulumi.yaml");
  if (!document) throw new FindingError(findings, 2);
  const p = document.value as ProjectFile | null;
  const missing: Finding[] = [];
  const lacks = (path: readonly (string | number)[], message: string, hint: string): void => { missing.push(engineCodes.finding("PROJECT_INCOMPLETE", { message, at: document.locate(path), hint })); };
  if (typeof p?.main === "string" && !existsSync(resolve(root, p.main))) lacks(["main"], `the program ${p.main} isn't there`, "build it: npm run build");
  for (const name of plugins) {
    const list = (Array.isArray(p?.plugins?.providers) ? p.plugins.providers : []) as readonly (PluginEntry | null)[];
    const at = list.findIndex((x) => x?.name === name), path = list[at]?.path;
    if (typeof path !== "string") lacks(["plugins", "providers"], `the plugin ${name} has no path: the CLI would look for one of that name elsewhere`, `plugins: { providers: [{ name: ${name}, path: … }] }`);
    else if (!existsSync(join(resolve(root, path), `pulumi-resource-${name}`))) lacks(["plugins", "providers", at, "path"], `${path} has no pulumi-resource-${name}`, "build it: npm run build");
  }
  if (missing.length) throw new FindingError(missing, 2);
  return { configDir: typeof p?.stackConfigDir === "string" ? p.stackConfigDir : "." };
}
