import { documentCodes } from "../lib/codes.ts";
import { FindingError } from "../lib/finding.ts";
import type { Git } from "../lib/git.ts";
import type { Blob } from "./blobs.ts";

/** What the next commit would hold of every file that it changes; a link's blob is the text of where it leads. */
export function stagedBlobs(git: Git): { readonly blobs: Blob[]; readonly submodules: string[] } {
  const raw = git.try(["diff-index", "--cached", "--raw", "-z", "--no-renames", "--abbrev=64", "--diff-filter=AMT", git.text(["rev-parse", "-q", "--verify", "HEAD"]) ?? emptyTree(git)]);
  if (!raw) throw new FindingError(documentCodes.finding("GIT_FAILED", { message: "what is staged couldn't be listed: is this a git checkout?" }), 2);
  const fields = raw.toString("utf8").split("\0");
  const blobs: Blob[] = [];
  const submodules: string[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [, mode, , id] = (fields[i] as string).split(" ");
    if (mode === "160000") submodules.push(fields[i + 1] as string);
    else if (id !== undefined) blobs.push({ id, file: fields[i + 1] as string });
  }
  return { blobs, submodules };
}
const emptyTree = (git: Git): string => git.try(["hash-object", "-t", "tree", "--stdin"], Buffer.alloc(0))?.toString().trim() ?? "";
