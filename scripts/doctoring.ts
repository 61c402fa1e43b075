import { readFileSync } from "node:fs";
import { join } from "node:path";
import { FindingError } from "../lib/finding.ts";
import { sealedFile } from "../schemas/layout.ts";
import { SANDBOX_DIR } from "../schemas/sandbox.ts";
import { readClear } from "../seal/clear.ts";
import { identitiesFor } from "../seal/identity.ts";
import { openSealed } from "../seal/open.ts";
import { runningSandbox, type RunningSandbox } from "../doctor/sandbox-address.ts";
import type { DiagnoseOptions } from "../doctor/diagnose.ts";
import type { Declared } from "../stacks/read.ts";
import type { Context } from "./command.ts";

// What the commands that ask providers have in common.

/** Opens what the identity at hand may open; of everything else says why it can't be read. Never throws for that. */
export async function readableValues(context: Context, d: Declared): Promise<DiagnoseOptions["value"]> {
  const values = new Map<string, string>();
  const why = new Map<string, string>();
  for (const cls of ["standard", "payments"] as const) {
    if (!d.expected.some((e) => e.spec.class === cls)) continue;
    try {
      const { sealed, findings } = readClear(context.root, sealedFile(d.name, cls));
      if (!sealed) throw new FindingError(findings);
      for (const [path, value] of (await openSealed(sealed, identitiesFor(context.root, d.name, context.env))).values) values.set(path, value);
    } catch (e) {
      if (!(e instanceof FindingError)) throw e;
      why.set(cls, `${e.findings[0]?.message ?? "it can't be opened"} (${e.findings[0]?.code ?? ""})`);
    }
  }
  return (path) => {
    const value = values.get(path);
    if (value !== undefined) return { value };
    const reason = why.get(d.expected.find((e) => e.path === path)?.spec.class ?? "standard");
    return { value: null, why: reason ?? "no value is sealed", missing: reason === undefined };
  };
}
/** The sandbox that runs, or one for as long as the command does. */
export async function sandboxFor(context: Context): Promise<RunningSandbox & { close(): Promise<void> }> {
  const running = runningSandbox(context.root, context.env);
  if (running) return { ...running, close: () => Promise.resolve() };
  const { startSandbox } = await import("../sandbox/index.ts");
  const own = await startSandbox({ stateDir: join(context.root, SANDBOX_DIR) });
  return { urls: own.urls, ca: own.ca, close: () => own.close() };
}
/** A PEM file that is trusted besides the usual authorities. Throws FindingError CA_UNREADABLE. */
export function caFrom(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    const pem = readFileSync(file, "utf8");
    if (pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
  } catch {
    // Said below.
  }
  throw new FindingError({ code: "CA_UNREADABLE", severity: "error", message: "the file of --ca holds no PEM certificate", hint: "a file that begins with -----BEGIN CERTIFICATE-----" }, 2);
}
