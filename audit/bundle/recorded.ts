import type { Git } from "../../lib/git.ts";
import type { Parts } from "./git-parts.ts";
import type { Range } from "./period.ts";

export const POLICIES = "recorded/policies.jsonl";

/** The verdict that CI recorded for each commit of the main line (git notes, refs/notes/stackseal); null where none was. Notes can be written over: recorded. */
export function policyResults(git: Git, { head, from }: Range): { readonly parts: Parts; readonly noted: number } {
  const commits = (git.text(["rev-list", "--first-parent", head, ...(from === null ? [] : [`^${from}`])]) ?? "").split("\n").filter((l) => l !== "");
  const notes = new Set((git.text(["notes", "--ref", "stackseal", "list"]) ?? "").split("\n").map((l) => l.split(" ")[1] ?? ""));
  let noted = 0;
  const lines = commits.map((commit) => {
    const verdict = notes.has(commit) ? git.text(["notes", "--ref", "stackseal", "show", commit]) : null;
    if (verdict !== null) noted++;
    return `${JSON.stringify({ commit, verdict: verdict?.slice(0, 2000) ?? null })}\n`;
  });
  return { parts: new Map([[POLICIES, Buffer.from(lines.join(""))]]), noted };
}
