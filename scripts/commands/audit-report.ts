import { resolve } from "node:path";
import { writeOut } from "../../lib/atomic.ts";
import { FindingError } from "../../lib/finding.ts";
import { LOCAL } from "../../schemas/layout.ts";
import { defineCommand } from "../command.ts";
import { daysOption } from "../day.ts";
import { deploymentsGiven, DEPLOYMENT_OPTIONS } from "../evidence.ts";
import { knownEnvironments } from "./check.ts";

export default defineCommand({
  name: "audit report",
  summary: "One self-contained page for an auditor: changes, credentials by due date, access, rotations, exceptions, exposures",
  wants: "any",
  options: [
    { flags: "--out <file>", description: "the HTML file to write; without it the page is printed" },
    { flags: "--since <date>", description: "changes, rotations and access not before this day" }, { flags: "--until <date>", description: "not after this day" },
    ...DEPLOYMENT_OPTIONS,
  ],
  examples: ["stackseal audit report --out report.html", "stackseal audit report --env prod --since 2026-10-01 --until 2026-12-31 --out q4.html"],
  run: async (context, _args, options) => {
    const out = options["out"];
    if (context.json && typeof out !== "string") throw new FindingError({ code: "USAGE", severity: "error", message: "--json and the page are two documents", hint: "stackseal audit report --out report.html --json" }, 2);
    const period = { environments: context.envs.length ? knownEnvironments(context) : knownEnvironments(context).filter((e) => e !== LOCAL), ...daysOption(options) };
    const [{ gather }, { reportData }, { reportPage }] = await Promise.all([import("../report/gather.ts"), import("../report/data.ts"), import("../report/page.ts")]);
    const { material, findings } = await gather(context, period, deploymentsGiven(options));
    const data = reportData(material);
    const page = reportPage(data);
    const exit = findings.some((f) => f.severity === "error") ? 1 : 0;
    if (typeof out !== "string") {
      context.out(page);
      return { exit, findings };
    }
    writeOut(resolve(context.root, out), page);
    const counts = Object.fromEntries(Object.entries(data).flatMap(([k, v]) => (Array.isArray(v) ? [[k, v.length]] : [])));
    return {
      exit, findings, json: { file: out, head: material.head, bytes: Buffer.byteLength(page), counts },
      text: `wrote ${out}: ${counts["changes"] ?? 0} changes, ${counts["credentials"] ?? 0} credentials, ${counts["rotations"] ?? 0} rotations; open it in a browser, it needs no network\n`,
    };
  },
});
