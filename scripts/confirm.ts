import { createInterface } from "node:readline/promises";
import type { Finding } from "../lib/finding.ts";
import type { Context } from "./command.ts";

/** Asks before the world is changed: null where the answer is yes, else why nothing was done. Without a terminal only `--yes` counts. */
export async function confirm(context: Context, question: string, command: string): Promise<Finding | null> {
  if (context.yes) return null;
  const refused = (message: string): Finding => ({ code: "NOT_CONFIRMED", severity: "error", message, hint: `${command} --yes` });
  if (!context.interactive) return refused("nothing was changed: without a terminal, --yes is needed");
  const prompt = createInterface({ input: context.stdin, output: process.stderr });
  try {
    const answer = await prompt.question(`${question} [y/N] `, { signal: context.signal });
    return /^y(es)?$/i.test(answer.trim()) ? null : refused("nothing was changed: the answer wasn't yes");
  } finally {
    prompt.close();
  }
}
