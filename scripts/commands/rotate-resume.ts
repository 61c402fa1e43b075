import { defineCommand } from "../command.ts";
import { renderRotations } from "../render/rotations.ts";
import { moveOn } from "../rotating.ts";
import { mustConfirm, rotatorOptions, withRotator } from "../rotator.ts";
import { knownEnvironments } from "./check.ts";

export default defineCommand({
  name: "rotate resume",
  summary: "Go on with a rotation from its last recorded step: after a kill, an outage, an overlap, or what a person did",
  wants: "one",
  args: [{ name: "<rotation>", description: "its id, such as r20261124-0123456789" }],
  options: rotatorOptions,
  examples: ["stackseal rotate resume r20261124-0123456789 --env prod", "stackseal rotate resume r20261124-0123456789 --env prod --confirm vapi"],
  run: async (context, [id = ""], options) => {
    const [env = ""] = knownEnvironments(context);
    mustConfirm(context, `stackseal rotate resume ${id} --env ${env}`);
    return withRotator(context, env, options, async (r) => {
      const m = await moveOn(r, id);
      return { exit: m.exit, findings: m.findings, ...renderRotations(context, env, [m.moved]) };
    });
  },
});
