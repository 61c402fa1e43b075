import { FindingError, hasErrors } from "../lib/finding.ts";
import type { Provider } from "../lib/provider.ts";
import type { Props } from "../lib/pulumi-value.ts";
import { readProjectName } from "../stacks/project-file.ts";
import type { program as current } from "../stacks/program.ts";
import { stackName, type StackPart } from "../schemas/layout.ts";
import { loopback } from "../schemas/fields.ts";
import type { Outcome, Run } from "../engine/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { Judgement } from "../policies/kit/judgement.ts";
import { once, ruleOfPolicy } from "../policies/kit/pack.ts";
import { unknownIn } from "../policies/kit/unknown.ts";
import type { Declared, Project } from "../stacks/read.ts";
import { summarize } from "./render/plan.ts";

/** The name that stands in every URN. Throws FindingError where Pulumi.yaml is there and gives none. */
export function projectName(root: string): string {
  const { name, findings } = readProjectName(root);
  if (hasErrors(findings)) throw new FindingError(findings, 2);
  return name;
}
/** Whether an environment lives on this machine: its store is files, or everything it talks to is on loopback. */
export function livesHere(d: Declared): boolean {
  const s = d.environment.store;
  const store = s.kind === "file" || (s.kind === "aws" && s.endpoint !== undefined && loopback(new URL(s.endpoint).hostname)) || (s.kind === "vault" && loopback(new URL(s.address).hostname));
  const stripe = d.payments?.stripe.apiBase;
  return store && (d.payments === null || stripe === "sandbox" || (stripe !== undefined && loopback(new URL(stripe).hostname)));
}
export const parts: readonly StackPart[] = ["foundation", "standard", "payments"];
/** The stacks of an environment that there is something to deploy in, in order: what runs on this machine's files needs no foundation. */
export const partsOf = (d: Declared): StackPart[] => parts.filter((p) => p === "standard" || (p === "payments" ? d.payments !== null : d.environment.store.kind !== "file"));

/** Hands the outputs of an environment's stacks on to those that refer to them, where a run has no state to read them from. */
export class StackLinks {
  private readonly seen = new Map<string, Props>();
  note(stack: string, outcome: Pick<Outcome, "outputs">): void {
    this.seen.set(stack, outcome.outputs);
  }
  /** By the stack's own name, or `organization/project/stack`. */
  readonly get = (stack: string): Props | null => this.seen.get(stack.split("/").at(-1) ?? stack) ?? null;
}

/** The pack for a project, where a command hasn't judged it already. Reads the whole project, where it isn't given: once a deployment, not once a stack. */
export async function judgementOf(root: string, clock: Clock, project?: Project): Promise<Judgement> {
  const [{ readFacts }, { Judgement: Judge }] = await Promise.all([import("../policies/kit/facts.ts"), import("../policies/kit/judgement.ts")]);
  return new Judge(readFacts(root, clock, project && { project }));
}
/** What the embedded engine runs for one stack of an environment; under no policies where `judgement` is null. Loads the program: only here, so that other commands start fast. */
export async function runOf(root: string, d: Declared, part: StackPart, providerFor: (pkg: string) => Provider | null, judgement: Judgement | null, other?: typeof current): Promise<Run> {
  const program = other ?? (await import("../stacks/program.ts")).program;
  const store = d.environment.store;
  return {
    project: projectName(root), stack: stackName(d.name, part), program: () => program(d, part), tidy: other === undefined, policies: judgement?.policies() ?? [], policiesOnlyRead: true, providerFor,
    config: store.kind === "aws" ? { "aws:region": store.region, "aws:allowedAccountIds": JSON.stringify([store.accountId]) } : {},
  };
}
/** Outcomes of an environment's stacks, as one. */
export function merge(outcomes: readonly Outcome[]): { ok: boolean; steps: Outcome["steps"]; violations: Outcome["violations"]; summary: ReturnType<typeof summarize>; diagnostics: Outcome["diagnostics"]; untold: string[] } {
  const steps = outcomes.flatMap((o) => o.steps);
  // The SDK puts the rule's title on a line before each message.
  const all = outcomes.flatMap((o) => o.violations).map((v) => ({ ...v, policy: ruleOfPolicy(v.policy), message: v.message.slice(v.message.indexOf("\n") + 1) }));
  // What only the update can judge is no violation; it is said once, not once a resource.
  const violations = once(all.filter((v) => unknownIn(v.message) === null));
  const untold = [...new Set(all.filter((v) => unknownIn(v.message) !== null).map((v) => v.policy))].sort();
  return { ok: outcomes.every((o) => o.ok), steps, violations, summary: summarize(steps), diagnostics: outcomes.flatMap((o) => o.diagnostics), untold };
}
