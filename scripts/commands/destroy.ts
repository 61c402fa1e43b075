import { confirm } from "../confirm.ts";
import { defineCommand } from "../command.ts";
import { declaredOne, deploy, mustLiveHere, RUN_OPTIONS, runOptions } from "../deploy.ts";

export default defineCommand({
  name: "destroy",
  summary: "Remove everything that an environment deployed",
  wants: "one",
  options: [{ flags: "--refresh", description: "read what is there from the providers first" }, ...RUN_OPTIONS],
  examples: ["stackseal destroy --env local --yes"],
  run: async (context, _args, given) => {
    const { d, findings } = declaredOne(context), options = { ...runOptions(given), kind: "destroy" as const };
    mustLiveHere(d, "destroy");
    if (!context.yes && context.interactive) {
      const plan = await deploy(context, d, { ...options, dryRun: true });
      context.progress(null);
      context.say(`${plan.text}\n`);
    }
    const no = await confirm(context, `Remove all of this from ${d.name}?`, `stackseal destroy --env ${d.name}`);
    if (no) return { exit: 2, findings: [no] };
    const r = await deploy(context, d, options);
    return { exit: r.cancelled ? 130 : r.ok ? 0 : 1, findings: [...findings, ...r.findings], json: { environments: [r.json] }, text: `Embedded engine: removes what lives on this machine.\n\n${r.text}` };
  },
});
