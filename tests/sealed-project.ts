import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { makeExample, type Keys } from "../tools/example-people.ts";

// A project with example people whose keys are at hand (`keys/<name>.age`, `keys/<name>.ssh`), and the command line run as one of them.

export const repo = resolve(import.meta.dirname, "..");
export const sops = spawnSync("sops", ["--version", "--disable-version-check"]).status === 0;
let base: string;
export let keys: Record<string, Keys>;

/** Once a test file, in beforeAll. */
export async function makeBase(): Promise<void> {
  base = mkdtempSync(join(tmpdir(), "secrets-"));
  for (const e of ["dev", "staging", "prod"]) for (const f of ["environment.yaml", "payments.yaml"]) cpSync(join(repo, "stacks", e, f), join(base, "stacks", e, f));
  keys = await makeExample(base, new Date("2026-11-24T09:00:00Z"));
  for (const [name, k] of Object.entries(keys)) {
    mkdirSync(join(base, "keys"), { recursive: true });
    writeFileSync(join(base, "keys", `${name}.age`), `${k.identity}\n`, { mode: 0o600 });
    writeFileSync(join(base, "keys", `${name}.ssh`), k.signing);
    chmodSync(join(base, "keys", `${name}.ssh`), 0o600);
  }
}
/** A fresh copy; its folder. */
export function project(): string {
  const dir = mkdtempSync(join(tmpdir(), "project-"));
  cpSync(base, dir, { recursive: true });
  return dir;
}
export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly codes: string[];
}
/** Runs the built command line in a project, as one of the example people, or without any key. */
export function as(who: string | null, dir: string, args: readonly string[], input = "", extra: Record<string, string> = {}): Ran {
  const env: Record<string, string> = { PATH: process.env["PATH"] ?? "", HOME: dir, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", ...extra };
  if (who !== null) Object.assign(env, { SOPS_AGE_KEY_FILE: join(dir, "keys", `${who}.age`), STACKSEAL_SIGNING_KEY: join(dir, "keys", `${who}.ssh`) });
  const r = spawnSync(process.execPath, [join(repo, "dist/cli.js"), "-C", dir, "--now", "2026-11-24", ...args], { input, encoding: "utf8", env });
  let codes: string[] = [];
  try {
    codes = (JSON.parse(r.stdout) as { findings: { code: string }[] }).findings.map((f) => f.code);
  } catch {
    codes = [...r.stderr.matchAll(/\b([A-Z]+(?:_[A-Z]+)+)\b/g)].map((m) => m[1]!);
  }
  return { ...r, codes };
}
