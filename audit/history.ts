import { StringDecoder } from "node:string_decoder";
import type { Git } from "../lib/git.ts";

// Which commits changed what, and which merge brought each to the main line: git's own walk, read as a stream.

export interface FileChange {
  readonly path: string;
  /** Where it was before, when git sees a rename. */
  readonly from?: string;
  /** Ids of the parents' versions; of a merge several. Absent where the file is new. */
  readonly before: readonly string[];
  /** Null where the file is gone. */
  readonly after: string | null;
}
export interface CommitChange {
  readonly commit: string;
  readonly files: readonly FileChange[];
}
const NONE = /^0+$/;

/** Commits from `to` back (until `from`, which is left out) that changed one of the paths, newest first; merges only where they differ from every parent. */
export async function* changedCommits(git: Git, to: string, from: string | null, paths: readonly string[]): AsyncGenerator<CommitChange> {
  const args = ["log", "--topo-order", "--full-history", "--relative", "--root", "-c", "--raw", "-z", "--no-abbrev", "-M", "--format=%x1e%H", to, ...(from === null ? [] : [`^${from}`]), "--", ...paths];
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const chunk of git.stream(args)) {
    rest += decoder.write(chunk);
    const records = rest.split("\u001e");
    rest = records.pop() ?? "";
    for (const r of records) if (r !== "") yield record(r);
  }
  if (rest !== "") yield record(rest);
}
function record(text: string): CommitChange {
  const parts = text.split("\0").map((p) => p.replace(/^\n+/, ""));
  const files: FileChange[] = [];
  for (let i = 1; i < parts.length; i++) {
    const meta = parts[i] as string;
    if (!meta.startsWith(":")) continue;
    const parents = /^:+/.exec(meta)?.[0].length ?? 1;
    const words = meta.slice(parents).split(" ");
    const ids = words.slice(parents + 1, 2 * parents + 2);
    const status = words.at(-1) ?? "";
    const moved = /^[RC]\d/.test(status);
    const first = parts[++i] as string;
    const second = moved ? (parts[++i] as string) : first;
    const after = ids.at(-1) ?? "";
    files.push({ path: second, ...(moved && first !== second && status.startsWith("R") && { from: first }), before: ids.slice(0, -1).filter((x) => !NONE.test(x)), after: NONE.test(after) ? null : after });
  }
  return { commit: (parts[0] as string).trim(), files };
}

export interface Lines {
  /** The merge on the main line (the chain of first parents) that brought a commit; absent for commits of the main line itself. */
  readonly broughtBy: ReadonlyMap<string, string>;
  readonly mainline: ReadonlySet<string>;
}
/** Who brought what: a walk over every commit's parents, children first. */
export async function linesOf(git: Git, to: string): Promise<Lines> {
  const broughtBy = new Map<string, string>();
  const mainline = new Set<string>();
  let rest = "";
  let start = true;
  const take = (line: string): void => {
    const [commit = "", ...parents] = line.split(" ");
    if (start) {
      mainline.add(commit);
      start = false;
    }
    const onMain = mainline.has(commit);
    parents.forEach((p, n) => {
      if (onMain && n === 0) {
        mainline.add(p);
        broughtBy.delete(p);
      } else if (!mainline.has(p)) broughtBy.set(p, onMain ? commit : (broughtBy.get(commit) ?? commit));
    });
  };
  for await (const chunk of git.stream(["rev-list", "--topo-order", "--parents", to])) {
    const lines = (rest + chunk.toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    for (const l of lines) if (l !== "") take(l);
  }
  return { broughtBy, mainline };
}
