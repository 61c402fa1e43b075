import { spawn, spawnSync } from "node:child_process";
import { documentCodes } from "./codes.ts";
import { FindingError } from "./finding.ts";

// Only git itself is started, with nothing of the repository's or the user's that could run programs or change what is shown.

const SAFE = ["-c", "core.quotePath=false", "-c", "core.fsmonitor=false", "-c", "core.pager=cat", "-c", "color.ui=false", "-c", "log.showSignature=false", "-c", "diff.external="];

/** git of one folder. Commands run there; a path in their output is relative to the repository's top unless `--relative` is given. */
export class Git {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  constructor(root: string, env: Readonly<Record<string, string | undefined>>) {
    this.root = root;
    this.env = { ...env, GIT_OPTIONAL_LOCKS: "0", GIT_TERMINAL_PROMPT: "0", LC_ALL: "C" };
  }

  /** Standard output of a short command; null where git says no. */
  try(args: readonly string[], input?: Buffer): Buffer | null {
    const r = spawnSync("git", [...SAFE, ...args], { cwd: this.root, env: this.env, maxBuffer: 1 << 30, ...(input && { input }) });
    return r.status === 0 ? r.stdout : null;
  }
  text(args: readonly string[]): string | null {
    return this.try(args)?.toString("utf8").trim() ?? null;
  }
  get inside(): boolean {
    return this.text(["rev-parse", "--is-inside-work-tree"]) === "true";
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
