import type { Git } from "../lib/git.ts";
import { filesAt, textAt } from "./base.ts";
import { readSealedText } from "./sealed-text.ts";

/** A year beyond these git takes for no date, and answers as of now: before them there is no commit, after them there are all. */
const [FIRST, LAST] = ["1970-01-01", "2099-12-31"];
/** The last commit of the branch at hand on or before the end of that day; null where there is none. */
export function commitOn(git: Git, ref: string, day: string): string | null {
  if (day < FIRST || !git.inside) return null;
  const commit = git.text(["rev-list", "-1", "--first-parent", `--before=${day > LAST ? LAST : day}T23:59:59Z`, ref]);
  return commit === "" ? null : commit;
}
/** The recipients of the sealed files that had a credential at a commit: file and recipients. */
export function recipientsAt(git: Git, commit: string, environment: string, path: string): { readonly file: string; readonly recipients: readonly string[]; readonly issueId: string }[] {
  return filesAt(git, commit, `stacks/${environment}`).filter((f) => f.endsWith(".sops.yaml")).flatMap((file) => {
    const s = readSealedText(textAt(git, commit, file) ?? "");
    const own = s?.leaves.find((l) => l.path === path);
    return s && own ? [{ file, recipients: s.recipients, issueId: own.issueId }] : [];
  });
}
