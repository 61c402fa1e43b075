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
  const records = new Records();
  let rest = "";
  for await (const chunk of git.stream(args)) {
    const pieces = (rest + decoder.write(chunk)).split("\0");
    rest = pieces.pop() ?? "";
    for (const p of pieces) {
      const ended = records.take(p);
      if (ended) yield ended;
    }
  }
  if (records.open) yield records.open;
}
/** Reads the pieces between NULs: what a piece is depends on its place alone, as a path may hold anything else, the mark of a commit too. */
class Records {
  open: { readonly commit: string; readonly files: FileChange[] } | null = null;
  private meta = "";
  private paths: string[] = [];
  private wants = 0;
  /** The record that this piece ends; else null. */
  take(piece: string): CommitChange | null {
    if (this.wants > 0) {
      this.paths.push(piece);
      if (--this.wants === 0) this.open?.files.push(fileChange(this.meta, this.paths));
      return null;
    }
    const text = piece.replace(/^\n+/, "");
    if (text.startsWith(":")) {
      this.meta = text;
      this.paths = [];
      this.wants = MOVED.test(text) ? 2 : 1;
      return null;
    }
    if (!text.startsWith("\u001e")) return null;
    const ended = this.open;
    this.open = { commit: text.slice(1).trim(), files: [] };
    return ended;
  }
}
const MOVED = / [RC]\d+$/;
function fileChange(meta: string, [first = "", second = first]: readonly string[]): FileChange {
  const parents = /^:+/.exec(meta)?.[0].length ?? 1;
  const ids = meta.slice(parents).split(" ").slice(parents + 1, 2 * parents + 2);
  const after = ids.at(-1) ?? "";
  return { path: second, ...(first !== second && / R\d+$/.test(meta) && { from: first }), before: ids.slice(0, -1).filter((x) => !NONE.test(x)), after: NONE.test(after) ? null : after };
}

export interface Lines {
  /** The merge on the main line (the chain of first parents) that brought a commit; absent for commits of the main line itself. */
  readonly broughtBy: ReadonlyMap<string, string>;
  /** The main line's commits, by how far each is from its head. */
  readonly places: ReadonlyMap<string, number>;
}
/** Who brought what: a walk over every commit's parents, children first. */
export async function linesOf(git: Git, to: string): Promise<Lines> {
  const broughtBy = new Map<string, string>();
  const places = new Map<string, number>();
  let rest = "";
  let start = true;
  const take = (line: string): void => {
    const [commit = "", ...parents] = line.split(" ");
    if (start) {
      places.set(commit, 0);
      start = false;
    }
    const place = places.get(commit);
    const onMain = place !== undefined;
    parents.forEach((p, n) => {
      if (onMain && n === 0) {
        places.set(p, place + 1);
        broughtBy.delete(p);
      } else if (!places.has(p)) broughtBy.set(p, onMain ? commit : (broughtBy.get(commit) ?? commit));
    });
  };
  for await (const chunk of git.stream(["rev-list", "--topo-order", "--parents", to])) {
    const lines = (rest + chunk.toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    for (const l of lines) if (l !== "") take(l);
  }
  return { broughtBy, places };
}
