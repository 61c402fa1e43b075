import { kinds } from "../../schemas/integrations/index.ts";
import { defineCommand } from "../command.ts";
import { completionScript, modelOf, SHELLS, type Shell } from "../render/completion.ts";

export default defineCommand({
  name: "completion",
  summary: "Print a shell's completion script",
  wants: "none",
  args: [{ name: "<shell>", description: SHELLS.join(", ") }],
  examples: ['eval "$(stackseal completion bash)"', "stackseal completion fish > ~/.config/fish/completions/stackseal.fish"],
  run: async (_context, [shell = ""]) => {
    if (!(SHELLS as readonly string[]).includes(shell)) return { exit: 2, findings: [{ code: "USAGE", severity: "error", message: `no completion for "${shell}"`, hint: `there is ${SHELLS.join(", ")}` }] };
    const { commands } = await import("./index.ts");
    const specs = await Promise.all(commands.map((c) => c.load()));
    return { exit: 0, text: completionScript(shell as Shell, specs.map(modelOf), kinds()) };
  },
});
