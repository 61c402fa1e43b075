import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { FindingError, hasErrors, type Finding } from "../../lib/finding.ts";
import { policyCodes } from "../../policies/codes.ts";
import { CONTROLS } from "../../policies/controls.ts";
import { rules } from "../../policies/index.ts";
import { once, ruleOfPolicy } from "../../policies/kit/pack.ts";
import { judges } from "../../policies/kit/table.ts";
import { sealedIn } from "../../policies/kit/unknown.ts";
import { environmentOfStack, stackName } from "../../schemas/layout.ts";
import { defineCommand, type Context, type Result } from "../command.ts";
import { asFinding, judgeProject, type JudgedProject } from "../judged.ts";
import { renderExceptions } from "../render/exceptions.ts";
import { painter } from "../render/paint.ts";
import { renderViolations } from "../render/plan.ts";
import { knownEnvironments } from "./check.ts";

export default defineCommand({
  name: "policies",
  summary: "List the rules, or run them on what is deployed",
  wants: "any",
  options: [{ flags: "--state <file>", description: "a stack export to judge; may be repeated", many: true }],
  examples: ["stackseal policies", "stackseal policies --env local", "pulumi stack export -s prod > prod.json && stackseal policies --state prod.json --json"],
  run: async (context, _args, options) => {
    const files = (options["state"] ?? []) as string[];
    if (files.length === 0 && context.envs.length === 0) return list(context);
    knownEnvironments(context);
    const exports = files.length ? files.map((f) => ({ file: f, text: read(context, f) })) : await deployed(context);
    return judge(context, exports);
  },
});

function list(context: Context): Result {
  const { judgement } = judgeProject(context);
  const p = painter(context.color);
  const level = (r: (typeof rules)[number]): string => judgement.config.level(r);
  const width = Math.max(...rules.map((r) => r.id.length));
  const text = rules.map((r) => `${p.bold(r.id.padEnd(width))}  ${r.severity.padEnd(8)}  ${level(r).padEnd(9)}  ${r.title}\n`).join("");
  return {
    exit: hasErrors(judgement.findings) ? 1 : 0, findings: judgement.findings,
    text: `${text}\n${rules.length} rules. Levels are as policies/config.json sets them.\n${renderExceptions(judgement.inForce())}`,
    json: { rules: rules.map((r) => ({ id: r.id, title: r.title, severity: r.severity, level: level(r), remediation: r.remediation, chapter: r.chapter, judges: judges(r), controls: (CONTROLS[r.id] ?? []).map((c) => ({ framework: c.framework, control: c.control, source: c.source ?? "unverified" })) })), exceptions: judgement.inForce() },
  };
}

function read(context: Context, file: string): string {
  try {
    return readFileSync(resolve(context.root, file), "utf8");
  } catch (e) {
    throw new FindingError(policyCodes.finding("STATE_UNREADABLE", { message: `${file} can't be read (${(e as NodeJS.ErrnoException).code ?? "unknown"})` }), 2);
  }
}
/** The embedded engine's own state of each stack of the environments. */
async function deployed(context: Context): Promise<{ file: string; text: string }[]> {
  const { embedded } = await import("../../engine/index.ts");
  const engine = await embedded(context);
  const out: { file: string; text: string }[] = [];
  for (const env of context.envs) for (const part of ["foundation", "standard", "payments"] as const) {
    const stack = stackName(env, part);
    const exported = await engine.export(stack);
    if (exported) out.push({ file: stack, text: JSON.stringify(exported) });
  }
  if (out.length === 0) throw new FindingError(policyCodes.finding("STATE_UNREADABLE", { message: `nothing of ${context.envs.join(", ")} is deployed from this machine`, hint: `pulumi stack export -s ${context.envs[0] ?? "ENV"} --file state.json, then: stackseal policies --state state.json` }), 2);
  return out;
}

async function judge(context: Context, exports: readonly { readonly file: string; readonly text: string }[]): Promise<Result> {
  const [{ graphOfExport }, { judgeGraph }] = await Promise.all([import("../../policies/kit/state.ts"), import("../../policies/kit/graph.ts")]);
  const judged: JudgedProject = judgeProject(context);
  const policies = judged.judgement.policies();
  const violations: { policy: string; level: string; urn: string; message: string }[] = [];
  const environments = new Set<string>();
  let resources = 0;
  for (const e of exports) {
    const graph = graphOfExport(e.text, e.file);
    resources += graph.length;
    for (const r of graph) environments.add(environmentOfStack(r.urn.split("::")[0]?.slice("urn:pulumi:".length) ?? "").environment);
    violations.push(...once((await judgeGraph(policies, graph)).map((v) => ({ ...v, policy: ruleOfPolicy(v.policy), message: sealedIn(v.message) ?? v.message }))));
  }
  const names = [...environments];
  const declared = judged.judgement.declared(names).filter((v) => v.environment === null || environments.has(v.environment));
  const findings: Finding[] = [
    ...violations.map((v) => policyCodes.finding(v.level === "mandatory" ? "POLICY_VIOLATION" : "POLICY_ADVICE", { message: `${v.policy}: ${v.message}`, path: v.urn, hint: rules.find((r) => r.id === v.policy)?.remediation })),
    ...declared.map((v) => v.finding ?? asFinding(v)), ...judged.judgement.findings,
  ];
  const p = painter(context.color);
  const exceptions = judged.judgement.inForce(names);
  return {
    exit: hasErrors(findings) ? 1 : 0, findings,
    json: { judged: { environments: names, resources, rules: rules.length }, violations, exceptions },
    text: `${resources} resources of ${names.join(", ") || "no environment"} judged by ${rules.length} rules: ${violations.length ? `${violations.length} violated` : p.green("all hold")}\n${renderViolations(violations, p)}${renderExceptions(exceptions)}`,
  };
}
