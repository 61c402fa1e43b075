import { FindingError } from "../../lib/finding.ts";
import { callerAt, callerFindings } from "../caller.ts";
import { CANARY_OPTION, firstCanary } from "../canary/first.ts";
import { confirm } from "../confirm.ts";
import { defineCommand } from "../command.ts";
import { chooseTarget } from "../rollback/choose.ts";
import { ENGINE_OPTION, engineFor, nameOf } from "../engine-choice.ts";
import { declaredOne, deploy, RUN_OPTIONS, runOptions, stacksToDo } from "../deploy.ts";
import { projectName } from "../deployment.ts";
import { identityFindings } from "../identity-parts.ts";
import { PART_OPTION } from "../stack-choice.ts";

export default defineCommand({
  name: "up",
  summary: "Deploy an environment",
  wants: "one",
  options: [{ flags: "--refresh", description: "read what is there from the providers first" }, ...RUN_OPTIONS, ENGINE_OPTION, { flags: "--plan <file>", description: "deploy only what this saved plan says, as it was approved" }, { flags: "--base <ref>", description: "with --plan: the commit that stood before the change, whose people say who may approve" }, { flags: "--rollback <secret>", description: "let this store secret go back to an older issue, after its reviewed rollback; may be repeated", many: true }, PART_OPTION, CANARY_OPTION, { flags: "--message <text>", description: "kept in the history" }],
  examples: ["stackseal up --env local", "stackseal up --env local --yes --json", "stackseal up --env local --target 'urn:pulumi:local-payments::**' --yes", "stackseal up --env staging --plan plan.json --yes", "stackseal up --env prod --part payments --plan plan.json --yes"],
  run: async (context, _args, given) => {
    const { d, findings: about, project } = declaredOne(context);
    if (given["base"] !== undefined && given["plan"] === undefined) throw new FindingError({ code: "USAGE", severity: "error", message: "--base says whose approval of a plan counts: it goes with --plan", hint: `stackseal up --env ${d.name} --plan plan.json --base REF` }, 2);
    const held = given["plan"] === undefined ? null : await (await import("../changes/hold.ts")).holdToPlan(context, d, given["plan"] as string, given["base"] as string | undefined);
    const findings = [...about, ...(held?.findings ?? [])], options = { ...runOptions(given), project, ...(held && { held }), rollback: ((given["rollback"] as string[] | undefined) ?? []).map((s) => chooseTarget(d, s).name) };
    const engine = await engineFor(context, d, given["engine"], "up");
    if (findings.some((f) => f.code === "LOCAL_NOT_SEEDED")) return { exit: 1, findings };
    const todo = stacksToDo(d, options), caller = await callerAt(context, d);
    const others = [...callerFindings(caller, d, projectName(context.root), todo, "up"), ...await identityFindings(context, d, todo)];
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
    // Part of a stack is no deployment of its alerts.
    const canary = r.ok && !r.cancelled && options.targets?.length === 0 ? await firstCanary(context, d, caller, given) : null;
    const heard = canary && { canary: { state: canary.state, heard: canary.heard, written: canary.written } };
    return { exit: r.cancelled ? 130 : r.ok && canary?.state !== "lost" ? 0 : 1, findings: [...findings, ...r.findings, ...(canary?.findings ?? [])], json: { environments: [{ ...r.json, ...heard }] }, text: `${nameOf(engine)}: deploys ${d.name}.\n\n${r.text}${canary?.text ?? ""}` };
  },
});
