import { FindingError } from "../../lib/finding.ts";
import { readProject, type Declared } from "../../stacks/read.ts";
import type { Context } from "../command.ts";
import { knownEnvironments } from "../commands/check.ts";

/** The one environment of a command as it is declared, whatever is wrong with what is sealed there. Throws FindingError where the declaration can't be read. */
export function declarationOf(context: Context): Declared {
  const [name = ""] = knownEnvironments(context);
  const project = readProject(context.root, { only: [name], clock: context.clock });
  const [d] = project.environments;
  if (!d) throw new FindingError(project.findings, 2);
  return d;
}
