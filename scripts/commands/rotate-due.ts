import { FindingError } from "../../lib/finding.ts";
import { due } from "../../rotation/due.ts";
import { readProject } from "../../stacks/read.ts";
import { defineCommand } from "../command.ts";
import { painter } from "../render/paint.ts";
import { knownEnvironments } from "./check.ts";

export default defineCommand({
  name: "rotate due",
  summary: "List what is overdue or due soon, from public claims: with its owner and how it is rotated",
  wants: "any",
  options: [{ flags: "--within <days>", description: "due within so many days, such as 30d", default: "30d" }],
  examples: ["stackseal rotate due --env prod", "stackseal rotate due --within 90d --json"],
  run: (context, _args, options) => {
    const within = /^(\d{1,4})d?$/.exec(String(options["within"]))?.[1];
    if (within === undefined) throw new FindingError({ code: "USAGE", severity: "error", message: `--within wants days such as 30d, not "${String(options["within"])}"` }, 2);
    knownEnvironments(context);
    const project = readProject(context.root, { only: context.envs, clock: context.clock });
    const list = due(project.environments, context.clock, Number(within));
    const p = painter(context.color);
    const width = (k: "environment" | "path" | "strategy"): number => Math.max(k.length, ...list.map((d) => d[k].length));
    const days = (n: number): string => `${n} day${n === 1 ? "" : "s"}`;
    const rows = list.map((d) => {
      const when = d.overdue ? p.red(`${d.dueAt}  ${days(-d.days)} late`) : d.days <= 0 ? p.yellow(`${d.dueAt}  today`) : `${d.dueAt}  in ${days(d.days)}`;
      return `${d.environment.padEnd(width("environment"))}  ${d.path.padEnd(width("path"))}  ${d.strategy.padEnd(width("strategy"))}  ${d.owner.padEnd(11)}  ${when}`;
    });
    const head = p.bold(`${"Env".padEnd(width("environment"))}  ${"Path".padEnd(width("path"))}  ${"How".padEnd(width("strategy"))}  Owner        Due`);
    const text = list.length ? [head, ...rows, "", `Next: stackseal rotate start ${list[0]?.path ?? ""} --env ${list[0]?.environment ?? ""} --reason scheduled`].join("\n") : `nothing is due within ${within} days`;
    // What can't be read at all is said; ages are what this list is about.
    const broken = project.findings.filter((f) => f.severity === "error");
    return Promise.resolve({ exit: broken.length || list.some((d) => d.overdue) ? 1 : 0, findings: broken, json: { due: list }, text });
  },
});
