import { FindingError, type Finding } from "../../lib/finding.ts";
import { Git } from "../../lib/git.ts";
import { openStore } from "../../providers/stores/index.ts";
import { versionWith, type Store } from "../../providers/stores/contract.ts";
import { readRecords } from "../../rotation/record.ts";
import { LOCAL } from "../../schemas/layout.ts";
import { isOpen } from "../../schemas/rotation-record.ts";
import { verifySignatures } from "../../seal/verify.ts";
import { readProject, type Declared } from "../../stacks/read.ts";
import { defineCommand, type Context } from "../command.ts";
import { confirm } from "../confirm.ts";
import { painter } from "../render/paint.ts";
import { chooseTarget, chooseVersion } from "../rollback/choose.ts";
import { rollbackCodes as c } from "../rollback/codes.ts";
import { revertedFiles, writeCommit } from "../rollback/revert.ts";
import { versionAt, versionsInHistory, type GitVersion, type Target } from "../rollback/versions.ts";
import { peopleAt } from "../sealed-place.ts";
import { knownEnvironments } from "./check.ts";

interface Step {
  readonly step: "store" | "git";
  /** `already`: found so; `waits`: the other half must come first. */
  readonly state: "done" | "already" | "todo" | "waits" | "none" | "failed";
  readonly what: string;
}

export default defineCommand({
  name: "rollback",
  summary: "Put a secret's former version in force again, and write the revert that fits it on a branch; run again where it was interrupted",
  wants: "one",
  options: [
    { flags: "--secret <name>", description: "the store's secret: twilio, payments/stripe, stackseal/dev/twilio" },
    { flags: "--to <version>", description: "the version, as drift and the store name it; the one before otherwise" },
    { flags: "--reason <text>", description: "why, for the commit" },
    { flags: "--branch <name>", description: "the branch of the revert; otherwise rollback/<env>-<secret>-<version>" },
    { flags: "--although-exposed", description: "go back even to what was replaced because somebody may know it" },
    { flags: "--dry-run", description: "say where it stands and what would be done" },
  ],
  examples: ["stackseal rollback --env dev --secret twilio --dry-run", "stackseal rollback --env prod --secret payments/stripe --to 3f2a9c41b07d --reason \"refused by Stripe\" --yes"],
  run: async (context, _args, options) => {
    const [env = ""] = knownEnvironments(context);
    const said = options["secret"];
    if (typeof said !== "string") throw new FindingError({ code: "USAGE", severity: "error", message: "--secret is missing", hint: `stackseal rollback --env ${env} --secret twilio` }, 2);
    const project = readProject(context.root, { only: [env], clock: context.clock });
    const d = project.environments[0];
    if (!d) throw new FindingError(project.findings, 2);
    const t = chooseTarget(d, said);
    refuseRotating(context, d, t);
    const git = gitOf(context, env);
    const store = openStore({ root: context.root, env: context.env, clock: context.clock }, env, d.environment.store);
    const found = await store.describe(t.name);
    if (!found) throw new FindingError(c.finding("ROLLBACK_NO_VERSION", { message: "the store has no such secret", path: t.name, hint: `stackseal up --env ${env}` }));
    const history = git ? [...versionsInHistory(git, t)] : [];
    const head = git ? versionAt(git, git.text(["rev-parse", "HEAD"]) ?? "HEAD", t) : null;
    const { id, halfDone } = chooseVersion(t, found, head, history, options["to"] as string | undefined);
    const old = history.find((v) => v.id === id) ?? null;
    const current = versionWith(found, "current");
    if (git && !old) throw new FindingError(c.finding("ROLLBACK_NOT_IN_GIT", { message: `no commit in HEAD's history gives ${id.slice(0, 12)}: it was put there past git`, path: t.name, hint: `stackseal drift --env ${env}; a shallow clone wants git fetch --unshallow` }));
    if (options["althoughExposed"] !== true) refuseExposed(d, head, old);

    // Git's half is made first and pointed at last: what can fail in it fails before the store is touched.
    const branch = (options["branch"] as string | undefined) ?? `rollback/${env}-${t.name.split("/").slice(2).join("-")}-${id.slice(0, 12)}`;
    const merged = git !== null && head?.id === id;
    const tip = git && !merged ? tipOf(git, t, branch, id) : null;
    const step = (s: Step["step"], state: Step["state"], what: string): Step => ({ step: s, state, what });
    const gitSays = !git ? "local's sealed files aren't in git: the next up delivers them again" : merged ? "HEAD gives this version" : `the revert on branch ${branch}`;
    const before = (state: "todo" | "already"): Step[] => [
      step("store", halfDone ? "already" : state, `${id.slice(0, 12)} in force${current && !halfDone ? ` instead of ${current.id.slice(0, 12)}` : ""}`),
      step("git", !git ? "none" : merged || tip !== null ? "already" : "todo", gitSays),
    ];
    const shown = (steps: readonly Step[], findings: readonly Finding[], exit: 0 | 1 | 2, commit: string | null = tip) => ({
      exit, findings,
      json: { environment: env, secret: t.name, from: current?.id ?? null, to: id, branch: git && !merged ? branch : null, commit, steps, issues: back(head, old).map(({ path, claims }) => ({ path, issueId: claims.issueId, sealedBy: claims.sealedBy })) },
      text: `${render(context, t, id, steps)}${exit === 0 && options["dryRun"] !== true && git && !merged ? next(env, branch, back(head, old)) : ""}`,
    });
    const done = halfDone && (git === null || merged || tip !== null);
    if (done || options["dryRun"] === true) return shown(before("todo"), [], 0);
    const commit = !git || merged || !old ? null : (tip ?? writeCommit(context, git, await revertedFiles(context, git, t, head, old), message(t, id, current?.id, old, options["reason"])));
    const no = await confirm(context, `Put ${id.slice(0, 12)} of ${t.name} in force?`, `stackseal rollback --env ${env} --secret ${said}`);
    if (no) return shown(before("todo"), [no], 2);

    const findings: Finding[] = old ? unsigned(context, d, t, old) : [];
    const moved = halfDone ? "already" : await move(store, t, id);
    if (moved === "waits") findings.push(c.finding("ROLLBACK_NOT_HELD", { message: `the store has forgotten the values of ${id.slice(0, 12)}: git goes first`, path: t.name, hint: `when HEAD gives it: stackseal up --env ${env} --rollback ${said}` }));
    const steps = [step("store", moved, before("todo")[0]?.what ?? "")];
    if (commit !== null && tip === null) {
      const pointed = git?.try(["-c", "core.hooksPath=/dev/null", "update-ref", "-m", `rollback of ${t.name}`, `refs/heads/${branch}`, commit, "0".repeat(40)]) ?? null;
      if (pointed === null) findings.push(c.finding("ROLLBACK_NOT_WRITTEN", { message: `the branch ${branch} couldn't be made`, path: t.name, hint: `run it again: stackseal rollback --env ${env} --secret ${said} --to ${id.slice(0, 12)}` }));
      steps.push(step("git", pointed === null ? "failed" : "done", gitSays));
    } else steps.push(step("git", git ? "already" : "none", gitSays));
    return shown(steps, findings, steps.some((s) => s.state === "failed") ? 1 : 0, commit);
  },
});

/** Null for `local`, whose sealed files are in no repository. Throws FindingError where there should be one. */
function gitOf(context: Context, env: string): Git | null {
  if (env === LOCAL) return null;
  const git = new Git(context.root, context.env);
  if (!git.inside || git.text(["rev-parse", "-q", "--verify", "HEAD"]) === null) throw new FindingError(c.finding("ROLLBACK_NOT_IN_GIT", { message: "there is no git history here to revert in", path: env, hint: "run it in the repository's clone" }), 2);
  return git;
}
/** The tip of a branch that gives the version; null where there is no such branch. Throws FindingError where it gives another. */
function tipOf(git: Git, t: Target, branch: string, id: string): string | null {
  if (git.text(["check-ref-format", `refs/heads/${branch}`]) === null) throw new FindingError({ code: "USAGE", severity: "error", message: `${branch} is no branch's name` }, 2);
  const tip = git.text(["rev-parse", "-q", "--verify", `refs/heads/${branch}`]);
  if (tip === null) return null;
  if (versionAt(git, tip, t)?.id === id) return tip;
  throw new FindingError(c.finding("ROLLBACK_BRANCH_TAKEN", { message: `the branch ${branch} is there and gives another version`, path: t.name, hint: "name another with --branch, or delete it" }), 2);
}
/** What comes back: credentials whose issue HEAD doesn't have. */
const back = (head: GitVersion | null, old: GitVersion | null): GitVersion["credentials"] =>
  (old?.credentials ?? []).filter((x) => head?.credentials.find((h) => h.path === x.path)?.claims.issueId !== x.claims.issueId);
/** Before anything is looked at: half of a rotation looks like half of a rollback. */
function refuseRotating(context: Context, d: Declared, t: Target): void {
  const open = readRecords(context.root, d.name, null).records.find((k) => isOpen(k.record) && k.record.path.startsWith(`${t.integration}.`) && k.record.class === t.class)?.record;
  if (open) throw new FindingError(c.finding("ROLLBACK_ROTATING", { message: `${open.path} is being rotated (${open.rotation}): that is gone back from by its own command`, path: open.path, hint: `stackseal rotate abort ${open.rotation} --env ${d.name}` }));
}
function refuseExposed(d: Declared, head: GitVersion | null, old: GitVersion | null): void {
  const known = back(head, old).filter((x) => ["compromise", "departure"].includes(head?.credentials.find((h) => h.path === x.path)?.claims.reason ?? ""));
  if (known.length) throw new FindingError(known.map((x) => c.finding("ROLLBACK_EXPOSED", { message: `${x.path} was replaced because somebody may know the former value`, path: x.path, hint: `issue a new one: stackseal rotate start ${x.path} --env ${d.name}; or --although-exposed` })));
}
async function move(store: Store, t: Target, id: string): Promise<Step["state"]> {
  try {
    await store.promote(t.name, id);
  } catch (e) {
    if (e instanceof FindingError && e.findings.some((f) => f.code === "STORE_VERSION_MISSING")) return "waits";
    throw e;
  }
  if (versionWith(await store.describe(t.name), "current")?.id !== id) throw new FindingError(c.finding("ROLLBACK_NOT_WRITTEN", { message: "the store doesn't have the version in force although it said so", path: t.name, hint: "run it again; look who else writes this secret" }));
  return "done";
}
function unsigned(context: Context, d: Declared, t: Target, old: GitVersion): Finding[] {
  const people = peopleAt(context.root, old.sealed.file);
  if (!people) return [];
  const own = new Set(old.credentials.map((x) => x.path));
  return verifySignatures(old.sealed.credentials.filter((x) => own.has(x.path)), { environment: d.name, tier: d.tier, class: t.class }, people)
    .map((f) => c.finding("ROLLBACK_UNSIGNED", { message: `${f.path ?? ""}: ${f.message}`, path: f.path, hint: `on the branch: stackseal secret sign ${f.path ?? ""} --env ${d.name}` }));
}
const message = (t: Target, id: string, from: string | undefined, old: GitVersion, reason: unknown): string =>
  `Roll ${t.name} back to ${id.slice(0, 12)}\n\n${typeof reason === "string" && reason !== "" ? `${reason}\n\n` : ""}As of ${old.commit.slice(0, 12)}${from === undefined || from === id ? "" : `, instead of ${from.slice(0, 12)}`}: ${old.credentials.map((x) => `${x.path} ${x.claims.issueId}`).join(", ")}.\n`;
function render(context: Context, t: Target, id: string, steps: readonly Step[]): string {
  const p = painter(context.color);
  const word = { done: "done", already: "already so", todo: "to do", waits: "waits for git", none: "nothing to do", failed: "failed" } as const;
  return `${p.bold(`${t.name} back to ${id.slice(0, 12)}`)}\n${steps.map((s) => `    ${s.step.padEnd(6)} ${word[s.state].padEnd(14)} ${s.what}\n`).join("")}`;
}
const next = (env: string, branch: string, issues: GitVersion["credentials"]): string =>
  `\nNext:\n    git push origin ${branch}    and open its pull request\n${issues.map((x) => `    stackseal people approve-rollback ${x.claims.issueId} --env ${env} --reason …    on that branch, by another person than ${x.claims.sealedBy}\n`).join("")}`;
