import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Provider } from "../lib/provider.ts";
import { serve } from "./host.ts";

/** The nearest folder at or above `from` that has a Pulumi.yaml; `from` itself where none has. The CLI starts plugins in the program's folder. */
export function projectRoot(from: string): string {
  for (let dir = from; ; dir = dirname(dir)) {
    if (existsSync(join(dir, "Pulumi.yaml"))) return dir;
    if (dir === dirname(dir)) return from;
  }
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
