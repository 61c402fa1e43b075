import type { Place } from "../../seal/sops-config.ts";
import { githubWorkflows } from "../workflows/github.ts";
import { gitlabPipeline } from "../workflows/gitlab.ts";
import type { Ledger } from "./ledger.ts";
import type { Plan } from "./plan.ts";

/** The workflows of the code hosts that were chosen; a file that is there stays. */
export function makeWorkflows(plan: Plan, places: readonly Place[], ledger: Ledger): void {
  const options = { own: false, places };
  if (plan.hosts.includes("github")) for (const [file, text] of Object.entries(githubWorkflows(options))) ledger.file(file, text, "pinned, least permissions, OIDC only");
  if (plan.hosts.includes("gitlab")) ledger.file(".gitlab-ci.yml", gitlabPipeline(options), "the same jobs for GitLab");
}
