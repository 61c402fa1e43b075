import type { Git } from "../lib/git.ts";
import { filesAt, textAt } from "./base.ts";
import { readSealedText } from "./sealed-text.ts";

/** The last commit of the branch at hand on or before the end of that day; null where there is none. */
export const commitOn = (git: Git, ref: string, day: string): string | null => ((git.inside ? git.text(["rev-list", "-1", "--first-parent", `--before=${day}T23:59:59Z`, ref]) : null) ?? "").trim() || null;
/** The recipients of the sealed files that had a credential at a commit: file and recipients. */
export function recipientsAt(git: Git, commit: string, environment: string, path: string): { readonly file: string; readonly recipients: readonly string[]; readonly issueId: string }[] {
  return filesAt(git, commit, `stacks/${environment}`).filter((f) => f.endsWith(".sops.yaml")).flatMap((file) => {
    const s = readSealedText(textAt(git, commit, file) ?? "");
    const own = s?.leaves.find((l) => l.path === path);
    return s && own ? [{ file, recipients: s.recipients, issueId: own.issueId }] : [];
  });
}
