import type { Finding } from "../../lib/finding.ts";
import { isoDate, type Clock } from "../../lib/clock.ts";
import { readProject } from "../../stacks/read.ts";
import { ownedFiles } from "../owners/derive.ts";
import { ownedPlaces, OWNERS_FILES, ownersNow, workflowsNow } from "../owners/files.ts";
import { ownerFindings } from "../owners/render.ts";
import { githubWorkflows } from "../workflows/github.ts";
import { gitlabPipeline } from "../workflows/gitlab.ts";
import { placesFor } from "../workflows/places.ts";
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
  for (const [file, text] of Object.entries(workflowsNow(project, false, plan.hosts))) ledger.file(file, text, what);
  if (!project.people) return [];
  for (const host of plan.hosts) ledger.file(OWNERS_FILES[host], ownersNow(project.people, project, clock.now()), "who reviews which file, from the access matrix");
  return ownerFindings(ownedFiles(project.people, ownedPlaces(project), isoDate(clock.now()))).filter((f) => f.code === "OWNER_NO_HANDLE");
}
