import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readObjects } from "../../lib/git-objects.ts";
import type { Git } from "../../lib/git.ts";

/** What a project's declarations and its program are made of. */
const WANTED = /^(?:Pulumi\.yaml|package\.json|package-lock\.json|tsconfig\.json|(?:lib|schemas|seal|stacks)\/.*)$/;

interface Entry { readonly oid: string; readonly path: string }

/** The files of a tree that `wanted` picks; links and submodules are left out. Null where git can't list it. */
function entriesOf(git: Git, tree: string): Entry[] | null {
  const raw = git.try(["ls-tree", "-r", "-z", "--full-tree", tree]);
  if (!raw) return null;
  return raw.toString("utf8").split("\0").flatMap((line) => {
    const m = /^(100644|100755) blob ([0-9a-f]+)\t(.+)$/s.exec(line);
    return m && WANTED.test(m[3] as string) && !/\.test\.ts$|(?:^|\/)\.\.\//.test(m[3] as string) ? [{ oid: m[2] as string, path: m[3] as string }] : [];
  });
}

/** Writes the declarations and the program of a tree into a folder. Blobs are written as they are: no filter, hook or link of the repository has a say, and git's own index and worktrees stay as they were. False where git can't list it. Throws GIT_FAILED. */
export async function writeTree(git: Git, tree: string, dir: string): Promise<boolean> {
  const entries = entriesOf(git, tree);
  if (!entries) return false;
  for await (const { index, bytes } of readObjects(git, entries.map((e) => e.oid))) {
    const file = join(dir, entries[index]?.path ?? "");
    mkdirSync(dirname(file), { recursive: true });
    if (bytes) writeFileSync(file, bytes);
  }
  return true;
}
