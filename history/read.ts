import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Finding } from "../lib/finding.ts";
import type { Git } from "../lib/git.ts";
import { readObjects } from "../lib/git-objects.ts";
import { historyCodes } from "./codes.ts";

/** A version of a file: where it came into history. `commit` is null for a file as it stands on disk. */
export interface Version {
  readonly file: string;
  readonly text: string;
  readonly commit: string | null;
  /** Seconds of the commit that brought it, and of the last that replaced it: Infinity where none did. */
  readonly from: number;
  readonly until: number;
}
export interface Walk {
  readonly commits: number;
  readonly versions: number;
  readonly findings: readonly Finding[];
}
interface Listed {
  readonly id: string;
  readonly file: string;
  commit: string;
  from: number;
  until: number;
}
const LOG = ["log", "--full-history", "--raw", "-m", "--root", "--no-renames", "--no-abbrev", "--relative", "--no-show-signature", "--no-notes", "--ignore-submodules=all", "-z", "--format=%x01%H %ct"];

/**
 * Every version that any YAML file ever had, on any ref and in the reflog: git lists them, one `git cat-file --batch` reads them, each blob once.
 * Files as they stand on disk come last. `refs` limits the walk (`["--first-parent", "main"]`); what `tip` (HEAD) has lasts.
 */
export async function walkVersions(git: Git, visit: (v: Version) => void, options: { readonly refs?: readonly string[]; readonly disk?: boolean; readonly tip?: string; readonly paths?: readonly string[]; readonly progress?: (text: string) => void } = {}): Promise<Walk> {
  const findings: Finding[] = [];
  let commits = 0;
  let versions = 0;
  const { inside, shallow, head } = git.state;
  if (inside && head !== null) {
    if (shallow) findings.push(historyCodes.finding("HISTORY_SHALLOW", { message: "the clone is shallow: what came before its first commit isn't seen", hint: "git fetch --unshallow" }));
    const listed = new Map<string, Listed>();
    const now = blobsOf(git, options.tip ?? "HEAD");
    for await (const c of commitsOf(git, options)) {
      commits++;
      if (commits % 1000 === 0) options.progress?.(`reading history: ${commits} commits`);
      for (const ch of c.changes) {
        const old = listed.get(`${ch.old} ${ch.file}`);
        if (old) old.until = old.until === Infinity ? c.at : Math.max(old.until, c.at);
        else if (!/^0+$/.test(ch.old)) listed.set(`${ch.old} ${ch.file}`, { id: ch.old, file: ch.file, commit: c.id, from: c.at, until: c.at });
        if (/^0+$/.test(ch.fresh)) continue;
        const own = listed.get(`${ch.fresh} ${ch.file}`);
        if (!own) listed.set(`${ch.fresh} ${ch.file}`, { id: ch.fresh, file: ch.file, commit: c.id, from: c.at, until: Infinity });
        else if (c.at <= own.from) [own.from, own.commit] = [c.at, c.id];
      }
    }
    const all = [...listed.values()];
    for (const l of all) if (now.has(`${l.id} ${l.file}`)) l.until = Infinity;
    for await (const { index, bytes } of readObjects(git, all.map((l) => l.id), 8 << 20)) {
      if (!bytes) continue;
      const l = all[index] as Listed;
      visit({ file: l.file, text: bytes.toString("latin1"), commit: l.commit, from: l.from, until: l.until });
      if (++versions % 1000 === 0) options.progress?.(`reading history: ${versions} of ${all.length} versions`);
    }
  } else findings.push(historyCodes.finding("HISTORY_ABSENT", { message: "no git history here: only the files as they stand were read", hint: "run it in the repository's clone" }));
  if (options.disk !== false) for (const file of yamlFiles(git.root)) visit({ file, text: readFileSync(join(git.root, file), "latin1"), commit: null, from: Infinity, until: Infinity });
  return { commits, versions, findings };
}
interface Change {
  readonly old: string;
  readonly fresh: string;
  readonly file: string;
}
async function* commitsOf(git: Git, options: { readonly refs?: readonly string[]; readonly paths?: readonly string[] }): AsyncGenerator<{ id: string; at: number; changes: Change[] }> {
  let rest = "";
  let current: { id: string; at: number; changes: Change[] } | null = null;
  let meta: string | null = null;
  for await (const chunk of git.stream([...LOG, ...(options.refs ?? ["--all", "--reflog"]), "--", ...(options.paths ?? ["*.yaml", "*.yml"])])) {
    const fields = (rest + chunk.toString("latin1")).split("\0");
    rest = fields.pop() ?? "";
    for (const raw of fields) {
      const field = raw.replace(/^\n/, "");
      const head = field.indexOf("\u0001");
      if (head >= 0) {
        if (current) yield current;
        const [id = "", at = "0"] = field.slice(head + 1).split(" ");
        current = { id, at: Number(at), changes: [] };
        meta = null;
      } else if (field.startsWith(":")) meta = field;
      else if (meta !== null && current) {
        const [, mode = "", old = "", fresh = ""] = meta.split(" ");
        if (mode.startsWith("100") || mode === "000000") current.changes.push({ old, fresh, file: Buffer.from(field, "latin1").toString("utf8") });
        meta = null;
      }
    }
  }
  if (current) yield current;
}
function blobsOf(git: Git, tip: string): Set<string> {
  const out = new Set<string>();
  for (const line of (git.try(["ls-tree", "-r", "-z", tip])?.toString("utf8") ?? "").split("\0")) {
    const m = /^\d+ blob ([0-9a-f]+)\t(.+)$/.exec(line);
    if (m && /\.ya?ml$/.test(m[2] as string)) out.add(`${m[1] as string} ${m[2] as string}`);
  }
  return out;
}
/** The project's own YAML files on disk: sealed files and people. */
function yamlFiles(root: string): string[] {
  const out: string[] = [];
  const walk = (dir: string): void => {
    for (const e of readdirSync(dir, { withFileTypes: true })) {
      if (e.isDirectory()) walk(join(dir, e.name));
      else if (e.isFile() && /\.ya?ml$/.test(e.name)) out.push(relative(root, join(dir, e.name)));
    }
  };
  if (existsSync(join(root, "stacks"))) walk(join(root, "stacks"));
  return out;
}
