import { confirm } from "../confirm.ts";
import { defineCommand } from "../command.ts";
import { declaredOne, deploy, mustLiveHere, RUN_OPTIONS, runOptions } from "../deploy.ts";

export default defineCommand({
  name: "refresh",
  summary: "Read what is there from the providers and keep it as the state",
  wants: "one",
  options: RUN_OPTIONS,
  examples: ["stackseal refresh --env local --yes"],
  run: async (context, _args, given) => {
    const { d, findings } = declaredOne(context), options = { ...runOptions(given), kind: "refresh" as const };
    mustLiveHere(d, "refresh");
    const no = await confirm(context, `Read ${d.name} anew and keep what is found?`, `stackseal refresh --env ${d.name}`);
    if (no) return { exit: 2, findings: [no] };
    const r = await deploy(context, d, options);
    return { exit: r.cancelled ? 130 : r.ok ? 0 : 1, findings: [...findings, ...r.findings], json: { environments: [r.json] }, text: `Embedded engine: reads what lives on this machine.\n\n${r.text}` };
  },
});
