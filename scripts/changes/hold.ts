import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { isoDate } from "../../lib/clock.ts";
import { parseDocument } from "../../lib/document.ts";
import { FindingError, type Finding } from "../../lib/finding.ts";
import { planDifferences, readPlan, type Plan, type PlanEnvironment } from "../../engine/plan.ts";
import { allows } from "../../schemas/access.ts";
import { LOCAL, PEOPLE_FILE } from "../../schemas/layout.ts";
import { parsePeople } from "../../schemas/parse.ts";
import { activeOn, members, type Member, type People } from "../../schemas/people.ts";
import { environmentNames, readProject, type Declared } from "../../stacks/read.ts";
import type { Context } from "../command.ts";
import { planEnvironment } from "./preview-all.ts";
import { previewEnvironment } from "./previewed.ts";
import { attestations, signedBy, type Approval, type Staged } from "./attest.ts";
import { findBase, gitOf } from "./base.ts";
import { canAsk } from "./code-host.ts";
import { changeCodes as c } from "./codes.ts";
import { inShort, sinceReviewed } from "./reviewed.ts";
import { approvingReviews } from "./reviews.ts";
import type { Held } from "./steps.ts";
import { toolchain } from "./toolchain.ts";

/** Reads a plan's file. Throws FindingError PLAN_UNREADABLE (exit 2). */
export function loadPlan(context: Context, file: string): { readonly file: string; readonly plan: Plan } {
  const path = resolve(context.root, file);
  let plan: Plan | null = null;
  try {
    plan = readPlan(JSON.parse(readFileSync(path, "utf8")));
  } catch { /* said below */ }
  if (!plan) throw new FindingError(c.finding("PLAN_UNREADABLE", { message: `${file} is no plan, or was changed after it was saved`, hint: "stackseal preview --save-plan F" }), 2);
  return { file: path, plan };
}

/**
 * Refuses to go on where the environment would become something else than the plan says, or where nobody who may has approved it. Throws FindingError with every difference.
 * `base`: the commit that stood on the main branch before the change; otherwise the merge base, or HEAD's parent on the main branch itself.
 */
export async function holdToPlan(context: Context, d: Declared, file: string, base?: string): Promise<Held & { readonly findings: readonly Finding[] }> {
  const { file: path, plan } = loadPlan(context, file);
  const approved = plan.environments.find((e) => e.name === d.name);
  if (!approved) throw new FindingError(c.finding("PLAN_ENVIRONMENT", { message: `the plan covers ${plan.environments.map((e) => e.name).join(", ")}, not ${d.name}`, hint: `stackseal preview --env ${d.name} --save-plan F` }), 2);
  const now = planEnvironment(await previewEnvironment(context, d));
  const differ = planDifferences(approved, now, { approved: plan.toolchain, now: toolchain() });
  if (differ.length) throw new FindingError([...differ.slice(0, 20).map((message) => c.finding("PLAN_DIFFERS", { message, hint: "preview again, and have the new plan approved" })), ...(differ.length > 20 ? [c.finding("PLAN_DIFFERS", { message: `and ${differ.length - 20} more differences` })] : [])]);
  if (d.tier !== "production") return { approved, superAdmin: false, findings: [] };
  const stood = before(context, base);
  const staging = stagingFindings(context, path, plan, stood.people);
  const approvals = await approvers(context, path, plan, approved, stood);
  if (staging.some((f) => f.severity === "error") || approvals.missing) throw new FindingError([...staging, ...approvals.findings]);
  return { approved, superAdmin: approvals.superAdmin, findings: [...staging, ...approvals.findings] };
}

interface Before {
  readonly people: People;
  /** people.yaml or the access matrix isn't what it was: whoever made the plan may have compared it with another commit. */
  readonly accessChanged: boolean;
}
/** Who counts is what people.yaml said before this change. Throws FindingError APPROVAL_MISSING where git can't tell: a change could make its own approvers. */
function before(context: Context, base: string | undefined): Before {
  const git = gitOf(context);
  const unknown = (why: string, hint?: string): FindingError => new FindingError(c.finding("APPROVAL_MISSING", { message: `who may approve can't be told: ${why}`, ...(hint !== undefined && { hint }) }));
  const found = findBase(git, base);
  if (typeof found === "string") throw unknown(found, "deploy to production from a clone with its main branch");
  let { commit } = found;
  // On the main branch itself, after the merge, the base is what stood there before; a first commit has nothing before it.
  if (base === undefined && commit === git.text(["rev-parse", "HEAD"])) {
    const parent = git.text(["rev-parse", "--verify", "--quiet", "HEAD^"]);
    if (parent === null && git.text(["rev-parse", "--is-shallow-repository"]) !== "false") throw unknown("the clone is shallow: what stood before isn't there", "git fetch --unshallow");
    commit = parent ?? commit;
  }
  const prefix = git.text(["rev-parse", "--show-prefix"]) ?? "";
  const text = git.try(["cat-file", "blob", `${commit}:${prefix}${PEOPLE_FILE}`]);
  const document = text === null ? null : parseDocument(text.toString("utf8"), PEOPLE_FILE).document;
  const people = document ? parsePeople(document).value : null;
  if (!people) throw unknown(`${commit.slice(0, 12)} has no people.yaml that can be read`);
  return { people, accessChanged: git.try(["diff", "--quiet", "--no-ext-diff", commit, "--", PEOPLE_FILE, "schemas/access.ts"]) === null };
}

interface Approvers { readonly findings: Finding[]; readonly missing: boolean; readonly superAdmin: boolean }
async function approvers(context: Context, file: string, plan: Plan, env: PlanEnvironment, { people, accessChanged }: Before): Promise<Approvers> {
  const on = isoDate(context.clock.now());
  const findings: Finding[] = [];
  const roles = new Map<string, string>();
  const invalid = (message: string): void => { findings.push(c.finding("APPROVAL_INVALID", { message })); };
  const take = (m: Member): void => {
    if (!m.machine && activeOn(m, on) && m.entry.tiers.includes("production") && allows(m.entry.role, "standard", "production", "seal")) roles.set(m.name, m.entry.role);
    else invalid(`${m.name} (${m.entry.role}) may not approve for production`);
  };
  for (const a of attestations<Approval>(file, "approval")) {
    const who = signedBy("approval", a, people, on);
    if (typeof who === "string") invalid(who);
    else if (a.approval !== plan.approval) invalid(`${who.name} approved another plan${await sinceThen(context, a, plan, env)}`);
    else take(who);
  }
  const head = context.env["GITHUB_SHA"] ?? gitOf(context).text(["rev-parse", "HEAD"]);
  if (canAsk(context.env) && head !== null)
    for (const r of await approvingReviews(context.env, head, context.signal)) {
      const m = members(people).find((x) => x.entry.handle?.toLowerCase() === r.login);
      const differ = m ? await sinceReviewed(context, r.commit, env, plan.toolchain) : [];
      if (m && differ.length === 0) take(m);
      else invalid(m ? `${m.name}'s review is of ${r.commit.slice(0, 12)}, which declares something else: ${inShort(differ)}` : `@${r.login} is nobody's handle in people.yaml at the base`);
    }
  const access = plan.access || accessChanged;
  const sensitive = env.payments || access;
  const superAdmin = [...roles.values()].includes("super-admin");
  const missing = sensitive ? !superAdmin : roles.size === 0;
  if (missing) findings.push(c.finding("APPROVAL_MISSING", { message: sensitive ? `${env.payments ? "a payment credential" : "the access matrix"} changes: a Super Admin must be among the approvers of ${plan.approval.slice(0, 16)}` : `nobody who may approve for production has approved ${plan.approval.slice(0, 16)}`, path: env.name, hint: "stackseal approve PLAN, or a review on the code host" }));
  return { findings, missing, superAdmin };
}
/** What became otherwise since the commit that a signed approval names; it is in no signature, so it only explains. */
async function sinceThen(context: Context, a: Approval, plan: Plan, env: PlanEnvironment): Promise<string> {
  if (typeof a.commit !== "string" || !/^[0-9a-f]{40,64}$/.test(a.commit)) return "";
  const differ = await sinceReviewed(context, a.commit, env, plan.toolchain);
  return differ.length ? `: ${inShort(differ)}` : `: ${env.name} is the same, another environment, the base or the tools aren't`;
}

function stagingFindings(context: Context, file: string, plan: Plan, people: People): Finding[] {
  const staging = readProject(context.root, { clock: context.clock }).environments.filter((e) => e.tier === "staging").map((e) => e.name);
  if (staging.length === 0) return environmentNames(context.root).length ? [c.finding("STAGING_MISSING", { severity: "info", message: "no environment of tier staging is declared: nothing had to pass there first" })] : [];
  const on = isoDate(context.clock.now());
  const out: Finding[] = [];
  for (const s of attestations<Staged>(file, "staged")) {
    const who = signedBy("staged", s, people, on);
    if (typeof who === "string") out.push(c.finding("APPROVAL_INVALID", { message: `of ${s.environment}: ${who}` }));
    else if (s.digest !== plan.digest) out.push(c.finding("APPROVAL_INVALID", { message: `${s.environment} was found valid with another plan` }));
    else if (!who.entry.tiers.includes("staging") || !["super-admin", "admin", "deployer"].includes(who.entry.role)) out.push(c.finding("APPROVAL_INVALID", { message: `${who.name} (${who.entry.role}) may not speak for staging` }));
    else if (staging.includes(s.environment) && s.checks.valid > 0) return [];
  }
  return [...out, c.finding("STAGING_MISSING", { message: `no signed record says that this plan (${plan.digest.slice(0, 16)}) was deployed to ${staging.join(" or ")} and found valid`, hint: `stackseal up --env ${staging[0] ?? LOCAL} --plan PLAN, then stackseal staged PLAN --env ${staging[0] ?? LOCAL} --state F --doctor F` })];
}
