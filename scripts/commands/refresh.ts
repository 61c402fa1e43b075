import { confirm } from "../confirm.ts";
import { defineCommand } from "../command.ts";
import { ENGINE_OPTION, engineFor, nameOf } from "../engine-choice.ts";
import { declaredOne, deploy, RUN_OPTIONS, runOptions } from "../deploy.ts";
import { PART_OPTION } from "../stack-choice.ts";

export default defineCommand({
  name: "refresh",
  summary: "Read what is there from the providers and keep it as the state",
  wants: "one",
  options: [...RUN_OPTIONS, ENGINE_OPTION, PART_OPTION],
  examples: ["stackseal refresh --env local --yes"],
  run: async (context, _args, given) => {
    const { d, findings, project } = declaredOne(context), options = { ...runOptions(given), project, kind: "refresh" as const };
    const engine = await engineFor(context, d, given["engine"], "refresh");
    const no = await confirm(context, `Read ${d.name} anew and keep what is found?`, `stackseal refresh --env ${d.name}`);
    if (no) return { exit: 2, findings: [no] };
    const r = await deploy(context, engine, d, options);
    return { exit: r.cancelled ? 130 : r.ok ? 0 : 1, findings: [...findings, ...r.findings], json: { environments: [r.json] }, text: `${nameOf(engine)}: reads ${d.name}.\n\n${r.text}` };
  },
});
