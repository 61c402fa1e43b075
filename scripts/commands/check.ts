import { defineCommand } from "../command.ts";

export default defineCommand({
  name: "check",
  summary: "Judge everything that can be judged without a key",
  wants: "any",
  examples: ["stackseal check", "stackseal check --env prod --json"],
  run: () => Promise.resolve({ exit: 0 }),
});
