import { existsSync, readFileSync, renameSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { writeAtomic } from "../../lib/atomic.ts";
import type { Finding } from "../../lib/finding.ts";
import { Git } from "../../lib/git.ts";
import { installDrivers } from "../git-drivers.ts";
import type { Context } from "../command.ts";
import { initCodes } from "./codes.ts";
import type { Ledger } from "./ledger.ts";

/** Hook → the commands that it runs, in order. */
export const HOOKS: Readonly<Record<string, readonly string[]>> = { "pre-commit": ["check --staged", "scan --staged"], "pre-push": ["check"] };
const MARK = "# stackseal's hook;";

function script(hook: string, prefix: string): string {
  const quoted = (s: string): string => `'${s.replaceAll("'", "'\\''")}'`;
  const cli = resolve(process.argv[1] ?? "stackseal");
  const at = prefix === "" ? "" : ` -C ${quoted(prefix)}`;
  return [
    "#!/bin/sh", `${MARK} what stood here before is ${hook}.before-stackseal and runs first. git commit --no-verify passes by it once.`,
    `before="$(dirname "$0")/${hook}.before-stackseal"`, '[ ! -x "$before" ] || "$before" "$@" || exit',
    `stackseal() { if [ -f ${quoted(cli)} ]; then ${quoted(process.execPath)} ${quoted(cli)} "$@"; else npx --no-install stackseal "$@"; fi; }`,
    ...(HOOKS[hook] ?? []).map((c) => `stackseal ${c}${at} || exit 1`), "",
  ].join("\n");
}
/** git's hooks and drivers of this checkout, and an entry for pre-commit. A hook that is there is kept and runs first; git's own hooks folder alone is touched. */
export function makeHooks(context: Context, ledger: Ledger): Finding[] {
  const git = new Git(context.root, context.env);
  const findings: Finding[] = [];
  ledger.file(".pre-commit-config.yaml", preCommit(), "the same hooks for those who use pre-commit");
  if (!git.inside) return findings;
  const prefix = (git.text(["rev-parse", "--show-prefix"]) ?? "").replace(/\/$/, "");
  const custom = git.text(["config", "--get", "core.hooksPath"]);
  if (custom) findings.push(initCodes.finding("INIT_KEPT_UNSEEN", { message: `core.hooksPath is ${custom}: the hooks there are yours and were left alone`, hint: `add to its pre-commit: ${(HOOKS["pre-commit"] ?? []).map((c) => `npx stackseal ${c}`).join(" && ")}; to its pre-push: npx stackseal check` }));
  else for (const hook of Object.keys(HOOKS)) {
    const path = resolve(context.root, git.text(["rev-parse", "--git-path", `hooks/${hook}`]) ?? join(".git/hooks", hook));
    const text = script(hook, prefix);
    const shown = relative(context.root, path);
    const what = (HOOKS[hook] ?? []).join(", ");
    const there = existsSync(path) ? readFileSync(path, "utf8") : null;
    if (there === text) {
      ledger.entries.push({ file: shown, did: "as-is", what });
      continue;
    }
    const ours = there?.includes(MARK) === true;
    if (there !== null && !ours && !existsSync(`${path}.before-stackseal`)) renameSync(path, `${path}.before-stackseal`);
    else if (there !== null && !ours) {
      findings.push(initCodes.finding("INIT_KEPT_UNSEEN", { message: `${shown} and ${shown}.before-stackseal are both yours: neither was touched`, hint: `run there: ${(HOOKS[hook] ?? []).map((c) => `npx stackseal ${c}`).join(" && ")}` }));
      continue;
    }
    writeAtomic(path, text, 0o755);
    ledger.entries.push({ file: shown, did: there === null ? "made" : "extended", what: there !== null && !ours ? `${what}, after your own hook` : what });
  }
  const before = existsSync(join(context.root, ".gitattributes"));
  const fresh = installDrivers(context).includes("new line");
  ledger.entries.push({ file: ".gitattributes", did: !fresh ? "as-is" : before ? "extended" : "made", what: "git merges and shows sealed files by stackseal" });
  return findings;
}
function preCommit(): string {
  const hooks = Object.entries(HOOKS).flatMap(([stage, commands]) => commands.map((c) => [
    `          - id: stackseal-${c.replace(/ --/g, "-").replaceAll(" ", "-")}`, `            name: stackseal ${c}`, `            entry: npx --no-install stackseal ${c}`,
    "            language: system", "            pass_filenames: false", `            stages: [${stage}]`,
  ].join("\n")));
  return `repos:\n    - repo: local\n      hooks:\n${hooks.join("\n")}\n`;
}
