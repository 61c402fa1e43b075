import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { writeOut } from "../../lib/atomic.ts";
import { readProject } from "../../stacks/read.ts";
import { defineCommand } from "../command.ts";
import { bookHtml } from "../render/book-html.ts";
import { configurationBook } from "../render/book.ts";
import { knownEnvironments } from "./check.ts";

export default defineCommand({
  name: "docs",
  summary: "Write the configuration book: every integration, environment, URL, webhook, variable, owner, rotation rule and runbook",
  wants: "any",
  options: [
    { flags: "--out <file>", description: "write it there; .html makes one page (without it the Markdown is printed)" },
    { flags: "--check", description: "say whether the file given by --out is up to date; write nothing" },
  ],
  examples: ["stackseal docs --out docs/configuration.md", "stackseal docs --env prod --out prod.html", "stackseal docs --out docs/configuration.md --check"],
  run: (context, _args, options) => {
    const names = knownEnvironments(context);
    const project = readProject(context.root, { only: context.envs, clock: context.clock });
    // A book without one of them would look as if there were none.
    if (names.some((n) => !project.environments.some((e) => e.name === n))) return Promise.resolve({ exit: 2, findings: project.findings });
    const markdown = configurationBook(project.environments);
    const out = options["out"];
    const json = { environments: project.environments.map((e) => e.name) };
    if (typeof out !== "string") return Promise.resolve({ exit: 0, json: { ...json, markdown }, text: markdown });
    const text = /\.html?$/i.test(out) ? bookHtml(markdown) : markdown;
    const file = resolve(context.root, out);
    const current = existsSync(file) && readFileSync(file, "utf8") === text;
    if (options["check"] === true) return Promise.resolve(current ? { exit: 0, json: { ...json, file: out, current }, text: `${out} is up to date\n` } : { exit: 1, json: { ...json, file: out, current }, findings: [{ code: "DOCS_STALE", severity: "error" as const, message: `${out} doesn't say what is declared now`, at: { file: out, line: 1, column: 1 }, hint: `stackseal docs --out ${out}` }] });
    if (!current) writeOut(file, text);
    return Promise.resolve({ exit: 0, json: { ...json, file: out, current: true }, text: current ? `${out} was up to date\n` : `wrote ${out}\n` });
  },
});
