import { readDocument } from "../../lib/document.ts";
import type { Finding, Position } from "../../lib/finding.ts";
import { embedded, type Engine, type Options, type Step } from "../../engine/index.ts";
import { diffGraphs, graphOf, type Graph } from "../../engine/graph.ts";
import { isTargetOf } from "../../engine/targets.ts";
import { environmentFile, environmentOfStack, paymentsFile, stackName } from "../../schemas/layout.ts";
import type { Declared } from "../../stacks/read.ts";
import type { Context } from "../command.ts";
import { merge, partsOf, projectName, runOf, StackLinks } from "../deployment.ts";
import { engineFindings, policyFindings } from "../engine-findings.ts";
import { judgeProject, type JudgedProject } from "../judged.ts";
import { painter, printable } from "../render/paint.ts";
import { renderFolded, renderPlan, renderSummary, renderViolations, summarize, typeOf, verdict } from "../render/plan.ts";
import type { Against } from "./against.ts";
import { credentialChanges, publicCredentials, type CredentialChange, type PublicCredential } from "./credentials.ts";
import { deployedCredentials } from "./deployed.ts";

export interface PreviewedEnvironment {
  readonly name: string;
  readonly engine: "embedded" | "pulumi";
  /** The base's commit; null where it is compared with nothing or with a state. */
  readonly base: string | null;
  readonly steps: readonly { readonly op: string; readonly urn: string; readonly diff: readonly string[] }[];
  readonly summary: Readonly<Record<"create" | "update" | "replace" | "delete" | "same", number>>;
  readonly credentials: readonly CredentialChange[];
  readonly violations: readonly { readonly policy: string; readonly level: string; readonly urn: string; readonly message: string; readonly at?: Position }[];
}
export interface Previewed {
  readonly environment: PreviewedEnvironment;
  readonly tier: string;
  readonly graph: Graph;
  readonly changes: readonly Step[];
  readonly issues: Readonly<Record<string, string>>;
  readonly text: string;
  /** The same with each stack's resources counted, not listed: for a first run, where everything is new. */
  readonly folded: string;
  readonly findings: readonly Finding[];
  readonly ok: boolean;
}

export const NOTHING: Against = { kind: "nothing", why: "" };

export interface PreviewFlags extends Pick<Options, "targets" | "targetDependents" | "parallel" | "onEvent"> {
  /** The CLI, where it previews: against its own state, with its own keys. */
  readonly cli?: Engine;
}
/** Previews one environment: without a key, unless the CLI does it. */
export async function previewEnvironment(context: Context, d: Declared, against: Against = NOTHING, judged: JudgedProject = judgeProject(context), flags: PreviewFlags = {}): Promise<Previewed> {
  const { cli, ...own } = flags;
  const engine = cli ?? (await embedded(context));
  const outcomes = [];
  const links = new StackLinks();
  for (const part of partsOf(d)) {
    const run = await runOf(context.root, d, part, () => null, judged.judgement);
    // A part of a program has no graph that could be compared: our own engine previews all of it, and what was asked for is shown.
    const outcome = await engine.preview(run, { signal: context.signal, ...(cli ? own : { ...(own.parallel !== undefined && { parallel: own.parallel }), ...(own.onEvent && { onEvent: own.onEvent }), stackOutputs: links.get }), against: cli ? "state" : "nothing" });
    links.note(run.stack, outcome);
    outcomes.push(outcome);
  }
  const m = merge(outcomes);
  const graph = graphOf(m.steps);
  const old = oldSide(against, d);
  const steps = old === null ? m.steps : await compared(context, old.graph ?? graph, graph);
  const now = publicCredentials(d);
  const credentials = credentialChanges(old?.credentials ?? null, now, context.clock.now());
  const findings = [...policyFindings(m.violations, (urn) => place(context, d, urn)), ...engineFindings(m.diagnostics, null)];
  return previewed(context, { name: d.name, tier: d.tier, engine: engine.name, against, old: old !== null, steps, shown: cli ? steps : within(steps, flags), graph, credentials, issues: Object.fromEntries(now.map((c) => [c.path, c.claims.issueId])), violations: [...m.violations, ...declaredViolations(context, d, judged)], findings, ok: m.ok, untold: m.untold.length });
}
/** What the declarations violate, on the stack's own URN: a place in a file is no resource. */
function declaredViolations(context: Context, d: Declared, judged: JudgedProject): PreviewedEnvironment["violations"] {
  const project = projectName(context.root);
  const urn = `urn:pulumi:${stackName(d.name, "standard")}::${project}::pulumi:pulumi:Stack::${project}-${stackName(d.name, "standard")}`;
  return judged.violations(d.name).map((v) => ({ policy: v.rule.id, level: v.level, urn, message: v.message, at: v.at }));
}
/** An environment of the base that is declared no more. */
export async function removedEnvironment(context: Context, against: Against & { kind: "base" }, name: string, flags: PreviewFlags = {}): Promise<Previewed> {
  const base = against.base.environments.find((e) => e.name === name);
  const steps = await compared(context, base?.graph ?? [], []);
  return previewed(context, { name, tier: base?.tier ?? "", engine: "embedded", against, old: true, steps, shown: within(steps, flags), graph: [], credentials: credentialChanges(base?.credentials ?? [], [], context.clock.now()), issues: {}, violations: [], findings: [], ok: true, untold: 0 });
}

/** The steps that `--target` asks for; with `--target-dependents` what depends on them too. */
function within(steps: readonly Step[], { targets = [], targetDependents }: PreviewFlags): readonly Step[] {
  if (targets.length === 0) return steps;
  const taken = new Set<string>();
  const needs = (s: Step["new"]): string[] => (s ? [...(s.parent === undefined ? [] : [s.parent]), ...(s.dependencies ?? []), ...Object.values(s.propertyDependencies ?? {}).flat()] : []);
  return steps.filter((s) => {
    const hit = isTargetOf(targets, s.urn) || (targetDependents === true && needs(s.new ?? s.old).some((u) => taken.has(u)));
    if (hit) taken.add(s.urn);
    return hit;
  });
}
interface Made {
  readonly engine: Engine["name"]; readonly shown: readonly Step[];
  readonly name: string; readonly tier: string; readonly against: Against; readonly old: boolean; readonly steps: readonly Step[]; readonly graph: Graph;
  readonly credentials: readonly CredentialChange[]; readonly issues: Readonly<Record<string, string>>; readonly violations: PreviewedEnvironment["violations"]; readonly findings: readonly Finding[]; readonly ok: boolean; readonly untold: number;
}
function previewed(context: Context, r: Made): Previewed {
  const p = painter(context.color);
  const shown = r.shown.filter((s) => !typeOf(s.urn).startsWith("pulumi:providers:"));
  const summary = summarize(r.shown);
  const violations = r.violations.map(({ policy, level, urn, message, at }) => ({ policy, level, urn, message, ...(at && { at }) }));
  const changed = r.old ? `${r.credentials.length} credential changes` : `${Object.keys(r.issues).length} credentials`;
  const title = `${p.bold(`${r.name} (${r.tier})`)}\n`;
  const closing = `    ${renderSummary(summary, p, false)}; ${changed}; policies: ${violations.length ? verdict(violations) : p.green("all hold")}${r.untold > 0 ? p.dim(`; ${r.untold} of them judge again what only the update knows`) : ""}\n${renderViolations(violations, p)}`;
  return {
    ok: r.ok, findings: r.findings, tier: r.tier, graph: r.graph, changes: r.steps, issues: r.issues,
    environment: {
      name: r.name, engine: r.engine, base: r.against.kind === "base" ? r.against.base.commit : null,
      steps: shown.map((s) => ({ op: s.op, urn: s.urn, diff: s.diffs ?? [] })), summary, credentials: r.credentials, violations,
    },
    text: `${title}${renderPlan(r.shown, p, { done: false })}${r.old ? renderCredentials(r.credentials, p) : ""}\n${closing}`,
    folded: `${title}${renderFolded(r.shown, p)}${closing}`,
  };
}
const MARK: Readonly<Record<string, string>> = { added: "+", removed: "-", "re-issued": "~", "re-sealed": "~", "claims changed": "~", "recipients changed": "~" };
const renderCredentials = (list: readonly CredentialChange[], p: ReturnType<typeof painter>): string =>
  list.length === 0 ? "" : `    ${p.bold("Credentials")}\n${list.map((c) => ` ${MARK[c.change] ?? " "}  ${printable(c.path)}  ${c.change}  ${p.dim(`${c.kind}, ${c.ageDays === 1 ? "1 day" : `${c.ageDays} days`} old`)}\n`).join("")}`;

/** The other side of the comparison for one environment; null where it has none, so that everything is new. */
function oldSide(against: Against, d: Declared): { readonly graph: Graph | null; readonly credentials: readonly PublicCredential[] } | null {
  if (against.kind === "base") return against.base.environments.find((e) => e.name === d.name) ?? null;
  if (against.kind === "nothing" || against.kind === "deployed") return null;
  const graph = partsOf(d).flatMap((part) => against.stacks.get(stackName(d.name, part)) ?? []);
  return { graph, credentials: deployedCredentials(graph, publicCredentials(d)) };
}
async function compared(context: Context, old: Graph, now: Graph): Promise<Step[]> {
  const [{ providerFor }, { unplugged }] = await Promise.all([import("../../providers/index.ts"), import("../../engine/embedded/unplugged.ts")]);
  return diffGraphs(old, now, (pkg) => providerFor(pkg, { root: context.root, env: context.env, clock: context.clock }) ?? unplugged(pkg));
}
/** Where a violated resource is declared: its sealed value, its webhook, else its integration's settings. */
function place(context: Context, d: Declared, urn: string): Pick<Finding, "at"> {
  const part = environmentOfStack(urn.split("::")[0]?.slice("urn:pulumi:".length) ?? "").part;
  const name = urn.split("::").at(-1) ?? "";
  const credential = d.credentials.find((c) => c.integration === name && c.spec.class === part);
  if (credential) return { at: credential.at };
  const file = part === "payments" ? paymentsFile(d.name) : environmentFile(d.name);
  const document = readDocument(context.root, file).document;
  const integration = Object.keys(d.environment.integrations).find((i) => name === i || name.startsWith(`${i}-`));
  const path = part === "payments" ? ["stripe", "webhooks", name.replace(/^stripe-webhook-/, "")] : ["integrations", ...(integration === undefined ? [] : [integration])];
  return { at: document?.locate(path) ?? { file, line: 1, column: 1 } };
}
