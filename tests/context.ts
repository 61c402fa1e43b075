import { systemClock } from "../lib/clock.ts";
import type { Context } from "../scripts/command.ts";

/** A context for calling what commands are made of, without a command line: nothing is asked, nothing is printed. */
export const SYSTEM: Omit<Context, "root" | "envs"> = {
  clock: systemClock, env: { PATH: process.env["PATH"] }, json: true, color: false, interactive: false, yes: false, stdin: process.stdin, signal: new AbortController().signal,
  out: () => undefined, say: () => undefined, progress: () => undefined,
};
