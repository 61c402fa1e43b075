import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import { repo } from "./repository.ts";

// A code host's runner, as far as the generated workflows use one: it executes their own lines.

interface Step { readonly uses?: string; readonly name?: string; readonly id?: string; readonly if?: string; readonly run?: string; readonly env?: Readonly<Record<string, string>>; readonly with?: Readonly<Record<string, string | number | boolean>> }
interface Job { readonly needs?: readonly string[]; readonly environment?: string; readonly permissions: Readonly<Record<string, string>>; readonly outputs?: Readonly<Record<string, string>>; readonly steps: readonly Step[] }
export interface Ended {
  readonly ok: boolean;
  /** The line that failed. */
  readonly failed: string;
  readonly said: string;
  readonly dir: string;
}
export interface RunnerOptions {
  readonly workflow: string;
  /** What is cloned; `ref` is checked out. */
  readonly origin: string;
  readonly ref: string;
  readonly github: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  /** Variables of a role's short-lived credentials. */
  readonly assume: (role: string, environment: string) => Promise<Readonly<Record<string, string>>>;
  /** Kept between jobs, as a backend is: linked into each that asks for credentials. */
  readonly shared: string;
}
export class Runner {
  private readonly jobs: Readonly<Record<string, Job>>;
  private readonly o: RunnerOptions;
  readonly artifacts = mkdtempSync(join(tmpdir(), "artifacts-"));
  private readonly outputs: Record<string, Record<string, string>> = {};
  constructor(o: RunnerOptions) {
    this.o = o;
    this.jobs = (parse(o.workflow) as { jobs: Record<string, Job> }).jobs;
  }
  /** The jobs in the order in which each finds what it needs. */
  get order(): string[] {
    const out: string[] = [];
    const add = (id: string): void => { for (const n of this.jobs[id]?.needs ?? []) if (!out.includes(n)) add(n); if (!out.includes(id)) out.push(id); };
    for (const id of Object.keys(this.jobs)) add(id);
    return out;
  }
  /** Runs a job. `change` sees the folder before the step whose line contains `before`. */
  async job(id: string, given: { readonly without?: string; readonly change?: { readonly before: string; readonly how: (dir: string) => void }; readonly env?: Readonly<Record<string, string>> } = {}): Promise<Ended> {
    const job = this.jobs[id];
    if (!job) throw new Error(`no job ${id}`);
    const work = mkdtempSync(join(tmpdir(), `job-${id}-`)), dir = join(work, "work"), temp = join(work, "temp"), output = join(temp, "output");
    for (const d of [dir, temp]) mkdirSync(d);
    let env: Record<string, string> = { ...this.o.env, ...this.o.github, RUNNER_TEMP: temp, GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: join(temp, "summary"), ...given.env };
    if (job.permissions["id-token"] === "write") { mkdirSync(join(dir, ".stackseal")); symlinkSync(this.o.shared, join(dir, ".stackseal/state")); }
    const fill = (text: string): string => text.replaceAll(/\$\{\{ ([^}]+) \}\}/g, (_m, e: string) => this.value(e.trim(), temp));
    const ids: Record<string, Record<string, string>> = {};
    let ended: Ended = { ok: true, failed: "", said: "", dir };
    for (const s of job.steps) {
      if (!ended.ok && s.if !== "always()") continue;
      if (s.uses !== undefined) env = { ...env, ...(await this.action(s, job, dir, given.without, fill)) };
      if (s.run === undefined) continue;
      if (given.change && s.run.includes(given.change.before)) given.change.how(dir);
      const r = await this.line(s.run, dir, { ...env, ...Object.fromEntries(Object.entries(s.env ?? {}).map(([k, v]) => [k, fill(v)])) });
      ended = { ...ended, said: `${ended.said}$ ${s.run}\n${r.said}\n`, ...(r.code !== 0 && ended.ok && { ok: false, failed: s.run }) };
      if (s.id !== undefined && existsSync(output)) ids[s.id] = Object.fromEntries(readFileSync(output, "utf8").trim().split("\n").map((l) => l.split("=") as [string, string]));
    }
    this.outputs[id] = Object.fromEntries(Object.entries(job.outputs ?? {}).map(([k, v]) => { const m = /steps\.(\w+)\.outputs\.(\w+)/.exec(v); return [k, ids[m?.[1] ?? ""]?.[m?.[2] ?? ""] ?? ""]; }));
    return ended;
  }
  private value(expression: string, temp: string): string {
    const need = /^needs\.(\w+)\.outputs\.(\w+)$/.exec(expression);
    if (need) return this.outputs[need[1] ?? ""]?.[need[2] ?? ""] ?? "";
    const known: Record<string, string | undefined> = { "runner.temp": temp, "github.token": this.o.github["GITHUB_TOKEN"], "github.base_ref": this.o.github["GITHUB_BASE_REF"], "github.event.before || 'HEAD^'": this.o.github["EVENT_BEFORE"] };
    const v = known[expression];
    if (v === undefined) throw new Error(`the runner knows no value of ${expression}`);
    return v;
  }
  private async action(s: Step, job: Job, dir: string, without: string | undefined, fill: (text: string) => string): Promise<Record<string, string>> {
    const w = (k: string): string => String(s.with?.[k] ?? "");
    const name = /^([\w-]+\/[\w-]+)@/.exec(s.uses ?? "")?.[1];
    if (name === "actions/checkout") {
      for (const args of [["clone", "-q", "--no-local", this.o.origin, dir], ["-C", dir, "checkout", "-q", this.o.ref]]) if (spawnSync("git", args, { env: this.o.env }).status !== 0) throw new Error(`git ${args.join(" ")}`);
      // What `npm ci` and the build make is here already.
      for (const d of ["node_modules", "dist"]) symlinkSync(join(repo, d), join(dir, d));
    } else if (name === "actions/upload-artifact") {
      for (const pattern of w("path").trim().split("\n")) for (const f of matching(dir, pattern.trim())) {
        const to = join(this.artifacts, w("name"), w("path").trim().includes("\n") ? f : (f.split("/").at(-1) ?? f));
        mkdirSync(dirname(to), { recursive: true });
        cpSync(join(dir, f), to);
      }
      if (!existsSync(join(this.artifacts, w("name")))) throw new Error(`no file of ${w("path")} is there`);
    } else if (name === "actions/download-artifact") {
      if (w("name") === without) return {};
      cpSync(join(this.artifacts, w("name")), resolve(dir, fill(w("path"))), { recursive: true });
    } else if (name === "aws-actions/configure-aws-credentials") return { AWS_REGION: w("aws-region"), ...(await this.o.assume(w("role-to-assume"), job.environment ?? "")) };
    else if (name !== "actions/setup-node" && name !== "pulumi/actions") throw new Error(`the runner knows no ${s.uses ?? ""}`);
    return {};
  }
  /** As the workflows' `shell: bash` runs it. */
  private line(run: string, dir: string, env: Readonly<Record<string, string>>): Promise<{ readonly code: number; readonly said: string }> {
    if (/^npm (ci|run build)/.test(run)) return Promise.resolve({ code: 0, said: "" });
    return new Promise((done) => {
      const file = join(dir, "..", "line.sh");
      writeFileSync(file, run);
      const child = spawn("bash", ["--noprofile", "--norc", "-eo", "pipefail", file], { cwd: dir, env, stdio: ["ignore", "pipe", "pipe"] });
      let said = "";
      for (const s of [child.stdout, child.stderr]) s.on("data", (c: Buffer) => { said += c.toString("utf8"); });
      child.on("close", (code) => { done({ code: code ?? 1, said }); });
    });
  }
}
/** Files that a path of the workflows names: as it is, or with * in its last part. */
function matching(dir: string, pattern: string): string[] {
  if (!pattern.includes("*")) return existsSync(join(dir, pattern)) ? [pattern] : [];
  const folder = pattern.slice(0, pattern.indexOf("*")).replace(/[^/]*$/, "");
  const name = new RegExp(`^${pattern.replaceAll(".", "\\.").replace("**", "\0").replaceAll("*", "[^/]*").replace("\0", ".*")}$`);
  return existsSync(join(dir, folder)) ? readdirSync(join(dir, folder), { recursive: true, withFileTypes: true }).filter((e) => e.isFile()).map((e) => `${e.parentPath.slice(dir.length + 1)}/${e.name}`.replace("//", "/")).filter((f) => name.test(f)) : [];
}
