import { callerAt, callerFindings } from "../caller.ts";
import { confirm } from "../confirm.ts";
import { defineCommand } from "../command.ts";
import { ENGINE_OPTION, engineFor, nameOf } from "../engine-choice.ts";
import { declaredOne, deploy, RUN_OPTIONS, runOptions, stacksToDo } from "../deploy.ts";
import { projectName } from "../deployment.ts";
import { PART_OPTION } from "../stack-choice.ts";

export default defineCommand({
  name: "destroy",
  summary: "Remove everything that an environment deployed",
  wants: "one",
  options: [{ flags: "--refresh", description: "read what is there from the providers first" }, ...RUN_OPTIONS, ENGINE_OPTION, PART_OPTION],
  examples: ["stackseal destroy --env local --yes"],
  run: async (context, _args, given) => {
    const { d, findings, project } = declaredOne(context), options = { ...runOptions(given), project, kind: "destroy" as const };
    const engine = await engineFor(context, d, given["engine"], "destroy");
    const others = callerFindings(await callerAt(context, d), d, projectName(context.root), stacksToDo(d, options), "destroy");
    if (others.length) return { exit: 2, findings: [...findings, ...others] };
    if (!context.yes && context.interactive) {
      const plan = await deploy(context, engine, d, { ...options, dryRun: true });
      context.progress(null);
      context.say(`${plan.text}\n`);
    }
    const no = await confirm(context, `Remove all of this from ${d.name}?`, `stackseal destroy --env ${d.name}`);
    if (no) return { exit: 2, findings: [no] };
    const r = await deploy(context, engine, d, options);
    return { exit: r.cancelled ? 130 : r.ok ? 0 : 1, findings: [...findings, ...r.findings], json: { environments: [r.json] }, text: `${nameOf(engine)}: removes ${d.name}.\n\n${r.text}` };
  },
});
