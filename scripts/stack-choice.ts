import { FindingError } from "../lib/finding.ts";
import { embedded, type Engine } from "../engine/index.ts";
import { engineCodes } from "../engine/codes.ts";
import { stackName } from "../schemas/layout.ts";
import { readProject } from "../stacks/read.ts";
import { knownEnvironments } from "./commands/check.ts";
import type { Context, OptionSpec } from "./command.ts";
import { engineFor, pulumiCli } from "./engine-choice.ts";

const PARTS = ["standard", "payments", "foundation"] as const;
export const PART_OPTION: OptionSpec = { flags: "--part <part>", description: "which of the environment's stacks", choices: PARTS };
type Given = Readonly<Record<string, unknown>>;

/** The engine that has the environment's state. An environment that can't be read any more is the embedded engine's: its state may still be wanted. */
async function engineOf(context: Context, name: string, given: Given, verb: string): Promise<Engine> {
  if (given["engine"] === "pulumi") return pulumiCli(context);
  const d = readProject(context.root, { only: [name], clock: context.clock }).environments[0];
  return d ? engineFor(context, d, given["engine"], verb) : embedded(context);
}
/** The stack that `--env` and `--part` name, with the engine that has its state. Without `--part` it is the standard one. `verb`: the CLI's command for it. */
export async function chosenStack(context: Context, given: Given, verb: string): Promise<{ readonly engine: Engine; readonly stack: string }> {
  const [name = ""] = knownEnvironments(context), part = PARTS.find((p) => p === given["part"]) ?? "standard";
  return { engine: await engineOf(context, name, given, verb), stack: stackName(name, part) };
}
/** Every stack that `--env` and `--part` name: all of the environment's where no part is given. */
export async function chosenStacks(context: Context, given: Given, verb: string): Promise<{ readonly engine: Engine; readonly stacks: readonly string[] }> {
  const [name = ""] = knownEnvironments(context), one = PARTS.find((p) => p === given["part"]);
  return { engine: await engineOf(context, name, given, verb), stacks: (one ? [one] : PARTS).map((p) => stackName(name, p)) };
}
export const neverDeployed = (stack: string, engine: Engine): FindingError => new FindingError(engineCodes.finding("STATE_ABSENT", { message: engine.name === "embedded" ? `${stack} was never deployed on this machine` : `the backend has no stack ${stack}`, path: stack, hint: "stackseal up, or stackseal import" }), 2);
