import { existsSync, realpathSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { readDocument } from "../lib/document.ts";
import type { Provider } from "../lib/provider.ts";
import { serve } from "./host.ts";

const nearestProject = (from: string): string | null => {
  for (let dir = from; ; dir = dirname(dir)) {
    if (existsSync(join(dir, "Pulumi.yaml"))) return dir;
    if (dir === dirname(dir)) return null;
  }
};
/**
 * The project that a plugin works for. The CLI starts it in the folder of the project's program: the nearest folder at or above with a
 * Pulumi.yaml. Where that program is a linked package, the way back doesn't lead to the project: then it is that of `pwd`, where the CLI itself
 * was started, if its program is the one that lies here.
 */
export function projectRoot(cwd: string, pwd?: string): string {
  const from = pwd !== undefined && isAbsolute(pwd) ? nearestProject(pwd) : null;
  const main = from === null ? undefined : (readDocument(from, "Pulumi.yaml").document?.value as { readonly main?: unknown } | null | undefined)?.main;
  const folder = from !== null && typeof main === "string" ? dirname(join(from, main)) : null;
  if (from !== null && folder !== null && existsSync(folder) && realpathSync(folder) === realpathSync(cwd)) return from;
  return nearestProject(cwd) ?? cwd;
}

/** Runs a plugin's process: prints the port, as Pulumi wants it, serves until it is told to end or its parent is gone. */
export async function runPlugin(provider: Provider, host: { readonly print: (line: string) => void; readonly exit: (code: number) => void; readonly parent: () => number; readonly onSignal: (end: () => void) => void }): Promise<void> {
  const served = await serve(provider);
  const end = (): void => { void served.close().finally(() => { host.exit(0); }); };
  host.onSignal(end);
  const parent = host.parent();
  // An engine that was killed can't say so: a plugin without its parent would stay for ever.
  setInterval(() => { if (host.parent() !== parent) end(); }, 1000).unref();
  host.print(`${served.port}\n`);
}
