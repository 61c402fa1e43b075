import { readFileSync } from "node:fs";
import { join } from "node:path";
import { onThisMachine } from "../schemas/fields.ts";
import { SANDBOX_DIR, SANDBOX_RUNNING, SANDBOX_SERVICES, sandboxVariable } from "../schemas/sandbox.ts";

const SERVED = /^(https?|smtps?):$/;
export interface RunningSandbox {
  readonly urls: Readonly<Record<string, string>>;
  /** PEM of the certificate of its mail servers; null where it isn't known. */
  readonly ca: string | null;
}
/** The sandbox that runs on this machine: named by the environment's variables, or by the note that it leaves. Null where none runs; addresses off loopback are not taken. */
export function runningSandbox(root: string, env: Readonly<Record<string, string | undefined>>): RunningSandbox | null {
  const named = SANDBOX_SERVICES.flatMap((s): [string, string][] => {
    const url = env[sandboxVariable(s)];
    return url !== undefined && onThisMachine(url, SERVED) ? [[s, url]] : [];
  });
  const note = noteOf(root);
  const urls = { ...note?.urls, ...Object.fromEntries(named) };
  return Object.keys(urls).length === 0 ? null : { urls, ca: note?.ca ?? null };
}
function noteOf(root: string): RunningSandbox | null {
  try {
    const { pid, urls, ca } = JSON.parse(readFileSync(join(root, SANDBOX_DIR, SANDBOX_RUNNING), "utf8")) as { pid: number; urls: Record<string, string>; ca?: string };
    process.kill(pid, 0); // throws where no such process is: what a killed sandbox left says nothing
    return { urls: Object.fromEntries(Object.entries(urls).filter(([, u]) => onThisMachine(u, SERVED))), ca: ca === undefined ? null : readFileSync(ca, "utf8") };
  } catch {
    return null;
  }
}
