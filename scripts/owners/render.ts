import { defineCodes, type Finding } from "../../lib/finding.ts";
import { PEOPLE_FILE } from "../../schemas/layout.ts";
import type { OwnedFile, ReviewedEnvironment, Reviewer } from "./derive.ts";

export const ownerCodes = defineCodes({
  OWNER_NO_HANDLE: { severity: "warning", title: "Somebody who must review has no name on the code host" },
  OWNERS_NOBODY: { severity: "warning", title: "Nobody with a name on the code host may review a file or a deployment" },
  OWNERS_STALE: { severity: "warning", title: "CODEOWNERS isn't what people.yaml and the access matrix say" },
  WORKFLOWS_STALE: { severity: "warning", title: "A generated workflow isn't what the declared environments ask for" },
  REVIEWERS_TOO_MANY: { severity: "warning", title: "More reviewers than the code host takes" },
});
/** A login, or ORGANISATION/TEAM: what can stand in CODEOWNERS and in a command without meaning anything else. */
const HANDLE = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62})(?:\/[A-Za-z0-9][A-Za-z0-9._-]{0,62})?$/;
export const usable = (r: Reviewer): boolean => r.handle !== undefined && HANDLE.test(r.handle);
export const OWNERS_MARK = "# Generated from stacks/people.yaml and the access matrix: stackseal access owners --write";

export function codeOwners(files: readonly OwnedFile[]): string {
  const width = Math.max(...files.map((f) => f.pattern.length));
  const line = (f: OwnedFile): string => {
    const owners = f.owners.filter(usable).map((o) => `@${o.handle ?? ""}`);
    // A pattern without an owner would mean that nobody needs to look.
    return owners.length ? `${f.pattern.padEnd(width)} ${owners.join(" ")}` : `# ${f.pattern}: nobody who may change it has a handle`;
  };
  return `${OWNERS_MARK}\n# The last line that matches a file counts. Ask for code owners' review in the protection of the main branch.\n${files.map(line).join("\n")}\n`;
}
/** What of people.yaml keeps the host from knowing who must look. */
export function ownerFindings(files: readonly OwnedFile[]): Finding[] {
  const all = new Map(files.flatMap((f) => f.owners).map((o) => [o.name, o]));
  const at = { file: PEOPLE_FILE, line: 1, column: 1 };
  return [
    ...[...all.values()].filter((o) => !usable(o)).map((o) => ownerCodes.finding("OWNER_NO_HANDLE", { message: `${o.name} (${o.role}) has ${o.handle === undefined ? "no handle" : "a handle that no code host has"}: the code host can't ask them to review`, at, path: o.name, hint: `stackseal people change ${o.name} --handle NAME` })),
    ...files.filter((f) => !f.owners.some(usable)).map((f) => ownerCodes.finding("OWNERS_NOBODY", { message: `nobody who may change ${f.pattern} has a handle: it needs no review there`, at, path: f.pattern, hint: "stackseal people change NAME --handle NAME" })),
  ];
}
/** GitHub takes six reviewers an environment. */
const MOST = 6;
export function reviewersText(list: readonly ReviewedEnvironment[]): string {
  const width = Math.max(11, ...list.map((e) => e.name.length));
  const who = (e: ReviewedEnvironment): string => e.reviewers.map((r) => `${r.name} (${r.role}${r.handle === undefined ? ", no handle" : `, @${r.handle}`})`).join(", ") || "nobody";
  return `${"Environment".padEnd(width)}  Released by\n${list.map((e) => `${e.name.padEnd(width)}  ${who(e)}\n`).join("")}`;
}
export const reviewersMarkdown = (list: readonly ReviewedEnvironment[]): string =>
  `| environment | tier | class | released by |\n|---|---|---|---|\n${list.map((e) => `| \`${e.name}\` | ${e.tier} | ${e.class} | ${e.reviewers.map((r) => `${r.name} (${r.role})`).join(", ") || "nobody"} |\n`).join("")}`;
/** Commands of GitHub's own CLI, for a person who administers the repository; the watching environments get no reviewer and the main branch alone. */
export function reviewersCommands(list: readonly ReviewedEnvironment[], watching: readonly string[], repository: string): string {
  const put = (name: string, reviewers: readonly Reviewer[]): string => {
    const each = reviewers.filter(usable).slice(0, MOST).map((r) => {
      const [org = "", team] = (r.handle ?? "").split("/");
      return team === undefined ? `{"type":"User","id":$(gh api "users/${org}" --jq .id)}` : `{"type":"Team","id":$(gh api "orgs/${org}/teams/${team}" --jq .id)}`;
    });
    return `gh api --method PUT "repos/${repository}/environments/${name}" --input - <<JSON\n{"wait_timer":0,"prevent_self_review":${String(each.length > 1)},"reviewers":[${each.join(",")}],"deployment_branch_policy":{"protected_branches":true,"custom_branch_policies":false}}\nJSON\n`;
  };
  return `set -eu\n${list.map((e) => put(e.name, e.reviewers)).join("")}${watching.map((n) => put(n, [])).join("")}`;
}
export const reviewerFindings = (list: readonly ReviewedEnvironment[]): Finding[] => list.flatMap((e) => {
  const n = e.reviewers.filter(usable).length;
  if (n === 0) return [ownerCodes.finding("OWNERS_NOBODY", { message: `nobody with a handle may release ${e.name}`, path: e.name, hint: "stackseal people change NAME --handle NAME" })];
  return n > MOST ? [ownerCodes.finding("REVIEWERS_TOO_MANY", { message: `${n} people may release ${e.name}; GitHub takes ${MOST}: the first ${MOST} are named`, path: e.name, hint: "name a team of the code host as their handle: ORGANISATION/TEAM" })] : [];
});
