import { createInterface } from "node:readline/promises";
import { FindingError, type Finding } from "../lib/finding.ts";
import type { Context } from "./command.ts";
import { fit } from "./render/wrap.ts";

/** Asks before the world is changed: null where the answer is yes, else why nothing was done. Without a terminal only `--yes` counts. */
export async function confirm(context: Context, question: string, command: string): Promise<Finding | null> {
  if (context.yes) return null;
  const refused = (message: string): Finding => ({ code: "NOT_CONFIRMED", severity: "error", message, hint: `${command} --yes` });
  if (!context.interactive) return refused("nothing was changed: without a terminal, --yes is needed");
  return /^y(es)?$/i.test(await ask(context, `${question} [y/N] `)) ? null : refused("nothing was changed: the answer wasn't yes");
}
/** The answer to a question on the terminal, whose words are broken where it is narrow. Ctrl-C and Ctrl-D are no answer: throws FindingError INTERRUPTED. */
export async function ask(context: Context, question: string): Promise<string> {
  const prompt = createInterface({ input: context.stdin, output: process.stderr });
  try {
    return (await prompt.question(`${fit(question.trimEnd(), process.stderr, context.env["COLUMNS"])} `, { signal: context.signal })).trim();
  } catch {
    context.say("\n");
    throw interrupted();
  } finally {
    prompt.close();
  }
}
/** What a person who broke a question off gets: nothing was done. */
export const interrupted = (): FindingError => new FindingError({ code: "INTERRUPTED", severity: "error", message: "nothing was changed" }, 130);
