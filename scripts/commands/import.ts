import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { FindingError } from "../../lib/finding.ts";
import { engineCodes } from "../../engine/codes.ts";
import { confirm } from "../confirm.ts";
import { defineCommand } from "../command.ts";
import { ENGINE_OPTION } from "../engine-choice.ts";
import { chosenStack, PART_OPTION } from "../stack-choice.ts";

export default defineCommand({
  name: "import",
  summary: "Replace a stack's state by a file of pulumi stack export or stackseal export",
  wants: "one",
  args: [{ name: "<file>", description: "the export" }],
  options: [PART_OPTION, ENGINE_OPTION],
  examples: ["pulumi stack export > local.json && stackseal import local.json --env local --yes"],
  run: async (context, [file = ""], given) => {
    const { engine, stack } = await chosenStack(context, given, "stack import");
    let document: unknown;
    try {
      document = JSON.parse(readFileSync(resolve(context.root, file), "utf8"));
    } catch (e) {
      throw new FindingError(engineCodes.finding("STATE_CORRUPT", { message: (e as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : "it is no JSON", path: file, hint: "pulumi stack export > FILE" }), 2);
    }
    const no = await confirm(context, `Replace the state of ${stack}?`, `stackseal import ${file}`);
    if (no) return { exit: 2, findings: [no] };
    const resources = await engine.import(stack, document);
    return { exit: 0, json: { stack, resources }, text: `${stack}: ${resources} resources imported${engine.name === "embedded" ? "; what stood there is kept beside it as .bak" : ""}\n` };
  },
});
