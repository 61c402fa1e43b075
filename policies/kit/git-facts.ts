import { Git } from "../../lib/git.ts";
import { protectedBase } from "../../lib/protected-base.ts";
import { signedFiles } from "../../seal/file-signature.ts";

/** What git tells of the declarations: how they were at the protected base, and who wrote a line. */
export interface GitFacts {
  /** The file's text at the base: the one that was named, else the protected one, the same that `check` compares with; null where it isn't there. */
  readonly base: (file: string) => string | null;
  /** Who last changed each of the lines; whoever is about to commit where one isn't committed. None where git can't tell. */
  readonly authors: (file: string, first: number, last: number) => readonly Author[];
}
export interface Author {
  readonly name: string;
  readonly email: string;
}
export const NO_GIT: GitFacts = { base: () => null, authors: () => [] };

/** Null answers everywhere outside a checkout. Nothing is asked of git before a rule wants to know. */
export function gitFacts(root: string, env: Readonly<Record<string, string | undefined>>, named: string | null = null): GitFacts {
  const git = new Git(root, env);
  let commit: string | null | undefined;
  const baseCommit = (): string | null => {
    if (commit === undefined) {
      const found = named === null ? protectedBase(git) : { commit: git.commits([named])[0] ?? null };
      commit = "commit" in found ? found.commit : null;
    }
    return commit;
  };
  return {
    base: (file) => {
      const commit = baseCommit();
      // What rules ask for comes by one process.
      return commit ? (git.files(commit, [...new Set([file, ...signedFiles])])[0] ?? null) : null;
    },
    authors: (file, first, last) => {
      const shown = git.try(["blame", "--line-porcelain", "-L", `${first},${last}`, "--", file])?.toString("utf8") ?? "";
      const all = [...shown.matchAll(/^author (.*)\nauthor-mail <(.*)>$/gm)].map(([, name = "", email = ""]) => ({ name, email })).filter((a) => a.name !== "");
      const known = all.filter((a) => a.name !== "Not Committed Yet");
      const me = known.length > 0 && known.length === all.length ? undefined : git.text(["config", "user.name"]);
      return me ? [...known, { name: env["GIT_AUTHOR_NAME"] ?? me, email: env["GIT_AUTHOR_EMAIL"] ?? git.text(["config", "user.email"]) ?? "" }] : known;
    },
  };
}
