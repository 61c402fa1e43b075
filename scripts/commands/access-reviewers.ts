import { isoDate } from "../../lib/clock.ts";
import { deploymentEnvironment } from "../../schemas/iam/trust.ts";
import { readPeople } from "../../seal/deploy.ts";
import { readProject } from "../../stacks/read.ts";
import { defineCommand } from "../command.ts";
import { reviewedEnvironments } from "../owners/derive.ts";
import { ownedPlaces } from "../owners/files.ts";
import { reviewerFindings, reviewersCommands, reviewersMarkdown, reviewersText } from "../owners/render.ts";
import { knownEnvironments } from "./check.ts";

export default defineCommand({
  name: "access reviewers",
  summary: "Who releases which deployment, from the access matrix and people.yaml; as the code host's own commands too",
  wants: "any",
  options: [{ flags: "--format <format>", description: "a table, Markdown, or commands of GitHub's gh for who administers the repository", choices: ["text", "markdown", "gh"], default: "text" }],
  examples: ["stackseal access reviewers", "stackseal access reviewers --format gh > reviewers.sh", "stackseal access reviewers --env prod --json"],
  run: (context, _args, options) => {
    const names = knownEnvironments(context);
    const project = readProject(context.root, { only: names, clock: context.clock });
    const places = ownedPlaces(project);
    const list = reviewedEnvironments(readPeople(context.root, ""), places, isoDate(context.clock.now()));
    const watching = places.flatMap((p) => (["auditor", "rotator"] as const).map((role) => deploymentEnvironment(p.name, role)));
    const repository = project.environments.map((d) => d.environment.deployment?.repository).find((r) => r !== undefined) ?? "{owner}/{repo}";
    const format = options["format"];
    return Promise.resolve({
      exit: 0, findings: reviewerFindings(list), json: { environments: list.map((e) => ({ ...e, reviewers: e.reviewers.map((r) => ({ ...r, handle: r.handle ?? null })) })), watching },
      text: format === "gh" ? reviewersCommands(list, watching, repository) : format === "markdown" ? reviewersMarkdown(list) : reviewersText(list),
    });
  },
});
