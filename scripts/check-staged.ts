import { hasErrors } from "../lib/finding.ts";
import { Git } from "../lib/git.ts";
import { judgeStaged } from "../stacks/staged.ts";
import { judgeWorkDir } from "./check-work-dir.ts";
import type { Context, Result } from "./command.ts";
import { painter } from "./render/paint.ts";

/** `check --staged`: the sealed files of the next commit, as the index holds them. */
export async function checkStaged(context: Context): Promise<Result> {
  const { files, findings: sealed } = await judgeStaged(new Git(context.root, context.env), context.root, context.clock);
  const findings = [...sealed, ...judgeWorkDir(context)];
  const wrong = new Set(findings.filter((f) => f.severity === "error").map((f) => f.at?.file));
  const p = painter(context.color);
  const text = files.length === 0 ? "no sealed file is staged" : files.map((f) => `${wrong.has(f) ? p.red("✗") : p.green("✓")} ${f}`).join("\n");
  return { exit: hasErrors(findings) ? 1 : 0, findings, json: { environments: [], staged: files }, text };
}
