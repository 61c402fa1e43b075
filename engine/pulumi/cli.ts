import { spawn } from "node:child_process";
import { delimiter, dirname } from "node:path";
import { FindingError } from "../../lib/finding.ts";
import { engineCodes } from "../codes.ts";
import { pathOf } from "./find.ts";

type Env = Readonly<Record<string, string | undefined>>;
export interface CliResult { readonly stdout: string; readonly stderr: string; readonly code: number; readonly signal?: string }
/** The CLI ended with another code than 0. The message has what it printed last on standard error. */
export class CliError extends Error {
  readonly result: CliResult;
  constructor(result: CliResult) {
    super(lastWords(result));
    this.result = result;
  }
}
const lastWords = (r: CliResult): string => {
  if (r.signal !== undefined) return `it was ended by ${r.signal}`;
  // The AWS SDK's own log is nothing that the CLI says.
  const lines = plain(r.stderr).split("\n").map((l) => l.trim()).filter((l) => l !== "" && !/^SDK \d{4}\//.test(l));
  return (lines.findLast((l) => l.startsWith("error:")) ?? lines.at(-1) ?? `the CLI ended with ${String(r.code)}`).replace(/^error:\s*/, "");
};
/** Text without the CLI's colour marks (`<{%fg 1%}>`) and without terminal codes. */
export const plain = (text: string): string => text.replace(/<\{%[^%]*%\}>/g, "").replace(/\x1b\[[0-9;]*[A-Za-z]/g, "");

/**
 * The CLI as the Automation API calls it, with three differences: its environment is the one given and nothing else; it runs in a process
 * group of its own, so that Ctrl-C reaches it once and through us (a second signal makes it let go in the middle of a step); and secrets in
 * clear are asked for only where `showSecrets` says so (the Automation API asks with every update).
 */
export class Cli {
  readonly command: string;
  /** The Automation API asks it for its text alone. */
  readonly version: { toString(): string };
  private readonly env: Env;
  constructor(command: string, version: string, env: Env) {
    this.command = command;
    this.version = { toString: () => version };
    this.env = env;
  }
  /** Asks the executable for its version. Throws FindingError CLI_UNUSABLE. */
  static async open(command: string, env: Env): Promise<Cli> {
    const asked = new Cli(command, "3.0.0", env);
    const unusable = (why: string): FindingError => new FindingError(engineCodes.finding("CLI_UNUSABLE", { message: `${command} ${why}`, hint: "install the Pulumi CLI anew: https://www.pulumi.com/docs/install" }), 2);
    const r = await asked.run(["version"], undefined, {}).catch((e: unknown) => { throw unusable(`can't be run (${e instanceof Error ? e.message : "unknown"})`); });
    const version = /^v?(\d+\.\d+\.\d+\S*)/.exec(r.stdout.trim())?.[1];
    if (version === undefined) throw unusable("doesn't tell its version");
    return new Cli(command, version, env);
  }
  run(given: readonly string[], cwd: string | undefined, additionalEnv: Env, onOutput?: (t: string) => void, onError?: (t: string) => void, signal?: AbortSignal, { showSecrets = false, input }: { readonly showSecrets?: boolean; readonly input?: string } = {}): Promise<CliResult> {
    const args = [...given.filter((a) => showSecrets || a !== "--show-secrets"), ...(given.includes("--non-interactive") ? [] : ["--non-interactive"])];
    const env = { ...this.env, ...additionalEnv, PATH: `${dirname(this.command)}${delimiter}${pathOf(this.env)}`, ...(cwd !== undefined && { PWD: cwd }), PULUMI_AUTOMATION_API: "true", PULUMI_SKIP_UPDATE_CHECK: "true" };
    return new Promise((done, fail) => {
      const child = spawn(this.command, args, { ...(cwd !== undefined && { cwd }), env, stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"], detached: process.platform !== "win32" });
      let stdout = "", stderr = "";
      child.stdin?.on("error", () => undefined).end(input); // one that ends before it has read all says why itself
      const interrupt = (): void => { child.kill("SIGINT"); };
      if (signal?.aborted) interrupt();
      signal?.addEventListener("abort", interrupt, { once: true });
      const orphan = (): void => { child.kill("SIGTERM"); };
      process.once("exit", orphan);
      child.stdout?.setEncoding("utf8").on("data", (t: string) => { stdout += t; onOutput?.(t); });
      child.stderr?.setEncoding("utf8").on("data", (t: string) => { stderr += t; onError?.(t); });
      const end = (): void => { signal?.removeEventListener("abort", interrupt); process.off("exit", orphan); };
      child.once("error", (e) => { end(); fail(e); });
      child.once("close", (code, killed) => {
        end();
        const result = { stdout, stderr, code: code ?? -1, ...(killed !== null && { signal: killed }) };
        if (code === 0) done(result);
        else fail(new CliError(result));
      });
    });
  }
}
