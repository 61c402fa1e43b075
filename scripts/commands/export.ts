import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineCommand } from "../command.ts";
import { ENGINE_OPTION } from "../engine-choice.ts";
import { chosenStack, neverDeployed, PART_OPTION } from "../stack-choice.ts";

export default defineCommand({
  name: "export",
  summary: "Print a stack's state as pulumi stack export does; pulumi stack import opens it",
  wants: "one",
  options: [PART_OPTION, ENGINE_OPTION, { flags: "--show-secrets", description: "secrets in clear: take care where it goes" }, { flags: "--file <file>", description: "write it there (0600) instead of printing it" }],
  examples: ["stackseal export --env local > local.json", "stackseal export --env local --part payments --file payments.json"],
  run: async (context, _args, given) => {
    const { engine, stack } = await chosenStack(context, given, "stack export");
    const deployment = await engine.export(stack, { showSecrets: given["showSecrets"] === true });
    if (!deployment) throw neverDeployed(stack, engine);
    const text = `${JSON.stringify(deployment, null, 4)}\n`;
    if (typeof given["file"] !== "string") return { exit: 0, text, json: { stack, deployment } };
    writeFileSync(join(context.root, given["file"]), text, { mode: 0o600 });
    return { exit: 0, json: { stack, file: given["file"] }, text: `${stack}: exported to ${given["file"]}\n` };
  },
});
