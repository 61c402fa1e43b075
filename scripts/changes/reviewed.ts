import { digestsOf, planDifferences, type Plan, type PlanEnvironment } from "../../engine/plan.ts";
import type { Git } from "../../lib/git.ts";
import { PEOPLE_FILE } from "../../schemas/layout.ts";
import type { Context } from "../command.ts";
import { gitOf, readBase, treeOf } from "./base.ts";
import { isMerged } from "./program.ts";

// What a person looked at, by its commit, against the plan that is to be deployed.

/** The host whose token the environment has, and no other, is told it; by a helper, so that it stands in no argument. */
const helper = (server: string): string[] => ["-c", `credential.${server}.helper=`, "-c", `credential.${server}.helper=!f() { test "$1" = get && echo username=x-access-token && echo "password=\${GITHUB_TOKEN:-$GH_TOKEN}"; }; f`];
/** Whether the commit is here; brought from origin where it isn't: of a request that was squashed or rebased, or came from a fork, main has other commits than were reviewed. */
function have(context: Context, git: Git, commit: string): boolean {
  const known = (): boolean => git.text(["rev-parse", "--verify", "--quiet", "--end-of-options", `${commit}^{commit}`]) !== null;
  if (known()) return true;
  if (!/^[0-9a-f]{40,64}$/.test(commit)) return false;
  git.try([...helper((context.env["GITHUB_SERVER_URL"] ?? "https://github.com").replace(/\/$/, "")), "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "origin", commit]);
  return known();
}
/** In words, what this environment of the plan has otherwise than that commit declares; none where they are the same. */
export async function sinceReviewed(context: Context, commit: string, env: PlanEnvironment, tools: Plan["toolchain"]): Promise<string[]> {
  const git = gitOf(context), short = commit.slice(0, 12);
  if (!have(context, git, commit)) return [`${short} isn't in this clone, and origin doesn't give it: git fetch origin ${short}`];
  const tree = treeOf(git, commit);
  if (tree === null || !isMerged(git, commit, tree)) return [`${short} has a program that was never merged, and isn't run here: what is merged wants a review of its own, or stackseal approve PLAN`];
  const there = (await readBase(context, git, { ref: commit, commit }))?.environments.find((e) => e.name === env.name);
  if (!there) return [`${short} declares no ${env.name} that can be read`];
  const reviewed: PlanEnvironment = { ...env, resources: digestsOf(there.graph ?? []), issues: Object.fromEntries(there.credentials.map((c) => [c.path, c.claims.issueId])) };
  const access = git.try(["diff", "--quiet", "--no-ext-diff", commit, "--", PEOPLE_FILE, "schemas/access.ts"]) === null;
  return [...planDifferences(reviewed, env, { approved: tools, now: tools }), ...(access ? ["people.yaml or the access matrix is another one"] : [])];
}
/** A few of them, on one line. */
export const inShort = (differences: readonly string[]): string => `${differences.slice(0, 3).join("; ")}${differences.length > 3 ? `; and ${differences.length - 3} more` : ""}`;
