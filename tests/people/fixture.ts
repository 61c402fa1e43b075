import { spawn, spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, vi } from "vitest";
import { OUTPUTS } from "../../schemas/outputs.ts";
import { newIdentity, recipientOf } from "../../seal/age.ts";
import { newSigningKey } from "../../seal/signature.ts";
import { makeExample, type Keys } from "../../tools/example-people.ts";

// A run of the command takes seconds where nine others share the machine.
vi.setConfig({ testTimeout: 180_000 });

export const repo = resolve(import.meta.dirname, "../..");
const cli = join(repo, "dist/cli.js");
export const DAY = "2026-11-24";

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly codes: string[];
  readonly json: Record<string, unknown>;
}
/** A project with generated people, their keys outside of it, in a git repository of its own. */
export interface Base {
  readonly dir: string;
  readonly keys: string;
}
export async function makeBase(): Promise<Base> {
  const dir = mkdtempSync(join(tmpdir(), "people-"));
  for (const e of ["dev", "staging", "prod"]) for (const f of ["environment.yaml", "payments.yaml"]) cpSync(join(repo, "stacks", e, f), join(dir, "stacks", e, f));
  const keys = mkdtempSync(join(tmpdir(), "keys-"));
  for (const [name, k] of Object.entries(await makeExample(dir, new Date(`${DAY}T09:00:00Z`)))) keep(keys, name, k);
  writeFileSync(join(dir, ".gitignore"), ".stackseal/\n*.lock\n");
  git(dir, "init", "-q", "-b", "main");
  commit(dir, "Start");
  return { dir, keys };
}
function keep(keys: string, name: string, k: Keys): void {
  writeFileSync(join(keys, `${name}.age`), `${k.identity}\n`, { mode: 0o600 });
  writeFileSync(join(keys, `${name}.ssh`), k.signing);
  chmodSync(join(keys, `${name}.ssh`), 0o600);
}
/** New keys for somebody; the public halves. */
export async function newKeys(base: Base, name: string): Promise<{ recipient: string; signing: string }> {
  const identity = await newIdentity();
  const signing = newSigningKey(name);
  keep(base.keys, name, { identity, signing: signing.file });
  return { recipient: await recipientOf(identity), signing: signing.publicLine };
}
const made: string[] = [];
export function copyOf(base: Base): string {
  const dir = mkdtempSync(join(tmpdir(), "project-"));
  cpSync(base.dir, dir, { recursive: true });
  made.push(dir);
  return dir;
}
export function clean(base: Base): void {
  for (const d of [...made, base.dir, base.keys]) rmSync(d, { recursive: true, force: true });
}
const GIT = { GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", GIT_AUTHOR_NAME: "somebody", GIT_AUTHOR_EMAIL: "somebody@acme.example", GIT_COMMITTER_NAME: "somebody", GIT_COMMITTER_EMAIL: "somebody@acme.example" };
export function git(dir: string, ...args: string[]): string {
  const r = spawnSync("git", args, { cwd: dir, encoding: "utf8", env: { PATH: process.env["PATH"], HOME: dir, ...GIT, GIT_AUTHOR_DATE: `${DAY}T10:00:00Z`, GIT_COMMITTER_DATE: `${DAY}T10:00:00Z` } });
  expect(r.status, `git ${args.join(" ")}: ${r.stderr}`).toBe(0);
  return r.stdout.trim();
}
export function commit(dir: string, message: string): string {
  git(dir, "add", "-A");
  git(dir, "commit", "-q", "--allow-empty", "-m", message);
  return git(dir, "rev-parse", "HEAD");
}
function environment(base: Base, who: string | null, dir: string): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "", HOME: dir, ...GIT, ...(who !== null && { SOPS_AGE_KEY_FILE: join(base.keys, `${who}.age`), STACKSEAL_SIGNING_KEY: join(base.keys, `${who}.ssh`) }) };
}
export function as(base: Base, who: string | null, dir: string, args: readonly string[], input = "", now = DAY): Ran {
  const r = spawnSync(process.execPath, [cli, "-C", dir, "--now", now, ...args, "--json"], { input, encoding: "utf8", env: environment(base, who, dir), maxBuffer: 1 << 28 });
  const json = r.stdout ? (JSON.parse(r.stdout) as Record<string, unknown>) : {};
  // Every document is of the shape that is checked in for it, save where nothing could be done.
  const shape = OUTPUTS[String(json["command"]).replace(" ", "-").replace(/^people-(add|remove|sync)$/, "people-change")];
  if (shape && r.status !== 2) expect(shape.safeParse(json).error?.issues ?? []).toEqual([]);
  return { status: r.status, stdout: r.stdout, stderr: r.stderr, json, codes: ((json["findings"] ?? []) as { code: string }[]).map((f) => f.code) };
}
/** Starts a run and kills it -9 as soon as `now` says so, asked every few milliseconds; resolves when it is gone, with whether it was killed. */
export async function killed(base: Base, who: string, dir: string, args: readonly string[], now: (ms: number) => boolean): Promise<boolean> {
  const start = performance.now();
  const child = spawn(process.execPath, [cli, "-C", dir, "--now", DAY, ...args], { env: environment(base, who, dir), stdio: "ignore" });
  const timer = setInterval(() => { if (now(performance.now() - start)) child.kill("SIGKILL"); }, 3);
  return new Promise((done) => {
    child.on("exit", (_code, signal) => {
      clearInterval(timer);
      done(signal === "SIGKILL");
    });
  });
}
export const read = (dir: string, file: string): string => readFileSync(join(dir, file), "utf8");
export function write(dir: string, file: string, text: string): void {
  mkdirSync(join(dir, file, ".."), { recursive: true });
  writeFileSync(join(dir, file), text);
}
export const SEALED = ["dev", "staging", "prod"].flatMap((e) => [`stacks/${e}/secrets.sops.yaml`, `stacks/${e}/payments.sops.yaml`]);
export const PEPPERS = ["stacks/pepper.sops.yaml", "stacks/pepper-development.sops.yaml", "stacks/pepper-staging.sops.yaml", "stacks/pepper-production.sops.yaml"];
