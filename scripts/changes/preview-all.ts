import { isoDate } from "../../lib/clock.ts";
import { hasErrors, type Finding } from "../../lib/finding.ts";
import { engineCodes } from "../../engine/codes.ts";
import { changesOf, digestsOf, planOf, type Plan, type PlanEnvironment } from "../../engine/plan.ts";
import { isTargetOf } from "../../engine/targets.ts";
import { environmentOfStack } from "../../schemas/layout.ts";
import type { Exception } from "../../schemas/exceptions.ts";
import type { People } from "../../schemas/people.ts";
import { environmentNames, type Declared } from "../../stacks/read.ts";
import type { Context } from "../command.ts";
import { judgeProject } from "../judged.ts";
import { printable } from "../render/paint.ts";
import { accessChanges, type AccessChange } from "./access.ts";
import { againstOf, type Against } from "./against.ts";
import { gitOf } from "./base.ts";
import { previewEnvironment, removedEnvironment, type Previewed, type PreviewFlags } from "./previewed.ts";
import { toolchain } from "./toolchain.ts";

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
export async function previewAll(context: Context, options: Readonly<Record<string, unknown>>, only: readonly string[] = context.envs, flags: PreviewFlags = {}): Promise<Preview> {
  const judged = judgeProject({ ...context, envs: only });
  const { project } = judged;
  const { against, findings: about } = flags.cli ? { against: { kind: "deployed" } as const, findings: [] } : await againstOf(context, options, project.environments);
  const done: Previewed[] = [];
  const stated = against.kind === "state" ? new Set([...against.stacks.keys()].map((s) => environmentOfStack(s).environment)) : null;
  for (const d of project.environments.filter((e) => stated === null || stated.has(e.name))) {
    context.progress(`previewing ${d.name}`);
    done.push(await previewEnvironment(context, d, against, judged, flags));
  }
  const here = new Set(project.environments.map((e) => e.name));
  const all = readNames(context);
  if (against.kind === "base") for (const e of against.base.environments) if (!all.has(e.name) && !here.has(e.name) && (only.length === 0 || only.includes(e.name))) done.push(await removedEnvironment(context, against, e.name, flags));
  const unknown = (flags.targets ?? []).filter((t) => !done.some((x) => x.changes.some((s) => isTargetOf([t], s.urn))));
  const findings = [...unknown.map((t) => engineCodes.finding("TARGET_UNKNOWN", { message: `nothing in these environments is named '${t}'`, path: t, hint: "stackseal preview --json lists the URNs" })), ...judged.findings(project.environments.map((d) => d.name)), ...about, ...done.flatMap((x) => x.findings)];
  const access = against.kind === "base" ? accessChanges(against.base.people, project.people, isoDate(context.clock.now())) : [];
  return { against, done, access, people: project.people, declared: project.environments, findings, exceptions: judged.judgement.inForce(only), ok: !hasErrors(findings) && done.every((x) => x.ok) };
}
const readNames = (context: Context): Set<string> => new Set(environmentNames(context.root));
export const renderAccess = (list: readonly AccessChange[]): string => (list.length === 0 ? "" : `Access\n${list.map((a) => ` ${a.change === "gains" ? "+" : "-"}  ${printable(a.who)} (${a.role}) ${a.change} ${a.verbs.join(", ")} of ${a.class} in ${a.tier}\n`).join("")}\n`);

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
