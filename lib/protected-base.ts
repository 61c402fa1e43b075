import type { Git } from "./git.ts";

/** What a code host calls the commit before a branch's first push. */
export const nothingBefore = (ref: string): boolean => /^0{40}(?:0{24})?$/.test(ref);

/** What a protected branch is called here; the first that is there counts. */
export const PROTECTED = ["origin/HEAD", "origin/main", "origin/master", "main", "master"];

/** The commit that a change is judged against where none is named: the merge base of HEAD with the protected branch. The reason where there is none. */
export function protectedBase(git: Git): { readonly ref: string; readonly commit: string } | { readonly why: string } {
  const { inside, head } = git.state;
  if (!inside) return { why: "no git repository here" };
  if (head === null) return { why: "no commit yet" };
  const found = git.commits(PROTECTED);
  const at = found.findIndex((c) => c !== null);
  const ref = PROTECTED[at], tip = found[at] ?? null;
  if (ref === undefined || tip === null) return { why: "no protected branch here: neither origin's nor main nor master" };
  const commit = tip === head ? tip : git.text(["merge-base", "HEAD", tip]);
  return commit ? { ref, commit } : { why: `HEAD and ${ref} have no commit in common` };
}
