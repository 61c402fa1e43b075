import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

export interface Watched {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** Arguments and environment of the process and of everything that it started, as the system shows them. */
  readonly processes: Buffer;
}
const read = (file: string): Buffer => {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
};
function* family(pid: number): Generator<number> {
  yield pid;
  for (const child of read(`/proc/${pid}/task/${pid}/children`).toString("latin1").split(" ").filter(Boolean)) yield* family(Number(child));
}

/** Runs a program, keeps all that it prints, and looks at its processes every few milliseconds, save at the environment of a program named `given`. A program that doesn't end is stopped. */
export function watch(command: string, args: readonly string[], o: { readonly env: NodeJS.ProcessEnv; readonly input?: string; readonly stopAfter?: number; readonly given?: string }): Promise<Watched> {
  return new Promise((done) => {
    const child = spawn(command, args, { env: o.env, stdio: ["pipe", "pipe", "pipe"] });
    const out: Buffer[] = [], err: Buffer[] = [];
    const seen = new Map<string, Buffer>();
    const look = (): void => {
      for (const pid of child.pid === undefined ? [] : family(child.pid)) for (const what of ["cmdline", "environ"]) {
        const bytes = read(`/proc/${pid}/${what}`);
        // Whose program it is is asked after what it holds: it may have become another in between.
        if (what === "environ" && o.given !== undefined && read(`/proc/${pid}/comm`).toString().trim() === o.given) continue;
        if (bytes.length) seen.set(`${pid} ${what} ${bytes.length}`, bytes);
      }
    };
    const eye = setInterval(look, 15);
    const stop = setTimeout(() => { child.kill("SIGTERM"); }, o.stopAfter ?? 60_000);
    const kill = setTimeout(() => { child.kill("SIGKILL"); }, (o.stopAfter ?? 60_000) + 5000);
    child.stdout.on("data", (d: Buffer) => out.push(d));
    child.stderr.on("data", (d: Buffer) => err.push(d));
    child.stdin.on("error", () => undefined);
    child.stdin.end(o.input ?? "");
    look();
    child.on("close", (code) => {
      clearInterval(eye);
      clearTimeout(stop);
      clearTimeout(kill);
      done({ code, stdout: Buffer.concat(out), stderr: Buffer.concat(err), processes: Buffer.concat([...seen.values()]) });
    });
  });
}
