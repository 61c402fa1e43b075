import { Git } from "../../lib/git.ts";
import { protectedBase } from "../../lib/protected-base.ts";
import { signedFiles } from "../../seal/file-signature.ts";

/** What git tells of the declarations: how they were at the protected base, and who wrote a line. */
export interface GitFacts {
  /** The file's text at the base: the one that was named, else the protected one, the same that `check` compares with; null where it isn't there. */
  readonly base: (file: string) => string | null;
  /** Who last changed a line; whoever is about to commit where that isn't committed. Null where git can't tell. */
  readonly author: (file: string, line: number) => { readonly name: string; readonly email: string } | null;
}
export const NO_GIT: GitFacts = { base: () => null, author: () => null };

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
    author: (file, line) => {
      const shown = git.try(["blame", "--porcelain", "-L", `${line},${line}`, "--", file])?.toString("utf8");
      const name = shown && /^author (.*)$/m.exec(shown)?.[1];
      const email = shown && /^author-mail <(.*)>$/m.exec(shown)?.[1];
      if (name && name !== "Not Committed Yet") return { name, email: email ?? "" };
      const me = git.text(["config", "user.name"]);
      return me ? { name: env["GIT_AUTHOR_NAME"] ?? me, email: env["GIT_AUTHOR_EMAIL"] ?? git.text(["config", "user.email"]) ?? "" } : null;
    },
  };
}
