import { defineCommand } from "../command.ts";
import { declaredOne, deploy } from "./up.ts";

export default defineCommand({
  name: "destroy",
  summary: "Remove everything that an environment deployed",
  wants: "one",
  examples: ["stackseal destroy --env local --yes"],
  run: async (context) => {
    const { d, findings } = declaredOne(context);
    if (!context.yes) return { exit: 2, findings: [{ code: "NOT_CONFIRMED", severity: "error", message: "nothing was changed: --yes is needed", hint: `stackseal destroy --env ${d.name} --yes` }] };
    const r = await deploy(context, d, { destroy: true });
    return { exit: r.ok ? 0 : 1, findings: [...findings, ...r.findings], json: { environments: [r.json] }, text: `Embedded engine: removes what lives on this machine.\n\n${r.text}` };
  },
});
