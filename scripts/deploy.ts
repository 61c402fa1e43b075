import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { FindingError, hasErrors, type Finding } from "../lib/finding.ts";
import { Git } from "../lib/git.ts";
import { SECRET, SIGNATURE, UNKNOWN, type Props } from "../lib/pulumi-value.ts";
import type { Engine, EngineEvent, Outcome, Run, Step } from "../engine/index.ts";
import { readProjects, type Declared, type Project } from "../stacks/read.ts";
import { stackName, WORK_DIR, type StackPart } from "../schemas/layout.ts";
import { unapprovedSteps, type Held } from "./changes/steps.ts";
import type { Context, OptionSpec } from "./command.ts";
import { engineFindings, policyFindings } from "./engine-findings.ts";
import { providersHere } from "./providers-here.ts";
import { judgementOf, merge, partsOf, runOf, StackLinks } from "./deployment.ts";
import { painter } from "./render/paint.ts";
import { renderPlan, renderSummary, renderViolations, summarize, typeOf } from "./render/plan.ts";
import { knownEnvironments } from "./commands/check.ts";

export interface Deployed {
  readonly json: { readonly name: string; readonly engine: string; readonly steps: readonly { readonly op: string; readonly urn: string; readonly ok: boolean }[]; readonly summary: object; readonly outputs: Readonly<Record<string, unknown>>; readonly stacks: readonly { readonly name: string; readonly outputs: Readonly<Record<string, unknown>> }[] };
  readonly text: string;
  /** The outputs, as `text` ends with them. */
  readonly outputText: string;
  readonly findings: readonly Finding[];
  readonly ok: boolean;
  readonly cancelled: boolean;
  readonly changed: number;
  readonly outputs: Readonly<Record<string, unknown>>;
}
export interface DeployOptions {
  readonly kind?: "up" | "refresh" | "destroy";
  readonly targets?: readonly string[];
  readonly targetDependents?: boolean;
  /** One stack of the environment alone: its own job, with an identity of its own. */
  readonly part?: StackPart;
  /** All environments, where they have been read already. */
  readonly project?: Project;
  readonly refresh?: boolean;
  readonly parallel?: number;
  /** Unchanged resources and every change in full. */
  readonly diff?: boolean;
  readonly eventLog?: string;
  readonly dryRun?: boolean;
  readonly message?: string;
  /** Only what was approved: the steps are held against it before the first is done. */
  readonly held?: Held;
  /** Store secrets that may go back to an older issue. */
  readonly rollback?: readonly string[];
}

/** Flags of every command that runs an engine. */
export const RUN_OPTIONS: readonly OptionSpec[] = [
  { flags: "--target <urn>", description: "only this resource and what it needs; * and ** stand for parts; may be repeated", many: true },
  { flags: "--target-dependents", description: "with --target: what depends on it too" },
  { flags: "--parallel <n>", description: "steps at a time (16)" },
  { flags: "--diff", description: "every changed property in full, unchanged resources too" },
  { flags: "--event-log <file>", description: "the CLI's engine events, one JSON a line, with the policies' results" },
];
export function runOptions(o: Readonly<Record<string, unknown>>): DeployOptions {
  const parallel = o["parallel"] === undefined ? undefined : Number(o["parallel"]);
  if (parallel !== undefined && (!Number.isInteger(parallel) || parallel < 1)) throw new FindingError({ code: "USAGE", severity: "error", message: "--parallel wants a whole number from 1", hint: "--parallel 4" }, 2);
  return {
    targets: (o["target"] as string[] | undefined) ?? [], targetDependents: o["targetDependents"] === true, refresh: o["refresh"] === true, diff: o["diff"] === true,
    ...(parallel !== undefined && { parallel }), ...(o["part"] !== undefined && { part: o["part"] as StackPart }), ...(typeof o["eventLog"] === "string" && { eventLog: o["eventLog"] }), ...(typeof o["message"] === "string" && { message: o["message"] }),
  };
}

/** Where the sandbox's Stripe listens: started for the time of the deployment unless STACKSEAL_STRIPE_SANDBOX names a running one. */
export async function withSandbox<T>(context: Context, d: Declared, run: (url: string | undefined) => Promise<T>): Promise<T> {
  const given = context.env["STACKSEAL_STRIPE_SANDBOX"];
  if (d.payments?.stripe.apiBase !== "sandbox" || given !== undefined) return run(given);
  const { startStripe } = await import("../sandbox/stripe.ts");
  const sandbox = await startStripe(join(context.root, WORK_DIR, "sandbox"));
  try {
    return await run(sandbox.url);
  } finally {
    await sandbox.close();
  }
}

/** The commit that the declarations are of; null where they differ from it, or are in no repository. */
function commitHere(context: Context): string | null {
  const git = new Git(context.root, context.env);
  return git.text(["status", "--porcelain", "--", "stacks"]) === "" ? git.text(["rev-parse", "--verify", "--quiet", "HEAD"]) : null;
}
/** Deploys an environment, or refreshes or removes it, or (`dryRun`) says what would be done: its stacks in order, by the engine of `engineFor`. */
export async function deploy(context: Context, engine: Engine, d: Declared, options: DeployOptions = {}): Promise<Deployed> {
  const kind = options.kind ?? "up";
  const log = options.eventLog === undefined || options.dryRun ? null : openSync(join(context.root, options.eventLog), "w", 0o600);
  try {
    return await withSandbox(context, d, async (stripeSandbox) => {
      const ctx = { root: context.root, env: context.env, clock: context.clock, ...(stripeSandbox !== undefined && { stripeSandbox }), ...(options.rollback && { rollback: options.rollback }) };
      const providerFor = await providersHere(d, ctx);
      const outcomes: Outcome[] = [];
      const made = new Map<string, Props>();
      const commit = commitHere(context);
      const todo = kind === "destroy" ? stacksToDo(d, options).reverse() : stacksToDo(d, options);
      const judgement = await judgementOf(context.root, context.clock, options.project);
      const runFor = async (part: StackPart): Promise<Run> => ({ ...(await runOf(context.root, d, part, providerFor, judgement)), env: { ...(stripeSandbox !== undefined && { STACKSEAL_STRIPE_SANDBOX: stripeSandbox }), ...(options.rollback?.length && { STACKSEAL_ROLLBACK: options.rollback.join(",") }) } });
      let n = 0;
      const all = async (): Promise<void> => {
        if (options.held) await holdToSteps(context, engine, d, options.held, options, await Promise.all(todo.map(runFor)));
        for (const [i, part] of todo.entries()) {
          const run = await runFor(part), after = todo[i + 1], next = after && stackName(d.name, after);
          const outcome = await engine[kind](run, {
            ...options, next, ...(commit !== null && { commit }), signal: context.signal, stackOutputs: (stack: string) => made.get(stack) ?? null,
            onStep: (s: { urn: string; op: string }) => { context.progress(`${d.name}: ${++n} steps, ${s.op} ${typeOf(s.urn)}`); },
            ...(log !== null && { onEvent: (e: EngineEvent) => { writeSync(log, `${JSON.stringify(e)}\n`); } }),
          });
          outcomes.push(outcome);
          made.set(run.stack, outcome.outputs);
          if (!outcome.ok) break;
        }
      };
      // What was compared with the approval must be what is changed: nobody else changes these stacks in between.
      await (options.held ? engine.hold(todo.map((part) => stackName(d.name, part)), kind, all) : all());
      return deployed(context, engine, d, outcomes.map((o, i) => ({ ...o, stack: stackName(d.name, todo[i] ?? "standard") })), options);
    });
  } finally {
    if (log !== null) closeSync(log);
  }
}
/** Prints the steps against the real state. Throws FindingError where one of them isn't in the approved difference. */
async function holdToSteps(context: Context, engine: Engine, d: Declared, held: Held, options: DeployOptions, runs: readonly Run[]): Promise<void> {
  const steps: Step[] = [], links = new StackLinks();
  for (const run of runs) {
    const o = await engine.preview(run, { ...options, against: "state", signal: context.signal, stackOutputs: links.get });
    links.note(run.stack, o);
    steps.push(...o.steps);
    if (!o.ok) throw new FindingError([...policyFindings(merge([o]).violations), ...engineFindings(o.diagnostics)]);
  }
  const p = painter(context.color);
  context.out(`${p.bold(`${d.name}: what was approved, against what is deployed`)}\n${renderPlan(steps, p, { done: false })}    ${renderSummary(summarize(steps), p, false)}\n\n`);
  const findings = unapprovedSteps(held, steps);
  if (findings.length) throw new FindingError(findings);
}
/** The stacks that are to be done, in order: of the part, where one is given, and such as the targets may be in. */
export const stacksToDo = (d: Declared, o: Pick<DeployOptions, "part" | "targets">): StackPart[] => partsOf(d).filter((part) => (o.part === undefined || part === o.part) && targetsPart(o.targets ?? [], stackName(d.name, part)));
/** Whether one of the targets can be a resource of this stack. */
const targetsPart = (targets: readonly string[], stack: string): boolean => targets.length === 0 || targets.some((t) => t.startsWith("*") || t.startsWith(`urn:pulumi:${stack}::`) || !t.startsWith("urn:pulumi:"));

function deployed(context: Context, engine: Engine, d: Declared, outcomes: readonly (Outcome & { readonly stack: string })[], options: DeployOptions): Deployed {
  const m = merge(outcomes), p = painter(context.color), done = options.dryRun !== true;
  const steps = m.steps.filter((s) => !typeOf(s.urn).startsWith("pulumi:providers:"));
  const stacks = outcomes.map((o) => ({ name: o.stack, outputs: shownOutputs(o.outputs) }));
  const outputs = stacks.reduce<Record<string, unknown>>((all, s) => joined(all, s.outputs), {});
  const outputText = done && options.kind !== "destroy" && Object.keys(outputs).length ? `${p.bold("Outputs:")}\n${Object.entries(outputs).map(([k, v]) => `    ${k}: ${typeof v === "string" ? v : JSON.stringify(v)}\n`).join("")}` : "";
  return {
    ok: m.ok, cancelled: outcomes.some((o) => o.cancelled), outputs, changed: m.summary.create + m.summary.update + m.summary.replace + m.summary.delete,
    json: { name: d.name, engine: engine.name, steps: steps.map((s) => ({ op: s.op, urn: s.urn, ok: s.ok !== false })), summary: m.summary, outputs, stacks },
    text: `${p.bold(`${d.name} (${d.tier})`)}\n${renderPlan(m.steps, p, { done, all: options.diff === true, full: options.diff === true })}\n    ${renderSummary(m.summary, p, done)}\n${renderViolations(m.violations, p)}${outputText}`, outputText,
    findings: [...policyFindings(m.violations), ...engineFindings(m.diagnostics)],
  };
}
/** Outputs without Pulumi's marks: secrets are `[secret]`, what a preview can't know `[unknown]`. */
const shownOutputs = (o: Props): Record<string, unknown> =>
  JSON.parse(JSON.stringify(o, (_k, v: unknown) => (typeof v === "object" && v !== null && (v as Record<string, unknown>)[SIGNATURE] === SECRET ? "[secret]" : v === UNKNOWN ? "[unknown]" : v))) as Record<string, unknown>;

/** The outputs of two stacks of an environment as one: maps of the same name hold what both say, of two other values the later one stands (`stacks` has each). */
function joined(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const out: Record<string, unknown> = { ...a };
  for (const [k, v] of Object.entries(b)) out[k] = isMap(out[k]) && isMap(v) ? joined(out[k], v) : v;
  return out;
}
const isMap = (v: unknown): v is Record<string, unknown> => typeof v === "object" && v !== null && !Array.isArray(v);

/** The one environment of a command, with every error of its declaration as a FindingError; `project` holds all. */
export function declaredOne(context: Context): { readonly d: Declared; readonly findings: readonly Finding[]; readonly project: Project } {
  const [name] = knownEnvironments(context);
  const of = readProjects(context.root, context.clock), { environments: [d], findings } = of([name ?? ""]);
  if (!d || hasErrors(findings)) throw new FindingError(findings);
  return { d, findings, project: of() };
}
