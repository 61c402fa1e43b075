import { execFile, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { makeExample, type Keys } from "../../tools/example-people.ts";

export const repo = resolve(import.meta.dirname, "../..");
export const cli = join(repo, "dist/cli.js");

export interface Ran { readonly code: number; readonly out: string; readonly err: string }
export interface PreviewDocument {
  readonly against: Record<string, unknown>;
  readonly access: Record<string, unknown>[];
  readonly findings: { readonly code: string; readonly message: string; readonly at?: { readonly file: string; readonly line: number } }[];
  readonly environments: {
    readonly name: string; readonly engine: string; readonly base: string | null; readonly summary: { readonly create: number; readonly update: number; readonly replace: number; readonly delete: number; readonly same: number };
    readonly steps: { readonly op: string; readonly urn: string; readonly diff: string[] }[]; readonly credentials: { readonly path: string; readonly change: string; readonly kind: string; readonly class: string; readonly ageDays: number }[];
  }[];
}
/** A project with people whose keys the test holds, in a git repository of its own with one commit on `main`. */
export interface Repository {
  readonly root: string;
  readonly keys: Readonly<Record<string, Keys>>;
  run(args: readonly string[], options?: { readonly env?: Readonly<Record<string, string>>; readonly input?: string }): Promise<Ran>;
  json(args: readonly string[], options?: { readonly env?: Readonly<Record<string, string>>; readonly input?: string }): Promise<{ code: number; doc: PreviewDocument; err: string }>;
  git(...args: string[]): string;
  commit(message: string): void;
  edit(file: string, change: (text: string) => string): void;
  /** The file of a person's key: `age` opens, `ssh` signs. */
  key(name: string, kind: "age" | "ssh"): string;
}
const home = mkdtempSync(join(tmpdir(), "changes-home-"));
/** Without a Pulumi CLI: what these tests expect of `up` is what a machine without one says. */
export const pathWithoutCli = (process.env["PATH"] ?? "").split(":").filter((d) => !existsSync(join(d, "pulumi")) || d.includes("node_modules")).join(":");
const base: Record<string, string> = { PATH: pathWithoutCli, HOME: home, NO_COLOR: "1", GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };

let template: Promise<{ readonly dir: string; readonly keys: Record<string, Keys> }> | null = null;
export async function repository(options: { readonly sources?: boolean } = {}): Promise<Repository> {
  const root = mkdtempSync(join(tmpdir(), "changes-"));
  const what = options.sources ? ["stacks", "lib", "schemas", "seal", "sdks", "Pulumi.yaml", "tsconfig.json", "package.json", "package-lock.json"] : ["stacks", "Pulumi.yaml"];
  for (const f of what) cpSync(join(repo, f), join(root, f), { recursive: true, filter: (p) => (options.sources ? !/\/(bin|node_modules)(\/|$)|\.test\.ts$/.test(p) : !p.endsWith(".ts")) });
  // Sealing to new keys takes a while: once a test file, then copied.
  template ??= (async () => {
    const dir = mkdtempSync(join(tmpdir(), "changes-template-"));
    cpSync(join(repo, "stacks"), join(dir, "stacks"), { recursive: true, filter: (p) => !p.endsWith(".ts") });
    return { dir, keys: await makeExample(dir, new Date("2026-11-24T09:00:00Z")) };
  })();
  const { dir, keys } = await template;
  cpSync(dir, root, { recursive: true });
  for (const [name, k] of Object.entries(keys)) for (const [kind, text] of [["age", k.identity], ["ssh", k.signing]] as const) writeFileSync(join(home, `${name}.${kind}`), text, { mode: 0o600 });
  writeFileSync(join(root, ".gitignore"), ".stackseal/\nnode_modules/\n");
  const git = (...args: string[]): string => {
    const r = spawnSync("git", ["-c", "user.name=test", "-c", "user.email=test@example.test", "-c", "commit.gpgsign=false", ...args], { cwd: root, encoding: "utf8", env: base });
    if (r.status !== 0) throw new Error(`git ${args.join(" ")}: ${r.stderr}`);
    return r.stdout.trim();
  };
  const commit = (message: string): void => { git("add", "-A"); git("commit", "-q", "--allow-empty", "-m", message); };
  git("init", "-q", "-b", "main");
  commit("first");
  const run: Repository["run"] = (args, o = {}) =>
    new Promise((done) => {
      const child = execFile(process.execPath, [cli, "-C", root, "--now", "2026-11-25", ...args], { env: { ...base, ...o.env }, maxBuffer: 64 << 20 }, (e, out, err) => { done({ code: typeof e?.code === "number" ? e.code : e ? 1 : 0, out, err }); });
      child.stdin?.end(o.input ?? "");
    });
  return {
    root, keys, git, commit, run,
    json: async (args, o) => { const r = await run([...args, "--json"], o); return { code: r.code, doc: JSON.parse(r.out) as PreviewDocument, err: r.err }; },
    edit: (file, change) => {
      const before = readFileSync(join(root, file), "utf8");
      const after = change(before);
      if (after === before) throw new Error(`${file}: the edit changed nothing`);
      writeFileSync(join(root, file), after);
    },
    key: (name, kind) => join(home, `${name}.${kind}`),
  };
}
/** What a person needs at hand to seal and sign. */
export const as = (r: Repository, name: string): { env: Record<string, string> } => ({ env: { SOPS_AGE_KEY_FILE: r.key(name, "age"), STACKSEAL_SIGNING_KEY: r.key(name, "ssh") } });
