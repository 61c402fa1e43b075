import { judgeSchedule } from "../backup/plan.ts";
import type { Finding } from "../lib/finding.ts";
import { policyCodes } from "../policies/codes.ts";
import { rules } from "../policies/index.ts";
import { weigh, type DeclaredViolation } from "../policies/kit/declared.ts";
import { readFacts } from "../policies/kit/facts.ts";
import { Judgement } from "../policies/kit/judgement.ts";
import { readProjectName } from "../stacks/project-file.ts";
import { readProjects, type Project } from "../stacks/read.ts";
import { judgeBook } from "./book.ts";
import { judgePeople } from "./check-people.ts";
import type { Context } from "./command.ts";
import { judgeHostFiles } from "./owners/files.ts";

export interface JudgedProject {
  /** The environments that were asked for. */
  readonly project: Project;
  readonly judgement: Judgement;
  /**
   * All that was found without a key, as the policies weigh it. `graphs`: the environments whose resources were judged too, for only of
   * them can it be told whether an exception for a resource is used.
   */
  readonly findings: (graphs?: readonly string[]) => Finding[];
  /** What the declarations violate: of one environment, with what concerns all; without a name, of all that were asked for. */
  readonly violations: (environment?: string) => DeclaredViolation[];
}

/** Reads the project and judges its declarations by every policy: the one way for check, preview and policies. `base`: the commit that changes are held against; otherwise the protected one. */
export function judgeProject(context: Pick<Context, "root" | "clock" | "env" | "envs">, base: string | null = null): JudgedProject {
  const of = readProjects(context.root, context.clock), read = of(context.envs);
  const people = judgePeople(context, read, of());
  const schedule = judgeSchedule(context.root, read.people, context.clock.now());
  const project = { ...read, findings: [...read.findings, ...readProjectName(context.root).findings, ...people, ...schedule, ...(context.envs.length === 0 ? [...judgeBook(context.root, read), ...judgeHostFiles(context.root, read, context.clock.now())] : [])] };
  const facts = readFacts(context.root, context.clock, { env: context.env, base, ...(context.envs.length === 0 ? { project } : { project: of(), also: people }) });
  const judgement = new Judgement(facts);
  const asked = (v: DeclaredViolation): boolean => v.environment === null || context.envs.length === 0 || context.envs.includes(v.environment);
  // Files that only policies read: their findings are nobody else's.
  const known = new Set(project.findings.map((f) => JSON.stringify(f)));
  const own = facts.findings.filter((f) => /^(policies\/exceptions|stacks\/attestations)\.yaml$/.test(f.at?.file ?? "") && !known.has(JSON.stringify(f)));
  return {
    project, judgement,
    findings: (graphs = []) => [...weigh(project.findings, judgement.declared(graphs).filter(asked), rules, judgement.config, asFinding), ...own, ...judgement.findings],
    violations: (environment) => judgement.declared().filter((v) => (environment === undefined ? asked(v) : v.environment === environment)),
  };
}
export const asFinding = (v: DeclaredViolation): Finding =>
  policyCodes.finding(v.level === "mandatory" ? "POLICY_VIOLATION" : "POLICY_ADVICE", { message: `${v.rule.id}: ${v.message}`, at: v.at, path: v.path, hint: v.hint });
