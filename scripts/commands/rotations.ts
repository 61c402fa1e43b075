import { FindingError, type Finding } from "../../lib/finding.ts";
import { LOCAL, LOCAL_PEOPLE_FILE } from "../../schemas/layout.ts";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readProject } from "../../stacks/read.ts";
import { defineCommand } from "../command.ts";
import { renderRotations } from "../render/rotations.ts";
import { knownEnvironments } from "./check.ts";

export default defineCommand({
  name: "rotations",
  summary: "Every rotation, for an audit: dates, reason, actor, overlap, verdicts; its record's chain verified; gaps against the schedule",
  wants: "any",
  options: [{ flags: "--format <format>", description: "text or csv", choices: ["text", "csv"], default: "text" }, { flags: "--open", description: "only those that aren't closed" }],
  examples: ["stackseal rotations --env prod", "stackseal rotations --format csv > rotations.csv", "stackseal rotations --json"],
  run: async (context, _args, options) => {
    const names = knownEnvironments(context);
    const project = readProject(context.root, { only: names, clock: context.clock });
    const [{ readRecords }, { compromises, csv, gaps, reported }, { signersOf }] = await Promise.all([import("../../rotation/record.ts"), import("../../rotation/report.ts"), import("../rotation-signers.ts")]);
    const findings: Finding[] = [];
    const all = [];
    for (const name of names) {
      const d = project.environments.find((e) => e.name === name);
      const { records, findings: wrong } = readRecords(context.root, name, !d || (name === LOCAL && !existsSync(join(context.root, LOCAL_PEOPLE_FILE))) ? null : signersOf(context, name, d.tier));
      findings.push(...wrong);
      all.push(...records.map((k) => reported(k.record)));
      if (d) findings.push(...gaps(d, records, context.clock));
    }
    const list = options["open"] === true ? all.filter((r) => r.state === "open") : all;
    const broken = findings.some((f) => f.severity === "error");
    if (options["format"] === "csv" && context.json) throw new FindingError({ code: "USAGE", severity: "error", message: "--json and --format csv are two documents: take one" }, 2);
    const reports = compromises(all);
    const shown = renderRotations(context, names.join(", "), list.map((r) => ({ ...r, waiting: null })), reports);
    return { exit: broken ? 1 : 0, findings, json: { ...shown.json, compromises: reports, gaps: findings.filter((f) => f.code === "ROTATION_GAP").length }, text: options["format"] === "csv" ? csv(list, reports) : list.length || reports.length ? shown.text : "no rotation is recorded" };
  },
});
