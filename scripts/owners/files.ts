import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isoDate } from "../../lib/clock.ts";
import { hasErrors, type Finding } from "../../lib/finding.ts";
import type { People } from "../../schemas/people.ts";
import type { Project } from "../../stacks/read.ts";
import { githubWorkflows } from "../workflows/github.ts";
import { gitlabPipeline } from "../workflows/gitlab.ts";
import { placesFor } from "../workflows/places.ts";
import { ownedFiles, type OwnedPlace } from "./derive.ts";
import { codeOwners, ownerCodes, OWNERS_MARK } from "./render.ts";

export const OWNERS_FILES = { github: ".github/CODEOWNERS", gitlab: ".gitlab/CODEOWNERS" } as const;
export const WORKFLOW_MARK = "# Generated from the table of workflows";
const read = (root: string, file: string): string | null => (existsSync(join(root, file)) ? readFileSync(join(root, file), "utf8") : null);

export const ownedPlaces = (project: Pick<Project, "environments">): OwnedPlace[] => project.environments.filter((d) => d.tier !== "local").map((d) => ({ name: d.name, tier: d.tier }));
/** CODEOWNERS as it should be on that day. */
export const ownersNow = (people: People, project: Pick<Project, "environments">, now: Date): string => codeOwners(ownedFiles(people, ownedPlaces(project), isoDate(now)));
/** Every generated file of the hosts' own folders as it should be. `own`: stackseal's own repository. */
export function workflowsNow(project: Pick<Project, "environments">, own: boolean, hosts: readonly ("github" | "gitlab")[]): Record<string, string> {
  const o = { own, places: placesFor(project.environments) };
  return { ...(hosts.includes("github") && githubWorkflows(o)), ...(hosts.includes("gitlab") && { ".gitlab-ci.yml": gitlabPipeline(o) }) };
}
/** Whether the project is stackseal's own repository, which builds what it runs. */
export const isOwn = (root: string): boolean => /"name":\s*"stackseal"/.test(read(root, "package.json") ?? "") && existsSync(join(root, "scripts/cli.ts"));
export const hostsHere = (root: string): ("github" | "gitlab")[] => [...(existsSync(join(root, ".github/workflows")) ? ["github" as const] : []), ...(existsSync(join(root, ".gitlab-ci.yml")) ? ["gitlab" as const] : [])];

/** Says which generated files of the code host aren't what is declared now. A file without our first line is somebody's own, and so is one that isn't there. */
export function judgeHostFiles(root: string, project: Project, now: Date): Finding[] {
  const out: Finding[] = [];
  // What can't be read would be taken for what isn't declared any more.
  if (hasErrors(project.findings)) return out;
  const { people } = project;
  for (const file of Object.values(OWNERS_FILES)) {
    const text = read(root, file);
    if (text?.startsWith(OWNERS_MARK) === true && people && text !== ownersNow(people, project, now)) out.push(ownerCodes.finding("OWNERS_STALE", { message: `${file} names others than may change these files now`, at: { file, line: 1, column: 1 }, hint: "stackseal access owners --write" }));
  }
  const wanted = workflowsNow(project, isOwn(root), hostsHere(root));
  for (const [file, text] of Object.entries(wanted)) {
    const there = read(root, file);
    if (there !== null && there.startsWith(WORKFLOW_MARK) && there !== text) out.push(ownerCodes.finding("WORKFLOWS_STALE", { message: `${file} isn't what the declared environments ask for`, at: { file, line: 1, column: 1 }, hint: "stackseal workflows --write" }));
  }
  return out;
}
