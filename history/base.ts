import { parseDocument } from "../lib/document.ts";
import { FindingError, type Finding } from "../lib/finding.ts";
import type { Git } from "../lib/git.ts";
import { nothingBefore, protectedBase } from "../lib/protected-base.ts";
import { PEOPLE_FILE } from "../schemas/layout.ts";
import { parsePeople } from "../schemas/parse.ts";
import type { People } from "../schemas/people.ts";
import { historyCodes } from "./codes.ts";

/** The protected commit that a change is judged against. */
export interface Base {
  readonly ref: string;
  readonly commit: string;
  /** People whom it vouches for; null where it has no people.yaml yet. */
  readonly people: People | null;
  readonly peopleText: string | null;
}

/**
 * The base that was named, or the merge base of HEAD with the protected branch. `base` is null, with the reason, where there is none.
 * Throws FindingError BASE_UNKNOWN where the named one isn't there.
 */
export function resolveBase(git: Git, named: string | null): { readonly base: Base | null; readonly why: string } {
  if (named !== null && nothingBefore(named)) return { base: null, why: "nothing stood on this branch before" };
  const { inside, head } = git.state;
  const at = named === null || !inside ? protectedBase(git) : head === null ? { why: "no commit yet" } : { ref: named, commit: git.commits([named])[0] ?? null };
  if ("why" in at) {
    if (named !== null && !inside) throw unknown(named, "there is no git repository here");
    return { base: null, why: at.why };
  }
  const { ref, commit } = at;
  if (commit === null) throw unknown(ref, "no such commit here");
  const peopleText = textAt(git, commit, PEOPLE_FILE);
  return { base: { ref, commit, peopleText, people: peopleText === null ? null : peopleAt(peopleText, ref) }, why: "" };
}
const unknown = (ref: string, why: string): FindingError => new FindingError(historyCodes.finding("BASE_UNKNOWN", { message: `--base ${ref}: ${why}`, hint: "git fetch, then name a branch or commit" }), 2);

/** A file's text at a commit; null where it wasn't there. */
export const textAt = (git: Git, commit: string, file: string): string | null => git.files(commit, [file])[0] ?? null;
/** The files in a folder at a commit. */
export const filesAt = (git: Git, commit: string, folder: string): string[] => (git.try(["ls-tree", "-r", "-z", "--name-only", commit, `${folder}/`])?.toString("utf8") ?? "").split("\0").filter((f) => f !== "");

function peopleAt(text: string, ref: string): People {
  const { document, findings } = parseDocument(text, PEOPLE_FILE);
  const parsed = document && parsePeople(document);
  if (parsed?.value) return parsed.value;
  const all: Finding[] = [...findings, ...(parsed?.findings ?? [])];
  throw new FindingError(historyCodes.finding("BASE_PEOPLE_UNREADABLE", { message: `people.yaml at ${ref} can't be read: ${all[0]?.message ?? ""}`, hint: "name another --base" }), 2);
}
