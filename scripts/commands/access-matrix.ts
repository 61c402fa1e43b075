import { defineCommand } from "../command.ts";
import { matrixHtml, matrixJson, matrixMarkdown, matrixText } from "../matrix.ts";
import { painter } from "../render/paint.ts";

export default defineCommand({
  name: "access matrix",
  summary: "Which role may do what to which class of credential in which tier, for reviewers",
  wants: "none",
  options: [{ flags: "--format <format>", description: "how it is written", choices: ["text", "markdown", "html"], default: "text" }],
  examples: ["stackseal access matrix", "stackseal access matrix --format html > matrix.html"],
  run: (context, _args, options) => Promise.resolve({
    exit: 0, json: { matrix: matrixJson() },
    text: options["format"] === "html" ? matrixHtml() : options["format"] === "markdown" ? matrixMarkdown() : matrixText(painter(context.color).bold, process.stdout.isTTY && !context.json ? process.stdout.columns : undefined),
  }),
});
