import type { Finding } from "../../lib/finding.ts";
import { isoDate, type Clock } from "../../lib/clock.ts";
import { readProject } from "../../stacks/read.ts";
import { ownedFiles } from "../owners/derive.ts";
import { ownedPlaces, OWNERS_FILES, ownersNow, WORKFLOW_MARK, workflowsNow } from "../owners/files.ts";
import { ownerFindings, OWNERS_MARK } from "../owners/render.ts";
import { githubWorkflows } from "../workflows/github.ts";
import { gitlabPipeline } from "../workflows/gitlab.ts";
import { placesFor } from "../workflows/places.ts";
import { initCodes } from "./codes.ts";
import type { Declaration } from "./declarations.ts";
import type { Ledger } from "./ledger.ts";
import type { Plan } from "./plan.ts";

/** The workflows and CODEOWNERS of the code hosts that were chosen, of what is declared now; a file that is there stays. */
export function makeHostFiles(plan: Plan, clock: Clock, declarations: readonly Declaration[], ledger: Ledger): Finding[] {
  const what = "pinned, least permissions, OIDC only";
  if (ledger.dry) {
    const o = { own: false, places: placesFor(declarations.map((d) => ({ name: d.name, tier: d.tier, environment: { store: d.store }, payments: d.payments ?? null }))) };
    for (const [file, text] of Object.entries({ ...(plan.hosts.includes("github") && githubWorkflows(o)), ...(plan.hosts.includes("gitlab") && { ".gitlab-ci.yml": gitlabPipeline(o) }) })) ledger.file(file, text, what);
    for (const host of plan.hosts) ledger.file(OWNERS_FILES[host], "", "who reviews which file, from the access matrix");
    return [];
  }
  const project = readProject(plan.root, { clock });
  const kept: Finding[] = [];
  const write = (file: string, text: string, why: string, mark: string, hint: string): void => {
    const there = ledger.read(file);
    if (!ledger.file(file, text, why) && there?.startsWith(mark) === false) kept.push(initCodes.finding("INIT_KEPT_UNSEEN", { message: `${file} is yours and was kept`, at: { file, line: 1, column: 1 }, hint }));
  };
  for (const [file, text] of Object.entries(workflowsNow(project, false, plan.hosts))) write(file, text, what, WORKFLOW_MARK, `rename yours, then: stackseal workflows --write`);
  if (!project.people) return kept;
  for (const host of plan.hosts) write(OWNERS_FILES[host], ownersNow(project.people, project, clock.now()), "who reviews which file, from the access matrix", OWNERS_MARK, "add to it what this prints: stackseal access owners");
  return [...kept, ...ownerFindings(ownedFiles(project.people, ownedPlaces(project), isoDate(clock.now()))).filter((f) => f.code === "OWNER_NO_HANDLE")];
}
