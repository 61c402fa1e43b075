import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeAtomic } from "../../lib/atomic.ts";
import type { Finding } from "../../lib/finding.ts";
import { HOSTS, type Host } from "../../schemas/init.ts";
import { readProject } from "../../stacks/read.ts";
import { defineCommand } from "../command.ts";
import { hostsHere, isOwn, WORKFLOW_MARK, workflowsNow } from "../owners/files.ts";
import { ownerCodes } from "../owners/render.ts";

export default defineCommand({
  name: "workflows",
  summary: "The code host's workflows, from one table and the declared environments; says which are stale, or writes them",
  wants: "none",
  options: [
    { flags: "--write", description: "write them; a file of one's own, without our first line, is kept" },
    { flags: "--host <host>", description: "whose; those that are here already where absent; may be repeated", choices: HOSTS, many: true },
  ],
  examples: ["stackseal workflows", "stackseal workflows --write", "stackseal workflows --write --host gitlab"],
  run: (context, _args, options) => {
    const project = readProject(context.root, { clock: context.clock });
    const broken = project.findings.filter((f) => f.severity === "error" && f.code !== "PROJECT_EMPTY");
    if (broken.length) return Promise.resolve({ exit: 1, findings: broken });
    const asked = (options["host"] as Host[] | undefined) ?? hostsHere(context.root);
    const wanted = workflowsNow(project, isOwn(context.root), asked.length ? asked : ["github"]);
    const files: { file: string; did: "up to date" | "written" | "stale" | "missing" | "kept" }[] = [];
    const findings: Finding[] = [];
    for (const [file, text] of Object.entries(wanted)) {
      const path = join(context.root, file);
      const there = existsSync(path) ? readFileSync(path, "utf8") : null;
      const mine = there !== null && !there.startsWith(WORKFLOW_MARK);
      const did = there === text ? "up to date" : mine ? "kept" : options["write"] === true ? "written" : there === null ? "missing" : "stale";
      if (did === "written") writeAtomic(path, text);
      if (did === "kept") findings.push(ownerCodes.finding("WORKFLOWS_STALE", { message: `${file} is yours: it was kept`, at: { file, line: 1, column: 1 } }));
      if (did === "stale" || did === "missing") findings.push(ownerCodes.finding("WORKFLOWS_STALE", { severity: "error", message: `${file} is ${did}`, at: { file, line: 1, column: 1 }, hint: "stackseal workflows --write" }));
      files.push({ file, did });
    }
    const width = Math.max(...files.map((f) => f.file.length));
    return Promise.resolve({ exit: findings.some((f) => f.severity === "error") ? 1 : 0, findings, json: { files }, text: files.map((f) => `${f.file.padEnd(width)}  ${f.did}\n`).join("") });
  },
});
