import { defineCommand } from "../command.ts";
import { ENGINE_OPTION } from "../engine-choice.ts";
import { chosenStacks, PART_OPTION } from "../stack-choice.ts";

export default defineCommand({
  name: "cancel",
  summary: "Ask a running update to stop at the next safe point, or take away the lock of one that died",
  wants: "one",
  options: [PART_OPTION, ENGINE_OPTION],
  examples: ["stackseal cancel --env local"],
  run: async (context, _args, given) => {
    const { engine, stacks } = await chosenStacks(context, given, "cancel");
    const done = [];
    for (const stack of stacks) {
      const what = await engine.cancel(stack);
      if (what !== null) done.push({ stack, what });
    }
    return { exit: 0, json: { cancelled: done }, text: done.map((x) => `${x.stack}: ${x.what}\n`).join("") || "nothing runs\n" };
  },
});
