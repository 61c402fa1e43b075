import { join } from "node:path";
import { FindingError, hasErrors, type Finding } from "../../lib/finding.ts";
import { engineCodes } from "../../engine/codes.ts";
import { policyCodes } from "../../policies/codes.ts";
import { embedded } from "../../engine/index.ts";
import { readProject, type Declared } from "../../stacks/read.ts";
import { WORK_DIR } from "../../schemas/layout.ts";
import { stackName } from "../../schemas/layout.ts";
import { defineCommand, type Context } from "../command.ts";
import { livesHere, merge, partsOf, runOf } from "../deployment.ts";
import { painter } from "../render/paint.ts";
import { renderPlan, renderSummary, renderViolations, typeOf } from "../render/plan.ts";
import { knownEnvironments } from "./check.ts";

export interface Deployed {
  readonly json: unknown;
  readonly text: string;
  readonly findings: readonly Finding[];
  readonly ok: boolean;
  readonly changed: number;
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** Where the sandbox's Stripe listens: started for the time of the deployment unless STACKSEAL_STRIPE_SANDBOX names a running one. */
async function withSandbox<T>(context: Context, d: Declared, run: (url: string | undefined) => Promise<T>): Promise<T> {
  const given = context.env["STACKSEAL_STRIPE_SANDBOX"];
  if (d.payments?.stripe.apiBase !== "sandbox" || given !== undefined) return run(given);
  const { startStripe } = await import("../../sandbox/stripe.ts");
  const sandbox = await startStripe(join(context.root, WORK_DIR, "sandbox"));
  try {
    return await run(sandbox.url);
  } finally {
    await sandbox.close();
  }
}

/** Deploys (or, with `destroy`, removes) an environment that lives on this machine. Throws FindingError ENGINE_REFUSES for any other. */
export async function deploy(context: Context, d: Declared, options: { readonly destroy?: boolean } = {}): Promise<Deployed> {
  const verb = options.destroy ? "destroy" : "up";
  if (!livesHere(d))
    throw new FindingError(engineCodes.finding("ENGINE_REFUSES", { message: `${d.name} doesn't live on this machine: the embedded engine previews it and doesn't deploy it`, path: d.name, hint: partsOf(d).map((p) => `pulumi ${verb} -s ${stackName(d.name, p)} --policy-pack policies`).join(" && ") }), 2);
  const [engine, { providerFor }] = await Promise.all([embedded(context), import("../../providers/index.ts")]);
  return withSandbox(context, d, async (stripeSandbox) => {
    const ctx = { root: context.root, env: context.env, clock: context.clock, ...(stripeSandbox !== undefined && { stripeSandbox }) };
    const outcomes = [];
    const todo = options.destroy ? [...partsOf(d)].reverse() : partsOf(d);
    for (const part of todo) {
      const run = await runOf(context.root, d, part, (pkg) => providerFor(pkg, ctx));
      let n = 0;
      const o = { signal: context.signal, onStep: (s: { urn: string; op: string }) => { context.progress(`${d.name}: ${++n} steps, ${s.op} ${typeOf(s.urn)}`); } };
      outcomes.push(options.destroy ? await engine.destroy(run, o) : await engine.up(run, o));
      if (!outcomes.at(-1)?.ok) break;
    }
    const m = merge(outcomes);
    const p = painter(context.color);
    const steps = m.steps.filter((s) => !typeOf(s.urn).startsWith("pulumi:providers:"));
    const outputs = Object.assign({}, ...outcomes.map((o) => o.outputs)) as Record<string, unknown>;
    return {
      ok: m.ok, outputs, changed: m.summary.create + m.summary.update + m.summary.replace + m.summary.delete,
      json: { name: d.name, engine: "embedded", steps: steps.map((s) => ({ op: s.op, urn: s.urn, ok: true })), outputs: publicOutputs(outputs) },
      text: `${p.bold(`${d.name} (${d.tier})`)}\n${renderPlan(m.steps, p, { done: true })}\n    ${renderSummary(m.summary, p, true)}\n${renderViolations(m.violations, p)}`,
      findings: [
        ...m.violations.map((v) => policyCodes.finding(v.level === "mandatory" ? "POLICY_VIOLATION" : "POLICY_ADVICE", { message: `${v.policy}: ${v.message}`, path: v.urn })),
        ...m.diagnostics.filter((x) => x.severity === "error").map((x) => engineCodes.finding("ENGINE_FAILED", { message: x.message, path: x.urn, hint: "mend it and run again: what was done is kept" })),
      ],
    };
  });
}
/** Outputs without Pulumi's marks of secrets: those are shown as [secret]. */
const publicOutputs = (o: Readonly<Record<string, unknown>>): Record<string, unknown> => JSON.parse(JSON.stringify(o, (_k, v: unknown) => (typeof v === "object" && v !== null && "4dabf18193072939515e22adb298388d" in v ? "[secret]" : v))) as Record<string, unknown>;

/** The one environment of a command, with every error of its declaration as a FindingError. */
export function declaredOne(context: Context): { d: Declared; findings: readonly Finding[] } {
  const [name] = knownEnvironments(context);
  const project = readProject(context.root, { only: [name ?? ""], clock: context.clock });
  const d = project.environments[0];
  if (!d || hasErrors(project.findings)) throw new FindingError(project.findings);
  return { d, findings: project.findings };
}

export default defineCommand({
  name: "up",
  summary: "Deploy an environment",
  wants: "one",
  examples: ["stackseal up --env local", "stackseal up --env local --yes --json"],
  run: async (context) => {
    const { d, findings } = declaredOne(context);
    if (!livesHere(d)) await deploy(context, d);
    if (!context.yes && !context.interactive) return { exit: 2, findings: [{ code: "NOT_CONFIRMED", severity: "error", message: "nothing was changed: without a terminal, --yes is needed", hint: `stackseal up --env ${d.name} --yes` }] };
    if (findings.some((f) => f.code === "LOCAL_NOT_SEEDED")) return { exit: 1, findings };
    const r = await deploy(context, d);
    return { exit: r.ok ? 0 : 1, findings: [...findings, ...r.findings], json: { environments: [r.json] }, text: `Embedded engine: deploys what lives on this machine.\n\n${r.text}` };
  },
});
