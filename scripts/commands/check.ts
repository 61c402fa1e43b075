import { resolve } from "node:path";
import { writeOut } from "../../lib/atomic.ts";
import { documentCodes } from "../../lib/codes.ts";
import { FindingError, hasErrors, type Finding } from "../../lib/finding.ts";
import { Git } from "../../lib/git.ts";
import { nearest } from "../../lib/nearest.ts";
import { stackCodes } from "../../stacks/codes.ts";
import { environmentNames } from "../../stacks/read.ts";
import { judgeAgainstBase } from "../check-base.ts";
import { judgeWorkDir } from "../check-work-dir.ts";
import { defineCommand, type Context } from "../command.ts";
import { judgeProject } from "../judged.ts";
import { painter } from "../render/paint.ts";

/** Throws FindingError (exit 2) where `--env` names an environment that isn't declared. */
export function knownEnvironments(context: Context): string[] {
  const names = environmentNames(context.root);
  const unknown = context.envs.filter((e) => !names.includes(e));
  if (unknown.length) throw new FindingError(unknown.map((e): Finding => {
    const near = nearest(e, names);
    return stackCodes.finding("ENVIRONMENT_UNKNOWN", { message: `no environment "${e}" here`, hint: near !== null ? `did you mean ${near}?` : `there are: ${names.join(", ") || "none"}` });
  }), 2);
  return context.envs.length ? [...context.envs] : names;
}

export default defineCommand({
  name: "check",
  summary: "Judge everything that can be judged without a key",
  wants: "any",
  examples: ["stackseal check", "stackseal check --env prod --json", "stackseal check --base origin/main", "stackseal check --note"],
  options: [
    { flags: "--staged", description: "only the sealed files that the next commit would change, as the index holds them; for a pre-commit hook" },
    { flags: "--note", description: "record the policies' verdict on HEAD as a git note, for the audit log; push refs/notes/stackseal" },
    { flags: "--save-verdict <file>", description: "write that verdict into a file, for whoever may note it: git notes --ref stackseal add -F FILE" },
    { flags: "--base <ref>", description: "the protected commit whose people vouch for writers; otherwise the merge base with main" },
  ],
  run: async (context, _args, options) => {
    if (options["staged"] === true) return import("../check-staged.ts").then((m) => m.checkStaged(context));
    knownEnvironments(context);
    const saved = options["saveVerdict"] as string | undefined;
    const base = (options["base"] as string | undefined) ?? null;
    const judged = judgeProject(context, base);
    const { project } = judged;
    const against = await judgeAgainstBase(context, project, base);
    // What is said of a signature against this very base isn't said again as the rule's violation.
    const said = new Set(against.findings.filter((f) => f.code === "PEOPLE_UNSIGNED").map((f) => f.at?.file));
    const findings = [...judged.findings().filter((f) => !(f.code.startsWith("POLICY_") && f.message.startsWith("people-signed: ") && said.has(f.at?.file))), ...against.findings, ...judgeWorkDir(context)];
    const noted = options["note"] === true || saved !== undefined ? note(context, findings, options["note"] === true, saved) : "";
    const p = painter(context.color);
    const environments = project.environments.map((e) => {
      const own = findings.filter((f) => f.at?.file.startsWith(`stacks/${e.name}/`) === true || (e.name === "local" && f.at?.file.startsWith(".stackseal/") === true));
      const count = (s: string): number => own.filter((f) => f.severity === s).length;
      return { name: e.name, tier: e.tier, credentials: e.credentials.length, errors: count("error"), warnings: count("warning") };
    });
    const width = Math.max(0, ...environments.map((e) => e.name.length));
    const text = environments.map((e) => `${e.errors ? p.red("✗") : p.green("✓")} ${e.name.padEnd(width)}  ${e.tier}, ${e.credentials} credentials${e.errors ? `, ${e.errors} errors` : ""}${e.warnings ? `, ${e.warnings} warnings` : ""}\n`).join("");
    const unusable = findings.some((f) => f.code === "PROJECT_EMPTY");
    return { exit: unusable ? 2 : hasErrors(findings) ? 1 : 0, findings, json: { environments, base: against.base, note: against.note }, text: `${text}${p.dim(against.note)}\n${noted}` };
  },
});
/** Writes the verdict where `audit log` and evidence bundles find it, or into a file. Throws FindingError (exit 2) where what was judged isn't HEAD. */
function note(context: Context, findings: readonly Finding[], here: boolean, file: string | undefined): string {
  const git = new Git(context.root, context.env);
  const refuse = (message: string, hint: string): FindingError => new FindingError(documentCodes.finding("GIT_FAILED", { message, hint }), 2);
  if (context.envs.length > 0) throw refuse("a verdict is on all environments", "stackseal check --note");
  if (git.text(["status", "--porcelain", "--", "stacks", "policies", "schemas/access.ts"]) !== "") throw refuse("what was judged isn't what is committed: no verdict on HEAD can be recorded", "commit first");
  const errors = findings.filter((f) => f.severity === "error");
  const rules = [...new Set(errors.map((f) => (f.code === "POLICY_VIOLATION" ? (f.message.split(":")[0] ?? f.code) : f.code)))].sort();
  const verdict = `policies: ${rules.length === 0 ? "held" : `${errors.length} violated (${rules.join(", ")})`}`;
  const head = git.text(["rev-parse", "--short=12", "HEAD"]) ?? "HEAD";
  if (file !== undefined) writeOut(resolve(context.root, file), `${verdict}\n`);
  if (!here) return `${file ?? ""}: the verdict on ${head}: ${verdict}\n`;
  if (git.try(["notes", "--ref", "stackseal", "add", "-f", "-m", verdict, "HEAD"]) === null) throw refuse("the note can't be written", "git needs a name for its author: git config user.name");
  return `noted on ${head}: ${verdict}\n`;
}
