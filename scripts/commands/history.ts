import { defineCommand } from "../command.ts";
import { painter } from "../render/paint.ts";
import { ENGINE_OPTION } from "../engine-choice.ts";
import { chosenStacks, PART_OPTION } from "../stack-choice.ts";

export default defineCommand({
  name: "history",
  summary: "List a stack's updates, newest first",
  wants: "one",
  options: [PART_OPTION, ENGINE_OPTION],
  examples: ["stackseal history --env local", "stackseal history --env local --part payments --json"],
  run: async (context, _args, given) => {
    const { engine, stacks } = await chosenStacks(context, given, "stack history"), p = painter(context.color);
    const all = [];
    for (const stack of stacks) all.push({ stack, updates: await engine.history(stack) });
    const known = all.filter((s) => s.updates.length > 0);
    const text = known.map((s) => `${p.bold(s.stack)}\n${s.updates.map((u) => {
      const changes = Object.entries(u.resourceChanges).map(([op, n]) => `${n} ${op}`).join(", ");
      return `  ${String(u.version).padStart(4)}  ${new Date(u.startTime * 1000).toISOString()}  ${u.kind.padEnd(7)}  ${u.result === "failed" ? p.red(u.result) : p.green(u.result)}  ${u.endTime - u.startTime} s${changes ? `  ${changes}` : ""}${u.message ? `  ${u.message}` : ""}\n`;
    }).join("")}`).join("\n");
    return { exit: 0, json: { stacks: known }, text: text || "no update was made on this machine\n" };
  },
});
