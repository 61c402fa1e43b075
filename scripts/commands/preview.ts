import { closeSync, openSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { writeOut } from "../../lib/atomic.ts";
import { FindingError, sortFindings, type CodeTable } from "../../lib/finding.ts";
import { engineCodes } from "../../engine/codes.ts";
import type { Engine, EngineEvent } from "../../engine/index.ts";
import { policyCodes } from "../../policies/codes.ts";
import { annotationsOf } from "../../scan/annotations.ts";
import { sarifOf } from "../../scan/sarif.ts";
import { againstJson, describeAgainst } from "../changes/against.ts";
import { findBase, gitOf } from "../changes/base.ts";
import { changeCodes } from "../changes/codes.ts";
import { commentData } from "../changes/comment-data.ts";
import { concernedBy, jobsFor } from "../changes/concerned.ts";
import { planOfPreview, previewAll, renderAccess, type Preview } from "../changes/preview-all.ts";
import type { PreviewFlags } from "../changes/previewed.ts";
import { defineCommand, type Context } from "../command.ts";
import { RUN_OPTIONS, runOptions } from "../deploy.ts";
import { pulumiCli } from "../engine-choice.ts";
import { renderComment } from "../render/comment.ts";
import { renderExceptions } from "../render/exceptions.ts";
import { environmentNames } from "../../stacks/read.ts";
import { ENVIRONMENT_NAME, environmentFile } from "../../schemas/layout.ts";
import { printable } from "../render/paint.ts";
import { knownEnvironments } from "./check.ts";

/** `--changed REF`: which environments, and why. Throws FindingError BASE_UNKNOWN. */
function changedSince(context: Context, ref: string): { readonly names: string[]; readonly removed: string[]; readonly why: Readonly<Record<string, string>> } {
  const git = gitOf(context);
  const found = findBase(git, ref);
  const concerned = typeof found === "string" ? null : concernedBy(context.root, git, found.commit);
  if (!concerned) throw new FindingError(changeCodes.finding("BASE_UNKNOWN", { message: `git can't tell what changed since ${ref}` }), 2);
  const asked = (n: string): boolean => context.envs.length === 0 || context.envs.includes(n);
  return { ...concerned, names: concerned.names.filter(asked), removed: concerned.removed.filter(asked) };
}
/** Throws ENVIRONMENT_UNKNOWN for a name that nothing declares: neither the work tree nor, where one is named, the base. */
function mayBeNamed(context: Context, ref: string | undefined): void {
  const here = new Set(environmentNames(context.root));
  const git = gitOf(context), gone = context.envs.filter((e) => ENVIRONMENT_NAME.test(e) && !here.has(e));
  const base = gone.length && ref !== undefined ? findBase(git, ref) : "";
  const there = typeof base === "string" ? [] : git.files(base.commit, gone.map(environmentFile));
  const removed = new Set(gone.filter((_e, i) => there[i] !== undefined && there[i] !== null));
  knownEnvironments({ ...context, envs: context.envs.filter((e) => !removed.has(e)) });
}

/** The CLI as the previewing engine. What is saved or compared otherwise is the key-less preview's. */
async function theCli(context: Context, options: Readonly<Record<string, unknown>>): Promise<Engine> {
  const other = [["base", "--base"], ["state", "--state"], ["savePlan", "--save-plan"], ["saveComment", "--save-comment"], ["changed", "--changed"]].filter(([k = ""]) => options[k] !== undefined).map(([, flag = ""]) => flag);
  if (other.length) throw new FindingError({ code: "USAGE", severity: "error", message: `${other.join(", ")} and --engine pulumi don't go together: the CLI compares with its own state`, hint: "leave --engine out" }, 2);
  return pulumiCli(context);
}

export default defineCommand({
  name: "preview",
  summary: "Show what would change, under the policies, without a key",
  wants: "any",
  options: [
    { flags: "--base <ref>", description: "compare with this commit; otherwise with the merge base with the main branch" },
    { flags: "--state <file>", description: "compare with what is deployed: an export of the stack, may be repeated", many: true },
    { flags: "--format <format>", description: "a picture, the comment for a pull request, annotations on its lines, or SARIF", choices: ["text", "markdown", "github", "sarif"], default: "text" },
    { flags: "--save-plan <file>", description: "write digests of what is to be and of what is done to get there, never a value" },
    { flags: "--save-comment <file>", description: "write what the comment on a pull request is made of, for stackseal comment" },
    { flags: "--changed <ref>", description: "only the environments that the changes since this commit concern" },
    { flags: "--engine <engine>", description: "auto and embedded preview without a key; pulumi asks the CLI on PATH, with its backend and its keys, what it would do", choices: ["auto", "embedded", "pulumi"], default: "auto" },
    ...RUN_OPTIONS.filter((o) => !o.flags.startsWith("--diff")),
    { flags: "--matrix", description: "with --changed: print a job for each of them, as a code host's matrix takes it, and preview nothing" },
  ],
  examples: ["stackseal preview", "stackseal preview --base main --env dev", "stackseal preview --env dev --state dev.json --json", "stackseal preview --format markdown --save-plan plan.json", "stackseal preview --changed origin/main --matrix"],
  run: async (context, _args, options) => {
    mayBeNamed(context, (options["base"] ?? options["changed"]) as string | undefined);
    const changed = options["changed"] === undefined ? null : changedSince(context, options["changed"] as string);
    if (options["matrix"] === true) {
      const include = jobsFor(context.root, changed?.names ?? knownEnvironments(context));
      if (changed?.removed.length) context.say(`declared no more: ${changed.removed.join(", ")}; what goes with it: stackseal preview --base ${options["changed"] as string} --env ${changed.removed[0] ?? ""}\n`);
      return { exit: 0, json: { matrix: { include }, removed: changed?.removed ?? [] }, text: JSON.stringify({ include }) };
    }
    if (changed?.names.length === 0 && changed.removed.length === 0) return { exit: 0, json: { against: { kind: "base" }, access: [], environments: [], exceptions: [] }, text: `No environment is concerned by what changed since ${options["changed"] as string}.` };
    const cli = options["engine"] === "pulumi" ? await theCli(context, options) : undefined;
    const { targets, targetDependents, parallel, eventLog } = runOptions(options);
    const log = eventLog === undefined ? null : openSync(resolve(context.root, eventLog), "w", 0o600);
    const flags: PreviewFlags = {
      ...(cli && { cli }), ...(targets && { targets }), ...(targetDependents === true && { targetDependents }), ...(parallel !== undefined && { parallel }),
      ...(log !== null && { onEvent: (e: EngineEvent) => { writeSync(log, `${JSON.stringify(e)}\n`); } }),
    };
    const r = await previewAll(context, changed ? { base: options["changed"], ...options } : options, changed ? [...changed.names, ...changed.removed] : context.envs, flags).finally(() => { if (log !== null) closeSync(log); });
    if (context.signal.aborted) return { exit: 130, findings: r.findings };
    const exit = r.ok ? 0 : 1;
    const format = options["format"] as string;
    const saved = options["savePlan"] as string | undefined;
    const commentFile = options["saveComment"] as string | undefined;
    const plan = saved !== undefined || commentFile !== undefined || format === "markdown" ? planOfPreview(context, r) : null;
    if (saved !== undefined) writeOut(resolve(context.root, saved), `${JSON.stringify(plan, null, 2)}\n`);
    if (commentFile !== undefined && plan) writeOut(resolve(context.root, commentFile), `${JSON.stringify(commentData(context, r, plan))}\n`);
    const json = { against: againstJson(r.against), access: r.access, environments: r.done.map((x) => x.environment), exceptions: r.exceptions, ...(plan && { plan: { digest: plan.digest, approval: plan.approval } }) };
    // A machine reads these from standard output: the findings aren't said again on standard error.
    if (!context.json && format === "markdown" && plan) return { exit, text: renderComment(commentData(context, r, plan)) };
    if (!context.json && format === "github") return { exit, text: annotationsOf(sortFindings(r.findings)) };
    if (!context.json && format === "sarif") return { exit, text: sarifOf(sortFindings(r.findings), [], "stackseal preview", titles(r)) };
    const head = `${cli ? "Pulumi CLI: preview" : "Embedded engine: key-less preview"}, ${describeAgainst(r.against)}.\n\n`;
    const why = changed ? changed.names.map((n) => `${n}: ${printable(changed.why[n] ?? "")} changed\n`).join("") : "";
    const tail = plan ? `\nPlan ${plan.digest.slice(0, 16)}, approval ${plan.approval}\n` : "";
    return { exit, findings: r.findings, json, text: why + head + renderAccess(r.access) + r.done.map((x) => x.text).join("\n") + renderExceptions(r.exceptions) + tail };
  },
});
const titles = (r: Preview): CodeTable => Object.fromEntries(r.findings.map((f) => [f.code, { severity: f.severity, title: ({ ...engineCodes.table, ...policyCodes.table, ...changeCodes.table } as CodeTable)[f.code]?.title ?? f.code }]));
