import { FindingError } from "../lib/finding.ts";
import { embedded, type Engine } from "../engine/index.ts";
import { engineCodes } from "../engine/codes.ts";
import { stackName } from "../schemas/layout.ts";
import { knownEnvironments } from "./commands/check.ts";
import type { Context, OptionSpec } from "./command.ts";

const PARTS = ["standard", "payments", "foundation"] as const;
export const PART_OPTION: OptionSpec = { flags: "--part <part>", description: "which of the environment's stacks", choices: PARTS };

/** The stack that `--env` and `--part` name, with the engine that has its state. Without `--part` it is the standard one. */
export async function chosenStack(context: Context, given: Readonly<Record<string, unknown>>): Promise<{ readonly engine: Engine; readonly stack: string }> {
  const [name = ""] = knownEnvironments(context), part = PARTS.find((p) => p === given["part"]) ?? "standard";
  return { engine: await embedded(context), stack: stackName(name, part) };
}
/** Every stack that `--env` and `--part` name: all of the environment's where no part is given. */
export async function chosenStacks(context: Context, given: Readonly<Record<string, unknown>>): Promise<{ readonly engine: Engine; readonly stacks: readonly string[] }> {
  const [name = ""] = knownEnvironments(context), one = PARTS.find((p) => p === given["part"]);
  return { engine: await embedded(context), stacks: (one ? [one] : PARTS).map((p) => stackName(name, p)) };
}
export const neverDeployed = (stack: string): FindingError => new FindingError(engineCodes.finding("STATE_ABSENT", { message: `${stack} was never deployed on this machine`, path: stack, hint: "stackseal up, or stackseal import" }), 2);
