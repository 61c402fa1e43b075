import { resolve } from "node:path";
import { writeAtomic } from "../../lib/atomic.ts";
import { isoDate } from "../../lib/clock.ts";
import { readDocument } from "../../lib/document.ts";
import { FindingError, hasErrors, sortFindings, type CodeTable, type Finding, type Position } from "../../lib/finding.ts";
import { engineCodes } from "../../engine/codes.ts";
import { embedded, type Step } from "../../engine/index.ts";
import { diffGraphs, graphOf, type Graph } from "../../engine/graph.ts";
import { changesOf, digestsOf, planOf, type Plan, type PlanEnvironment } from "../../engine/plan.ts";
import { policyCodes } from "../../policies/codes.ts";
import { annotationsOf } from "../../scan/annotations.ts";
import { sarifOf } from "../../scan/sarif.ts";
import type { Exception } from "../../schemas/exceptions.ts";
import type { People } from "../../schemas/people.ts";
import { environmentFile, environmentOfStack, paymentsFile, stackName } from "../../schemas/layout.ts";
import { environmentNames, type Declared } from "../../stacks/read.ts";
import { accessChanges, type AccessChange } from "../changes/access.ts";
import { againstJson, againstOf, describeAgainst, type Against } from "../changes/against.ts";
import { findBase, gitOf } from "../changes/base.ts";
import { changeCodes } from "../changes/codes.ts";
import { commentData } from "../changes/comment-data.ts";
import { concernedBy, jobsFor } from "../changes/concerned.ts";
import { credentialChanges, publicCredentials, type CredentialChange, type PublicCredential } from "../changes/credentials.ts";
import { deployedCredentials } from "../changes/deployed.ts";
import { toolchain } from "../changes/toolchain.ts";
import { defineCommand, type Context } from "../command.ts";
import { merge, partsOf, projectName, runOf, StackLinks } from "../deployment.ts";
import { judgeProject, type JudgedProject } from "../judged.ts";
import { renderComment } from "../render/comment.ts";
import { renderExceptions } from "../render/exceptions.ts";
import { painter, printable } from "../render/paint.ts";
import { renderPlan, renderSummary, renderViolations, summarize, typeOf } from "../render/plan.ts";
import { knownEnvironments } from "./check.ts";

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
  readonly findings: readonly Finding[];
  readonly ok: boolean;
}

const NOTHING: Against = { kind: "nothing", why: "" };

/** Previews one environment without a key. */
export async function previewEnvironment(context: Context, d: Declared, against: Against = NOTHING, judged: JudgedProject = judgeProject(context)): Promise<Previewed> {
  const engine = await embedded(context);
  const outcomes = [];
  const links = new StackLinks();
  for (const part of partsOf(d)) {
    const run = await runOf(context.root, d, part, () => null, { judgement: judged.judgement });
    const outcome = await engine.preview(run, { against: "nothing", stackOutputs: links.get });
    links.note(run.stack, outcome);
    outcomes.push(outcome);
  }
  const m = merge(outcomes);
  const graph = graphOf(m.steps);
  const old = oldSide(against, d);
  const steps = old === null ? m.steps : await compared(context, old.graph, graph);
  const now = publicCredentials(d);
  const credentials = credentialChanges(old?.credentials ?? null, now, context.clock.now());
  const findings = [
    ...m.violations.map((v) => policyCodes.finding(v.level === "mandatory" ? "POLICY_VIOLATION" : "POLICY_ADVICE", { message: `${v.policy}: ${v.message}`, path: v.urn, ...place(context, d, v.urn) })),
    ...m.diagnostics.filter((x) => x.severity === "error").map((x) => engineCodes.finding("ENGINE_FAILED", { message: x.message, path: x.urn })),
  ];
  return previewed(context, { name: d.name, tier: d.tier, against, old: old !== null, steps, graph, credentials, issues: Object.fromEntries(now.map((c) => [c.path, c.claims.issueId])), violations: [...m.violations, ...declaredViolations(context, d, judged)], findings, ok: m.ok, untold: m.untold.length });
}
/** What the declarations violate, on the stack's own URN: a place in a file is no resource. */
function declaredViolations(context: Context, d: Declared, judged: JudgedProject): PreviewedEnvironment["violations"] {
  const project = projectName(context.root);
  const urn = `urn:pulumi:${stackName(d.name, "standard")}::${project}::pulumi:pulumi:Stack::${project}-${stackName(d.name, "standard")}`;
  return judged.violations(d.name).map((v) => ({ policy: v.rule.id, level: v.level, urn, message: v.message, at: v.at }));
}
/** An environment of the base that is declared no more. */
async function removedEnvironment(context: Context, against: Against & { kind: "base" }, name: string): Promise<Previewed> {
  const base = against.base.environments.find((e) => e.name === name);
  const steps = await compared(context, base?.graph ?? [], []);
  return previewed(context, { name, tier: base?.tier ?? "", against, old: true, steps, graph: [], credentials: credentialChanges(base?.credentials ?? [], [], context.clock.now()), issues: {}, violations: [], findings: [], ok: true, untold: 0 });
}

interface Made {
  readonly name: string; readonly tier: string; readonly against: Against; readonly old: boolean; readonly steps: readonly Step[]; readonly graph: Graph;
  readonly credentials: readonly CredentialChange[]; readonly issues: Readonly<Record<string, string>>; readonly violations: PreviewedEnvironment["violations"]; readonly findings: readonly Finding[]; readonly ok: boolean; readonly untold: number;
}
function previewed(context: Context, r: Made): Previewed {
  const p = painter(context.color);
  const shown = r.steps.filter((s) => !typeOf(s.urn).startsWith("pulumi:providers:"));
  const summary = summarize(r.steps);
  const violations = r.violations.map(({ policy, level, urn, message, at }) => ({ policy, level, urn, message, ...(at && { at }) }));
  const changed = r.old ? `${r.credentials.length} credential changes` : `${Object.keys(r.issues).length} credentials`;
  return {
    ok: r.ok, findings: r.findings, tier: r.tier, graph: r.graph, changes: r.steps, issues: r.issues,
    environment: {
      name: r.name, engine: "embedded", base: r.against.kind === "base" ? r.against.base.commit : null,
      steps: shown.map((s) => ({ op: s.op, urn: s.urn, diff: s.diffs ?? [] })), summary, credentials: r.credentials, violations,
    },
    text: `${p.bold(`${r.name} (${r.tier})`)}\n${renderPlan(r.steps, p, { done: false })}${r.old ? renderCredentials(r.credentials, p) : ""}\n    ${renderSummary(summary, p, false)}; ${changed}; policies: ${violations.length ? `${violations.length} violated` : p.green("all hold")}${r.untold > 0 ? p.dim(`; ${r.untold} of them judge again what only the update knows`) : ""}\n${renderViolations(violations, p)}`,
  };
}
const MARK: Readonly<Record<string, string>> = { added: "+", removed: "-", "re-issued": "~", "re-sealed": "~", "claims changed": "~", "recipients changed": "~" };
const renderCredentials = (list: readonly CredentialChange[], p: ReturnType<typeof painter>): string =>
  list.length === 0 ? "" : `    ${p.bold("Credentials")}\n${list.map((c) => ` ${MARK[c.change] ?? " "}  ${printable(c.path)}  ${c.change}  ${p.dim(`${c.kind}, ${c.ageDays === 1 ? "1 day" : `${c.ageDays} days`} old`)}\n`).join("")}`;

/** The other side of the comparison for one environment; null where it has none, so that everything is new. */
function oldSide(against: Against, d: Declared): { readonly graph: Graph; readonly credentials: readonly PublicCredential[] } | null {
  if (against.kind === "base") return against.base.environments.find((e) => e.name === d.name) ?? null;
  if (against.kind === "nothing") return null;
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

export interface Preview {
  readonly against: Against;
  readonly done: readonly Previewed[];
  readonly access: readonly AccessChange[];
  readonly people: People | null;
  readonly declared: readonly Declared[];
  readonly findings: readonly Finding[];
  /** In force in these environments. */
  readonly exceptions: readonly Exception[];
  readonly ok: boolean;
}
/** Previews the chosen environments, with those of the base that are gone. */
export async function previewAll(context: Context, options: Readonly<Record<string, unknown>>, only: readonly string[] = context.envs): Promise<Preview> {
  const judged = judgeProject({ ...context, envs: only });
  const { project } = judged;
  const { against, findings: about } = await againstOf(context, options);
  const done: Previewed[] = [];
  const stated = against.kind === "state" ? new Set([...against.stacks.keys()].map((s) => environmentOfStack(s).environment)) : null;
  for (const d of project.environments.filter((e) => stated === null || stated.has(e.name))) {
    context.progress(`previewing ${d.name}`);
    done.push(await previewEnvironment(context, d, against, judged));
  }
  const here = new Set(project.environments.map((e) => e.name));
  const all = readNames(context);
  if (against.kind === "base") for (const e of against.base.environments) if (!all.has(e.name) && !here.has(e.name) && (only.length === 0 || only.includes(e.name))) done.push(await removedEnvironment(context, against, e.name));
  const findings = [...judged.findings(project.environments.map((d) => d.name)), ...about, ...done.flatMap((x) => x.findings)];
  const access = against.kind === "base" ? accessChanges(against.base.people, project.people, isoDate(context.clock.now())) : [];
  return { against, done, access, people: project.people, declared: project.environments, findings, exceptions: judged.judgement.inForce(only), ok: !hasErrors(findings) && done.every((x) => x.ok) };
}
const readNames = (context: Context): Set<string> => new Set(environmentNames(context.root));
const renderAccess = (list: readonly AccessChange[]): string => (list.length === 0 ? "" : `Access\n${list.map((a) => ` ${a.change === "gains" ? "+" : "-"}  ${printable(a.who)} (${a.role}) ${a.change} ${a.verbs.join(", ")} of ${a.class} in ${a.tier}\n`).join("")}\n`);

/** What of previews goes into a plan. */
export function planEnvironment(r: Previewed): PlanEnvironment {
  const changes = changesOf(r.changes);
  const payments = r.environment.credentials.some((c) => c.class === "payments") || Object.entries(changes).some(([urn, op]) => op !== "update" && environmentOfStack(urn.split("::")[0]?.slice("urn:pulumi:".length) ?? "").part === "payments");
  return { name: r.environment.name, tier: r.tier, resources: digestsOf(r.graph), issues: r.issues, policies: r.environment.violations.map(({ policy, level, urn }) => ({ policy, level, urn })).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)), changes, payments };
}
/** The plan of a preview. Where nobody can tell what the access matrix was before, it counts as changed. */
export function planOfPreview(context: Context, r: Preview): Plan {
  const access = r.against.kind !== "base" || r.access.length > 0 || JSON.stringify(r.against.base.people) !== JSON.stringify(r.people) || gitOf(context).try(["diff", "--quiet", "--no-ext-diff", r.against.base.commit, "--", "schemas/access.ts"]) === null;
  // What is sealed for `local` differs on each machine: it is part of a plan only where it was asked for.
  return planOf(r.done.filter((x) => x.tier !== "local" || context.envs.includes(x.environment.name)).map(planEnvironment), toolchain(), access);
}

/** `--changed REF`: which environments, and why. Throws FindingError BASE_UNKNOWN. */
function changedSince(context: Context, ref: string): { readonly names: string[]; readonly removed: string[]; readonly why: Readonly<Record<string, string>> } {
  const git = gitOf(context);
  const found = findBase(git, ref);
  const concerned = typeof found === "string" ? null : concernedBy(context.root, git, found.commit);
  if (!concerned) throw new FindingError(changeCodes.finding("BASE_UNKNOWN", { message: `git can't tell what changed since ${ref}` }), 2);
  return { ...concerned, names: concerned.names.filter((n) => context.envs.length === 0 || context.envs.includes(n)) };
}

export default defineCommand({
  name: "preview",
  summary: "Show what would change, under the policies, without a key",
  wants: "any",
  options: [
    { flags: "--base <ref>", description: "compare with this commit; otherwise with the merge base with the main branch" },
    { flags: "--state <file>", description: "compare with what is deployed: an export of the stack, may be repeated", many: true },
    { flags: "--format <format>", description: "a picture, the comment for a pull request, annotations on its lines, or SARIF", choices: ["text", "markdown", "github", "sarif"], default: "text" },
    { flags: "--save-plan <file>", description: "write digests of what is to be and of what is done to get there, never a value" },
    { flags: "--save-comment <file>", description: "write what the comment on a pull request is made of, for stackseal comment" },
    { flags: "--changed <ref>", description: "only the environments that the changes since this commit concern" },
    { flags: "--matrix", description: "with --changed: print a job for each of them, as a code host's matrix takes it, and preview nothing" },
  ],
  examples: ["stackseal preview", "stackseal preview --base main --env dev", "stackseal preview --env dev --state dev.json --json", "stackseal preview --format markdown --save-plan plan.json", "stackseal preview --changed origin/main --matrix"],
  run: async (context, _args, options) => {
    knownEnvironments(context);
    const changed = options["changed"] === undefined ? null : changedSince(context, options["changed"] as string);
    if (options["matrix"] === true) {
      const include = jobsFor(context.root, changed?.names ?? knownEnvironments(context));
      return { exit: 0, json: { matrix: { include }, removed: changed?.removed ?? [] }, text: JSON.stringify({ include }) };
    }
    if (changed?.names.length === 0 && changed.removed.length === 0) return { exit: 0, json: { against: { kind: "base" }, access: [], environments: [], exceptions: [] }, text: `No environment is concerned by what changed since ${options["changed"] as string}.` };
    const r = await previewAll(context, changed ? { base: options["changed"], ...options } : options, changed ? [...changed.names, ...changed.removed] : context.envs);
    const exit = r.ok ? 0 : 1;
    const format = options["format"] as string;
    const saved = options["savePlan"] as string | undefined;
    const commentFile = options["saveComment"] as string | undefined;
    const plan = saved !== undefined || commentFile !== undefined || format === "markdown" ? planOfPreview(context, r) : null;
    if (saved !== undefined) writeAtomic(resolve(context.root, saved), `${JSON.stringify(plan, null, 2)}\n`);
    if (commentFile !== undefined && plan) writeAtomic(resolve(context.root, commentFile), `${JSON.stringify(commentData(context, r, plan))}\n`);
    const json = { against: againstJson(r.against), access: r.access, environments: r.done.map((x) => x.environment), exceptions: r.exceptions, ...(plan && { plan: { digest: plan.digest, approval: plan.approval } }) };
    // A machine reads these from standard output: the findings aren't said again on standard error.
    if (!context.json && format === "markdown" && plan) return { exit, text: renderComment(commentData(context, r, plan)) };
    if (!context.json && format === "github") return { exit, text: annotationsOf(sortFindings(r.findings)) };
    if (!context.json && format === "sarif") return { exit, text: sarifOf(sortFindings(r.findings), [], "stackseal preview", titles(r)) };
    const head = `Embedded engine: key-less preview, ${describeAgainst(r.against)}.\n\n`;
    const why = changed ? changed.names.map((n) => `${n}: ${printable(changed.why[n] ?? "")} changed\n`).join("") : "";
    const tail = plan ? `\nPlan ${plan.digest.slice(0, 16)}, approval ${plan.approval}\n` : "";
    return { exit, findings: r.findings, json, text: why + head + renderAccess(r.access) + r.done.map((x) => x.text).join("\n") + renderExceptions(r.exceptions) + tail };
  },
});
const titles = (r: Preview): CodeTable => Object.fromEntries(r.findings.map((f) => [f.code, { severity: f.severity, title: ({ ...engineCodes.table, ...policyCodes.table, ...changeCodes.table } as CodeTable)[f.code]?.title ?? f.code }]));
