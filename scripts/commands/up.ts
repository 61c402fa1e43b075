import { confirm } from "../confirm.ts";
import { defineCommand } from "../command.ts";
import { chooseTarget } from "../rollback/choose.ts";
import { ENGINE_OPTION, engineFor, nameOf } from "../engine-choice.ts";
import { declaredOne, deploy, RUN_OPTIONS, runOptions } from "../deploy.ts";
import { partsOf } from "../deployment.ts";
import { identityFindings } from "../identity-parts.ts";
import { PART_OPTION } from "../stack-choice.ts";

export default defineCommand({
  name: "up",
  summary: "Deploy an environment",
  wants: "one",
  options: [{ flags: "--refresh", description: "read what is there from the providers first" }, ...RUN_OPTIONS, ENGINE_OPTION, { flags: "--plan <file>", description: "deploy only what this saved plan says, as it was approved" }, { flags: "--rollback <secret>", description: "let this store secret go back to an older issue, after its reviewed rollback; may be repeated", many: true }, PART_OPTION, { flags: "--message <text>", description: "kept in the history" }],
  examples: ["stackseal up --env local", "stackseal up --env local --yes --json", "stackseal up --env local --target 'urn:pulumi:local-payments::**' --yes", "stackseal up --env staging --plan plan.json --yes", "stackseal up --env prod --part payments --plan plan.json --yes"],
  run: async (context, _args, given) => {
    const { d, findings: about } = declaredOne(context);
    const held = given["plan"] === undefined ? null : await (await import("../changes/hold.ts")).holdToPlan(context, d, given["plan"] as string);
    const findings = [...about, ...(held?.findings ?? [])], options = { ...runOptions(given), ...(held && { held }), rollback: ((given["rollback"] as string[] | undefined) ?? []).map((s) => chooseTarget(d, s).name) };
    const engine = await engineFor(context, d, given["engine"], "up");
    if (findings.some((f) => f.code === "LOCAL_NOT_SEEDED")) return { exit: 1, findings };
    const others = await identityFindings(context, d, options.part === undefined ? partsOf(d) : [options.part]);
    if (others.length) return { exit: 2, findings: [...findings, ...others] };
    if (!context.yes && context.interactive) {
      const plan = await deploy(context, engine, d, { ...options, dryRun: true });
      context.progress(null);
      context.say(`${plan.text}\n`);
      if (!plan.ok) return { exit: 1, findings: [...findings, ...plan.findings] };
    }
    const no = await confirm(context, `Deploy ${d.name}?`, `stackseal up --env ${d.name}`);
    if (no) return { exit: 2, findings: [no] };
    const r = await deploy(context, engine, d, options);
    return { exit: r.cancelled ? 130 : r.ok ? 0 : 1, findings: [...findings, ...r.findings], json: { environments: [r.json] }, text: `${nameOf(engine)}: deploys ${d.name}.\n\n${r.text}` };
  },
});
