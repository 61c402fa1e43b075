import { existsSync } from "node:fs";
import { join } from "node:path";
import { FindingError } from "../lib/finding.ts";
import { engineCodes } from "../engine/codes.ts";
import { embedded, pulumi, type Engine } from "../engine/index.ts";
import { stackName } from "../schemas/layout.ts";
import type { Declared } from "../stacks/read.ts";
import type { Context, OptionSpec } from "./command.ts";
import { livesHere, partsOf } from "./deployment.ts";
import { toolFolder } from "./tool-version.ts";

export const ENGINE_OPTION: OptionSpec = { flags: "--engine <engine>", description: "embedded deploys what lives on this machine; pulumi is the CLI on PATH; auto takes the one that fits", choices: ["auto", "embedded", "pulumi"], default: "auto" };
const INSTALL = "install the Pulumi CLI (https://www.pulumi.com/docs/install); the npm package of that name doesn't count";
/** Plugins that our programs use and that must come from the project's own path. */
const PLUGINS = ["stripe", "stackseal"];

/** The Pulumi CLI. Throws FindingError CLI_ABSENT (exit 2) where there is none on this machine. */
export async function pulumiCli(context: Context): Promise<Engine> {
  const engine = await pulumi(context, { packs: [packOf(context.root)], plugins: PLUGINS });
  if (!engine) throw new FindingError(engineCodes.finding("CLI_ABSENT", { message: "there is no Pulumi CLI on PATH or under PULUMI_HOME", hint: INSTALL }), 2);
  return engine;
}
/**
 * The engine for what is to be done to an environment: what lives on this machine is the embedded engine's unless `--engine pulumi` is given,
 * everything else the CLI's. Throws FindingError ENGINE_REFUSES or CLI_ABSENT (exit 2).
 */
export async function engineFor(context: Context, d: Declared, asked: unknown, verb: string): Promise<Engine> {
  if (asked === "pulumi") return pulumiCli(context);
  if (livesHere(d)) return embedded(context);
  const engine = asked === "embedded" ? null : await pulumi(context, { packs: [packOf(context.root)], plugins: PLUGINS });
  if (engine) return engine;
  const commands = partsOf(d).map((p) => `pulumi ${verb} -s ${stackName(d.name, p)}${verb === "up" ? " --policy-pack policies" : ""}`).join(" && ");
  throw new FindingError(engineCodes.finding("ENGINE_REFUSES", { message: `${d.name} doesn't live on this machine: the embedded engine previews it and doesn't ${verb === "up" ? "deploy" : verb.replace(/^stack /, "")} it${asked === "embedded" ? "" : ", and there is no Pulumi CLI here"}`, path: d.name, hint: commands }), 2);
}
/** How an engine calls itself on the first line of its output. */
export const nameOf = (engine: Engine): string => (engine.name === "embedded" ? "Embedded engine" : "Pulumi CLI");
/** The project's policy pack; where it has none of its own, the one that comes with this package. */
function packOf(root: string): string {
  const own = join(root, "policies");
  return existsSync(join(own, "PulumiPolicy.yaml")) ? own : join(toolFolder(), "policies");
}
