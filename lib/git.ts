import { spawn, spawnSync } from "node:child_process";
import { documentCodes } from "./codes.ts";
import { FindingError } from "./finding.ts";

// Only git itself is started, with nothing of the repository's or the user's that could run programs, change what is shown, or put another object in
// the place of the one named (replace refs, grafts).

const SAFE = ["-c", "core.quotePath=false", "-c", "core.fsmonitor=false", "-c", "core.pager=cat", "-c", "color.ui=false", "-c", "log.showSignature=false", "-c", "log.showRoot=true", "-c", "log.follow=false", "-c", "diff.external=", "-c", "diff.orderFile=/dev/null", "-c", "diff.renameLimit=1000"];

/** Files of commits by root, commit and path. */
const known = new Map<string, string | null>();

/** git of one folder. Commands run there; a path in their output is relative to the repository's top unless `--relative` is given. */
export class Git {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  constructor(root: string, env: Readonly<Record<string, string | undefined>>) {
    this.root = root;
    this.env = { ...env, GIT_OPTIONAL_LOCKS: "0", GIT_TERMINAL_PROMPT: "0", GIT_NO_REPLACE_OBJECTS: "1", GIT_GRAFT_FILE: "/dev/null", LC_ALL: "C" };
  }

  /** Standard output of a short command; null where git says no. */
  try(args: readonly string[], input?: Buffer): Buffer | null {
    const r = spawnSync("git", [...SAFE, ...args], { cwd: this.root, env: this.env, maxBuffer: 1 << 30, ...(input && { input }) });
    return r.status === 0 ? r.stdout : null;
  }
  text(args: readonly string[]): string | null {
    return this.try(args)?.toString("utf8").trim() ?? null;
  }
  /** What a short command says on standard error, however it ends: signatures' states are told there. */
  says(args: readonly string[]): string {
    return spawnSync("git", [...SAFE, ...args], { cwd: this.root, env: this.env, maxBuffer: 1 << 24 }).stderr.toString("utf8");
  }
  /** The files of the index at a path or below it: what somebody committed, not what this machine wrote. Null outside a repository. */
  tracked(path: string): string[] | null {
    return this.try(["ls-files", "-z", "--", path])?.toString("utf8").split("\0").filter(Boolean) ?? null;
  }
  /** Whether there are any; true where nobody can tell. */
  tracks(path: string): boolean {
    return this.tracked(path)?.length !== 0;
  }
  get inside(): boolean {
    return this.text(["rev-parse", "--is-inside-work-tree"]) === "true";
  }

  /** Whether there is a work tree here, whether its history was cut off, and HEAD's commit (null where nothing is committed): one question. */
  get state(): { readonly inside: boolean; readonly shallow: boolean; readonly head: string | null } {
    const r = spawnSync("git", [...SAFE, "rev-parse", "--is-inside-work-tree", "--is-shallow-repository", "--verify", "HEAD^{commit}"], { cwd: this.root, env: this.env, encoding: "utf8" });
    // Where there is no git at all nothing was written, not even nothing: what a base would say goes unheard then, and nobody may take that for a yes.
    if ((r.error as NodeJS.ErrnoException | undefined)?.code === "ENOENT") throw new FindingError(documentCodes.finding("GIT_ABSENT", { message: "git isn't on PATH", hint: "install git: what is declared is judged against what was reviewed before" }), 2);
    const [inside, shallow, head] = r.stdout.split("\n");
    return { inside: inside === "true", shallow: shallow === "true", head: r.status === 0 ? (head ?? null) : null };
  }
  /** The commits that refs name, in order, by one process; null for each that names none. */
  commits(refs: readonly string[]): (string | null)[] {
    return this.batch("--batch-check", refs.map((r) => (r.startsWith("-") || r.includes("\n") ? "" : `${r}^{commit}`))).map((o) => (o?.type === "commit" ? o.id : null));
  }
  /** Files at a commit, relative to this folder, in order, by one process; null for each that isn't there. What a commit's full id names never changes, and is read once. */
  files(commit: string, paths: readonly string[]): (string | null)[] {
    const names = paths.map((p) => `${commit}:./${p}`), key = (name: string): string => `${this.root}\0${name}`;
    const forever = /^[0-9a-f]{40,64}$/.test(commit);
    const missing = [...new Set(names.filter((n) => !forever || !known.has(key(n))))];
    const read = new Map(this.batch("--batch", missing).map((o, i) => [missing[i] ?? "", o?.type === "blob" ? o.content.toString("utf8") : null]));
    if (known.size > 2000) known.clear();
    if (forever) for (const [n, text] of read) known.set(key(n), text);
    return names.map((n) => read.get(n) ?? (forever ? (known.get(key(n)) ?? null) : null));
  }
  /** One file, relative to this folder, at each of the commits, in order, by one process; null where it isn't there. */
  versions(path: string, commits: readonly string[]): (string | null)[] {
    return this.batch("--batch", commits.map((c) => `${c}:./${path}`)).map((o) => (o?.type === "blob" ? o.content.toString("utf8") : null));
  }
  private batch(how: "--batch" | "--batch-check", names: readonly string[]): ({ readonly id: string; readonly type: string; readonly content: Buffer } | null)[] {
    const out = names.length === 0 ? null : this.try(["cat-file", how], Buffer.from(`${names.join("\n")}\n`));
    let at = 0;
    return names.map(() => {
      const end = out?.indexOf(10, at) ?? -1;
      if (!out || end < 0) return null;
      const [, id = "", type = "", size = "0"] = /^([0-9a-f]{40,64}) (\w+) (\d+)$/.exec(out.toString("utf8", at, end)) ?? [];
      at = end + 1;
      if (id === "") return null;
      if (how === "--batch-check") return { id, type, content: Buffer.alloc(0) };
      const content = out.subarray(at, at + Number(size));
      at += Number(size) + 1;
      return { id, type, content };
    });
  }

  /** Standard output of a long command, piece by piece; throws GIT_FAILED where git ends badly. */
  async *stream(args: readonly string[], input?: string): AsyncGenerator<Buffer> {
    const child = spawn("git", [...SAFE, ...args], { cwd: this.root, env: this.env, stdio: ["pipe", "pipe", "pipe"] });
    let said = "";
    child.stderr.on("data", (d: Buffer) => { said = (said + d.toString("utf8")).slice(0, 500); });
    const ended = new Promise<number>((done) => {
      child.on("error", () => { done(-1); });
      child.on("close", (code) => { done(code ?? -1); });
    });
    child.stdin.on("error", () => undefined);
    child.stdin.end(input ?? "");
    try {
      for await (const chunk of child.stdout) yield chunk as Buffer;
      const code = await ended;
      if (code !== 0) throw new FindingError(documentCodes.finding("GIT_FAILED", { message: `git ${args[0] ?? ""} ended with ${code}${said ? `: ${said.trim()}` : ""}` }), 2);
    } finally {
      if (child.exitCode === null) child.kill();
    }
  }
}
