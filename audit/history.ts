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

/** Those of the commits, in their order, that changed one of the paths, as many at a time as git says at once; merges only where they differ from every parent. */
export async function* changedCommits(git: Git, commits: readonly string[], paths: readonly string[]): AsyncGenerator<readonly CommitChange[]> {
  if (commits.length === 0) return;
  // Git's own log would compare every tree twice, and first of all commits, before it says a word.
  const args = ["diff-tree", "--stdin", "-r", "--relative", "--root", "-c", "--raw", "-z", "--no-abbrev", "-M", "--format=%x1e%H", "--", ...paths];
  const decoder = new StringDecoder("utf8");
  const records = new Records();
  for await (const chunk of git.stream(args, `${commits.join("\n")}\n`)) {
    const ended = records.take(decoder.write(chunk));
    if (ended.length > 0) yield ended;
  }
  if (records.open) yield [records.open];
}
/** Reads the pieces between NULs: what a piece is depends on its place alone, as a path may hold anything else, the mark of a commit too. */
class Records {
  open: { readonly commit: string; readonly files: FileChange[] } | null = null;
  private rest = "";
  private meta = "";
  private paths: string[] = [];
  private wants = 0;
  /** The records that this text ends. */
  take(more: string): CommitChange[] {
    const text = this.rest + more;
    const ended: CommitChange[] = [];
    let at = 0;
    for (let end = text.indexOf("\0"); end >= 0; end = text.indexOf("\0", at)) {
      const piece = text.slice(at, end);
      at = end + 1;
      if (this.wants > 0) {
        this.paths.push(piece);
        if (--this.wants === 0) this.open?.files.push(fileChange(this.meta, this.paths));
        continue;
      }
      const said = piece.startsWith("\n") ? piece.replace(/^\n+/, "") : piece;
      if (said.startsWith(":")) {
        this.meta = said;
        this.paths = [];
        this.wants = MOVED.test(said) ? 2 : 1;
      } else if (said.startsWith("\u001e")) {
        if (this.open) ended.push(this.open);
        this.open = { commit: said.slice(1).trim(), files: [] };
      }
    }
    this.rest = text.slice(at);
    return ended;
  }
}
const MOVED = / [RC]\d+$/;
function fileChange(meta: string, [first = "", second = first]: readonly string[]): FileChange {
  // One parent, nothing moved: nearly always.
  if (meta.charCodeAt(1) !== 58 && first === second) {
    const [old, fresh] = [meta.indexOf(" ", 8) + 1, meta.indexOf(" ", 16) + 1];
    const after = meta.slice(fresh, meta.indexOf(" ", fresh));
    const before = meta.slice(old, fresh - 1);
    return { path: second, before: isNone(before) ? [] : [before], after: isNone(after) ? null : after };
  }
  const parents = /^:+/.exec(meta)?.[0].length ?? 1;
  const ids = meta.slice(parents).split(" ").slice(parents + 1, 2 * parents + 2);
  const after = ids.at(-1) ?? "";
  return { path: second, ...(first !== second && / R\d+$/.test(meta) && { from: first }), before: ids.slice(0, -1).filter((x) => !isNone(x)), after: isNone(after) ? null : after };
}
const isNone = (id: string): boolean => id.charCodeAt(0) === 48 && /^0+$/.test(id);

export interface Lines {
  /** The merge on the main line (the chain of first parents) that brought a commit; absent for commits of the main line itself. */
  readonly broughtBy: ReadonlyMap<string, string>;
  /** The main line's commits, by how far each is from its head. */
  readonly places: ReadonlyMap<string, number>;
  /** All of them, children first. */
  readonly commits: readonly string[];
}
/** Who brought what: a walk over every commit's parents, children first. */
export async function linesOf(git: Git, to: string): Promise<Lines> {
  const broughtBy = new Map<string, string>();
  const places = new Map<string, number>();
  let rest = "";
  let start = true;
  const commits: string[] = [];
  const take = (line: string): void => {
    const [commit = "", ...parents] = line.split(" ");
    commits.push(commit);
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
  return { broughtBy, places, commits };
}
