import { defineCommand } from "../command.ts";
import { renderRotations } from "../render/rotations.ts";
import { moveBack } from "../rotating.ts";
import { mustConfirm, rotatorOptions, withRotator } from "../rotator.ts";
import { knownEnvironments } from "./check.ts";

export default defineCommand({
  name: "rotate abort",
  summary: "Go back from a rotation: the old credential is in force again, the new one is taken back at its provider",
  wants: "one",
  args: [{ name: "<rotation>", description: "its id, such as r20261124-0123456789" }],
  options: rotatorOptions,
  examples: ["stackseal rotate abort r20261124-0123456789 --env prod"],
  run: async (context, [id = ""], options) => {
    const [env = ""] = knownEnvironments(context);
    mustConfirm(context, `stackseal rotate abort ${id} --env ${env}`);
    return withRotator(context, env, options, async (r) => {
      const m = await moveBack(r, id);
      return { exit: m.exit, findings: m.findings, ...renderRotations(context, env, [m.moved]) };
    });
  },
});
