import { systemClock } from "../lib/clock.ts";
import { ownersNow, OWNERS_FILES, workflowsNow } from "../scripts/owners/files.ts";
import { readProject } from "../stacks/read.ts";

/** This repository's own files of the code hosts, of its example environments and people, file → text. */
export function ownHostFiles(root: string): Record<string, string> {
  const project = readProject(root, { clock: systemClock });
  return { ...workflowsNow(project, true, ["github", "gitlab"]), ...(project.people && { [OWNERS_FILES.github]: ownersNow(project.people, project, systemClock.now()) }) };
}
