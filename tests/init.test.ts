import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { expand } from "../schemas/template.ts";

// A new user in an empty folder: nothing but git, Node and the command line.

const cli = resolve(import.meta.dirname, "../dist/cli.js");
interface Place { readonly dir: string; readonly home: string }
function place(): Place {
  const top = mkdtempSync(join(tmpdir(), "init-"));
  for (const d of ["acme", "home"]) mkdirSync(join(top, d));
  return { dir: join(top, "acme"), home: join(top, "home") };
}
const envOf = (p: Place, extra: Record<string, string> = {}): Record<string, string> => ({
  PATH: process.env["PATH"] ?? "", HOME: p.home, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "new", GIT_AUTHOR_EMAIL: "new@acme.example", GIT_COMMITTER_NAME: "new", GIT_COMMITTER_EMAIL: "new@acme.example", ...extra,
});
const run = (p: Place, args: readonly string[], extra: Record<string, string> = {}): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [cli, ...args], { cwd: p.dir, encoding: "utf8", env: envOf(p, extra) });
const git = (p: Place, ...args: string[]): { status: number | null; stdout: string; stderr: string } => spawnSync("git", args, { cwd: p.dir, encoding: "utf8", env: envOf(p) });
const document = (r: { stdout: string }): { files: { file: string; did: string }[]; exports: Record<string, string>; missing: { integration: string; find: { url: string }[] }[]; findings: { code: string; severity: string }[] } => JSON.parse(r.stdout) as never;
function files(dir: string): Map<string, string> {
  return new Map(readdirSync(dir, { recursive: true, withFileTypes: true }).filter((e) => e.isFile() && !e.parentPath.includes("/.git/")).map((e) => [join(e.parentPath, e.name), readFileSync(join(e.parentPath, e.name), "utf8")]));
}

describe("init", () => {
  it("goes from an empty folder to a green check, a commit and a deployed local, and is safe to run again", { timeout: 120_000 }, () => {
    const p = place();
    const first = run(p, ["init", "--yes", "--json"]);
    expect([first.status, first.stderr]).toEqual([0, ""]);
    const made = document(first);
    expect(made.missing.map((m) => m.integration)).toContain("twilio");
    for (const m of made.missing) for (const f of m.find) expect(f.url).toMatch(/^https:\/\//);
    const check = run(p, ["check"]);
    expect([check.status, check.stdout.match(/^✓/gm)?.length]).toEqual([0, 4]);
    // Identities are outside the repository, and nobody else reads them.
    for (const f of Object.values(made.exports)) expect([f.startsWith(p.home), statSync(f).mode & 0o777]).toEqual([true, 0o600]);
    for (const text of files(p.dir).values()) expect(text).not.toMatch(/AGE-SECRET-KEY|PRIVATE KEY/);
    git(p, "add", "-A");
    const commit = git(p, "commit", "-m", "first");
    expect([commit.status, commit.stderr.includes("files scanned") || commit.stdout.includes("files scanned")]).toEqual([0, true]);
    const before = files(p.dir);
    const again = run(p, ["init", "--yes", "--json"]);
    expect(new Set(document(again).files.map((f) => f.did))).toEqual(new Set(["as-is", "kept"]));
    expect(files(p.dir)).toEqual(before);
    const set = run(p, ["secret", "set", "twilio.authToken", "--env", "dev", "--reason", "initial"], made.exports);
    expect(set.stderr).toContain("CREDENTIAL_UNKNOWN");
    const start = run(p, ["start"]);
    expect([start.status, start.stdout]).toEqual([0, expect.stringContaining("accepted by the official Stripe SDK")]);
  });
  it("declares and seals what a .env file holds, with a dry run that writes nothing", { timeout: 120_000 }, () => {
    const p = place();
    const values = { token: expand("{hex:32}"), mail: expand("{hex:14}"), stripe: expand("sk_test_{alnum:24}") };
    writeFileSync(join(p.dir, ".env"), [`TWILIO_SID=AC${expand("{hex:32}")}`, `TWILIO_AUTH_TOKEN=${values.token}`, "MAIL_HOST=sandbox.smtp.mailtrap.io", "MAIL_PORT=587", `MAIL_USERNAME=${expand("{hex:14}")}`, `MAIL_PASSWORD=${values.mail}`, "MAIL_FROM_ADDRESS=no-reply@dev.acme.example", "MAIL_FROM_NAME=\"Acme Dev\"", `STRIPE_KEY=${expand("pk_test_{alnum:24}")}`, `STRIPE_SECRET=${values.stripe}`, "PIPEDRIVE_COMPANY_DOMAIN=\"Not A Domain\"", ""].join("\n"));
    const dry = run(p, ["init", "--yes", "--import", ".env:dev", "--dry-run", "--json"]);
    expect(JSON.parse(dry.stdout)).toMatchObject({ dryRun: true, declared: { dev: ["twilio", "smtp", "stripe"] } });
    expect(readdirSync(p.dir)).toEqual([".env"]);
    expect(readdirSync(p.home)).toEqual([]);
    const made = run(p, ["init", "--yes", "--import", ".env:dev", "--json"]);
    const doc = document(made);
    expect(doc.findings.map((f) => f.code)).toContain("INIT_IMPORT_UNDECLARED");
    expect(made.stdout + made.stderr).not.toMatch(new RegExp(Object.values(values).join("|")));
    const check = run(p, ["check"]);
    expect([check.status, check.stdout]).toEqual([0, expect.stringContaining("development, 3 credentials")]);
    expect(run(p, ["secret", "get", "stripe.secretKey", "--env", "dev"], doc.exports).stdout.trim()).toBe(values.stripe);
    git(p, "add", "-A");
    expect(git(p, "ls-files", ".env").stdout).toBe("");
  });
  it("keeps what is yours: hooks run first, settings and package.json stay", { timeout: 120_000 }, () => {
    const p = place();
    git(p, "init", "-q");
    const hook = join(p.dir, ".git/hooks/pre-commit");
    mkdirSync(join(p.dir, ".git/hooks"), { recursive: true });
    writeFileSync(hook, "#!/bin/sh\necho own-hook >&2\n[ ! -f stop ]\n");
    chmodSync(hook, 0o755);
    mkdirSync(join(p.dir, ".vscode"));
    writeFileSync(join(p.dir, ".vscode/settings.json"), "{ // mine\n}\n");
    writeFileSync(join(p.dir, "package.json"), "{ \"name\": \"mine\" }\n");
    writeFileSync(join(p.dir, ".gitignore"), "/vendor");
    mkdirSync(join(p.dir, ".github/workflows"), { recursive: true });
    writeFileSync(join(p.dir, ".github/workflows/deploy.yml"), "name: mine\n");
    writeFileSync(join(p.dir, ".github/CODEOWNERS"), "* @mine\n");
    const r = run(p, ["init", "--yes", "--json"]);
    expect([r.status, document(r).findings.filter((f) => f.code === "INIT_KEPT_UNSEEN").length]).toEqual([0, 4]);
    expect(readFileSync(join(p.dir, ".vscode/settings.json"), "utf8")).toBe("{ // mine\n}\n");
    expect(readFileSync(join(p.dir, ".gitignore"), "utf8")).toMatch(/^\/vendor\n\.stackseal\/\n/);
    git(p, "add", "-A");
    expect(git(p, "commit", "-m", "x").stderr).toContain("own-hook");
    writeFileSync(join(p.dir, "stop"), "");
    git(p, "add", "stop");
    expect(git(p, "commit", "-m", "y").status).not.toBe(0);
    // A credential in what is staged stops the commit.
    const bad = place();
    run(bad, ["init", "--yes"]);
    writeFileSync(join(bad.dir, "notes.txt"), `${expand("sk_live_{alnum:99}")}\n`);
    git(bad, "add", "-A");
    expect(git(bad, "commit", "-m", "z").status).not.toBe(0);
  });
  it("works in a path with spaces and in a second worktree, and says what a code host doesn't see in a folder of a larger repository", { timeout: 120_000 }, () => {
    const outer = place();
    const p: Place = { ...outer, dir: join(outer.dir, "the app", "creds") };
    mkdirSync(p.dir, { recursive: true });
    git(outer, "init", "-q", "-b", "main");
    expect(document(run(p, ["init", "--yes", "--json"])).findings.map((f) => f.code)).toContain("INIT_BELOW_TOP");
    git(p, "add", "-A");
    expect(git(p, "commit", "-m", "first").stderr).toContain("25 files scanned");
    git(p, "worktree", "add", "-q", "../../second tree", "-b", "second");
    const second: Place = { ...p, dir: join(outer.dir, "second tree", "the app", "creds") };
    writeFileSync(join(second.dir, "notes.txt"), `${expand("sk_live_{alnum:99}")}\n`);
    git(second, "add", "-A");
    const stopped = git(second, "commit", "-m", "z");
    expect([stopped.status, stopped.stderr.includes("SCAN_CREDENTIAL")]).toEqual([1, true]);
  });
  it("does nothing without a yes, and says what would go wrong with options, a config file and keys inside the repository", { timeout: 120_000 }, () => {
    const p = place();
    const code = (...args: string[]): [number | null, string] => {
      const r = run(p, ["init", "--json", ...args]);
      return [r.status, document(r).findings[0]?.code ?? ""];
    };
    expect(code()).toEqual([2, "INIT_NOT_CONFIRMED"]);
    expect(code("--yes", "--account", "dev=12")).toEqual([2, "INIT_OPTION"]);
    expect(code("--yes", "--import", "nothing.env:dev")).toEqual([2, "INIT_OPTION"]);
    expect(code("--yes", "--identity", "keys.txt")).toEqual([2, "INIT_IDENTITY_INSIDE"]);
    writeFileSync(join(p.dir, "init.yaml"), "environments: { qa: { tier: qa } }\n");
    expect(code("--yes", "--config", "init.yaml")).toEqual([2, "KEY_MISSING"]);
    expect(existsSync(join(p.dir, "stacks"))).toBe(false);
    writeFileSync(join(p.dir, "init.yaml"), "project: acme\nperson: { name: ada }\nenvironments:\n    qa: { tier: staging, url: https://qa.acme.example, store: { kind: vault, address: https://vault.acme.example, mount: kv } }\n");
    const r = run(p, ["init", "--yes", "--config", "init.yaml"]);
    expect(r.status).toBe(0);
    expect(readdirSync(join(p.dir, "stacks")).filter((n) => !n.includes("."))).toEqual(["local", "qa"]);
    expect(run(p, ["check"]).status).toBe(0);
  });
});
