import { writeAtomic } from "../../lib/atomic.ts";
import { FindingError, hasErrors } from "../../lib/finding.ts";
import { join } from "node:path";
import { defineCommand } from "../command.ts";
import { askExposure, exposureText } from "../exposure.ts";
import { painter, printable } from "../render/paint.ts";
import { knownEnvironments } from "./check.ts";

export default defineCommand({
  name: "people exposure",
  summary: "What the holder of a key could ever know, from the whole of git history, and what of it is still in force",
  wants: "any",
  options: [
    { flags: "--recipient <age1…>", description: "the public half of a stolen key; may be repeated", many: true },
    { flags: "--person <name>", description: "somebody who stands, or once stood, in people.yaml" },
    { flags: "--reason <reason>", description: "what the rotation commands say", choices: ["compromise", "departure"], default: "compromise" },
    { flags: "--write", description: "keep the list in stacks/exposures/, where check watches it" },
  ],
  examples: ["stackseal people exposure --recipient age1… --write", "stackseal people exposure --person deployer-prod --env prod --json"],
  run: async (context, _args, options) => {
    const recipients = (options["recipient"] as string[] | undefined) ?? [];
    const name = (options["person"] as string | undefined) ?? null;
    const usage = (message: string): FindingError => new FindingError({ code: "USAGE", severity: "error", message, hint: "stackseal people exposure --help" }, 2);
    if (recipients.length === 0 && name === null) throw usage("whose? give --recipient or --person");
    if (recipients.some((r) => r.startsWith("AGE-SECRET-KEY"))) throw usage("that is a secret key: give its public half, age1…, and never put a secret into an argument");
    if (recipients.some((r) => !/^age1[02-9ac-hj-np-z]{58}$/.test(r))) throw usage("a recipient is age1 and 58 more characters");
    if (context.envs.length) knownEnvironments(context);
    const { exposure, findings, commits, versions } = await askExposure(context, { name, recipients, reason: options["reason"] as "compromise" | "departure", by: "people exposure", only: context.envs });
    if (hasErrors(findings)) throw new FindingError(findings, 2);
    const kept = options["write"] === true ? exposureText(context.root, exposure) : null;
    if (kept) writeAtomic(join(context.root, kept.file), kept.text);
    const p = painter(context.color);
    const width = (k: "environment" | "path"): number => Math.max(4, ...exposure.lines.map((l) => l[k].length));
    const rows = exposure.lines.map((l) => `${(l.class === "payments" ? p.red : (t: string): string => t)(l.class.padEnd(8))}  ${(l.tier ?? "?").padEnd(11)}  ${l.environment.padEnd(width("environment"))}  ${printable(l.path).padEnd(width("path"))}  ${l.via.join(",").padEnd(9)}  due ${l.due}\n${" ".repeat(23)}${p.dim(l.rotate)}`);
    const text = [
      p.bold(`${exposure.subject}: ${exposure.lines.length} values in force must be issued anew; ${exposure.past.length} former ones were exposed too`), ...rows,
      ...exposure.also.backups.map((b) => `backups: ${b}`), ...exposure.also.dashboards.map((d) => `dashboards: ${printable(d)}`), ...exposure.also.refs.map((r) => `unmerged: ${printable(r)}`),
      `read ${commits} commits, ${versions} versions of files${kept ? `; wrote ${kept.file}` : ""}`,
    ].join("\n");
    return { exit: 0, findings, json: { exposure, commits, versions, written: kept ? [kept.file] : [] }, text };
  },
});
