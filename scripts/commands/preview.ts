import { daysBetween, parseDate } from "../../lib/clock.ts";
import { hasErrors, type Finding } from "../../lib/finding.ts";
import { engineCodes } from "../../engine/codes.ts";
import { embedded } from "../../engine/index.ts";
import { readProject, type Declared } from "../../stacks/read.ts";
import { defineCommand, type Context } from "../command.ts";
import { merge, partsOf, runOf } from "../deployment.ts";
import { painter } from "../render/paint.ts";
import { renderPlan, renderSummary, renderViolations, typeOf } from "../render/plan.ts";
import { knownEnvironments } from "./check.ts";

export interface PreviewedEnvironment {
  readonly name: string;
  readonly engine: "embedded";
  readonly base: string | null;
  readonly steps: readonly { readonly op: string; readonly urn: string; readonly diff: readonly string[] }[];
  readonly summary: Readonly<Record<"create" | "update" | "replace" | "delete" | "same", number>>;
  readonly credentials: readonly { readonly path: string; readonly change: string; readonly kind: string; readonly ageDays: number }[];
  readonly violations: readonly { readonly policy: string; readonly level: string; readonly urn: string; readonly message: string }[];
}
export interface Previewed {
  readonly environment: PreviewedEnvironment;
  readonly text: string;
  readonly findings: readonly Finding[];
  readonly ok: boolean;
}

/** Previews one environment without a key: against nothing, so everything is new. */
export async function previewEnvironment(context: Context, d: Declared): Promise<Previewed> {
  const engine = await embedded(context);
  const outcomes = [];
  for (const part of partsOf(d)) outcomes.push(await engine.preview(await runOf(context.root, d, part, () => null), { against: "nothing" }));
  const m = merge(outcomes);
  const now = context.clock.now();
  const p = painter(context.color);
  const steps = m.steps.filter((s) => !typeOf(s.urn).startsWith("pulumi:providers:"));
  const credentials = d.credentials.map((c) => ({ path: c.path, change: "added", kind: c.kind, ageDays: Math.max(0, daysBetween(parseDate(c.claims.issuedAt) ?? now, now)) }));
  return {
    ok: m.ok,
    environment: { name: d.name, engine: "embedded", base: null, steps: steps.map((s) => ({ op: s.op, urn: s.urn, diff: s.diffs ?? [] })), summary: m.summary, credentials, violations: m.violations.map(({ policy, level, urn, message }) => ({ policy, level, urn, message })) },
    text: `${p.bold(`${d.name} (${d.tier})`)}\n${renderPlan(m.steps, p, { done: false })}\n    ${renderSummary(m.summary, p, false)}; ${credentials.length} credentials; policies: ${m.violations.length ? `${m.violations.length} violated` : p.green("all hold")}\n${renderViolations(m.violations, p)}`,
    findings: [
      ...m.violations.map((v) => engineCodes.finding(v.level === "mandatory" ? "POLICY_VIOLATION" : "POLICY_ADVICE", { message: `${v.policy}: ${v.message}`, path: v.urn })),
      ...m.diagnostics.filter((x) => x.severity === "error").map((x) => engineCodes.finding("ENGINE_FAILED", { message: x.message, path: x.urn })),
    ],
  };
}

export default defineCommand({
  name: "preview",
  summary: "Show what would change, under the policies, without a key",
  wants: "any",
  examples: ["stackseal preview", "stackseal preview --env dev --json"],
  run: async (context) => {
    knownEnvironments(context);
    const project = readProject(context.root, { only: context.envs, clock: context.clock });
    const findings: Finding[] = [...project.findings];
    const done: Previewed[] = [];
    for (const d of project.environments) {
      context.progress(`previewing ${d.name}`);
      done.push(await previewEnvironment(context, d));
    }
    findings.push(...done.flatMap((x) => x.findings));
    const head = "Embedded engine: key-less preview, compared with nothing, so everything is new.\n\n";
    return { exit: hasErrors(findings) || done.some((x) => !x.ok) ? 1 : 0, findings, json: { environments: done.map((x) => x.environment) }, text: head + done.map((x) => x.text).join("\n") };
  },
});
