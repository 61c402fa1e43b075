import { Git } from "../../lib/git.ts";
import { PEOPLE_FILE } from "../../schemas/layout.ts";

/** What git tells of the declarations: how they were at the protected base, and who wrote a line. */
export interface GitFacts {
  /** The file's text at the protected base (the remote's default branch where this clone has one, else HEAD); null where it isn't there. */
  readonly base: (file: string) => string | null;
  /** Who last changed a line; whoever is about to commit where that isn't committed. Null where git can't tell. */
  readonly author: (file: string, line: number) => { readonly name: string; readonly email: string } | null;
}
export const NO_GIT: GitFacts = { base: () => null, author: () => null };

/** Null answers everywhere outside a checkout. Nothing is asked of git before a rule wants to know. */
export function gitFacts(root: string, env: Readonly<Record<string, string | undefined>>): GitFacts {
  const git = new Git(root, env);
  let protectedBase: string | null | undefined;
  const baseCommit = (): string | null => {
    if (protectedBase !== undefined) return protectedBase;
    const [head, ...remotes] = git.commits(["HEAD", "refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/remotes/origin/master"]);
    const remote = head ? remotes.find(Boolean) : undefined;
    const forked = remote && remote !== head ? git.text(["merge-base", "HEAD", remote]) : remote;
    return (protectedBase = forked ?? head ?? null);
  };
  return {
    base: (file) => {
      const commit = baseCommit();
      // What rules ask for comes by one process.
      return commit ? (git.files(commit, [...new Set([file, PEOPLE_FILE, "schemas/access.ts"])])[0] ?? null) : null;
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
