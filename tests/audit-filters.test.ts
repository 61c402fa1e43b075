import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const repo = resolve(import.meta.dirname, "..");
const cli = join(repo, "dist/cli.js");
const dir = mkdtempSync(join(tmpdir(), "filters-"));
const env = { PATH: process.env["PATH"] ?? "", HOME: dir, NO_COLOR: "1", GIT_CONFIG_NOSYSTEM: "1", GIT_AUTHOR_NAME: "Engineer One", GIT_AUTHOR_EMAIL: "Engineer@acme.example", GIT_COMMITTER_NAME: "ci", GIT_COMMITTER_EMAIL: "ci@acme.example" };
const git = (author: string, ...args: string[]): void => { execFileSync("git", args, { cwd: dir, env: { ...env, GIT_AUTHOR_NAME: author, GIT_COMMITTER_DATE: "2026-07-10T12:00:00Z" }, stdio: "ignore" }); };
const log = (...args: string[]): { status: number | null; stdout: string; codes: string[]; paths: string[] } => {
  const r = spawnSync(process.execPath, [cli, "-C", dir, "audit", "log", ...args, "--json"], { env, encoding: "utf8" });
  const { findings, changes = [] } = JSON.parse(r.stdout) as { findings: { code: string }[]; changes?: { path: string }[] };
  return { status: r.status, stdout: r.stdout, codes: findings.map((f) => f.code), paths: changes.map((c) => c.path) };
};

describe("asking the audit log", () => {
  beforeAll(() => {
    cpSync(join(repo, "stacks"), join(dir, "stacks"), { recursive: true, filter: (p) => !p.endsWith(".ts") });
    git("Engineer One", "init", "-q", "-b", "main");
    git("Engineer One", "add", "stacks");
    git("Engineer One", "commit", "-qm", "Begin");
    rmSync(join(dir, "stacks/staging"), { recursive: true });
    git("＝1+1", "commit", "-qam", "No staging any more");
  });
  afterAll(() => { rmSync(dir, { recursive: true }); });

  it("knows environments that are here or were, and says so of any other: a slip of the pen is no quiet year", () => {
    expect(log("--env", "prod")).toMatchObject({ status: 0, codes: [] });
    expect(log("--env", "staging").paths.length).toBeGreaterThan(0);
    for (const e of ["prd", "", "../dev"]) expect(log("--env", e)).toMatchObject({ status: 2, codes: ["ENVIRONMENT_UNKNOWN"], paths: [] });
    expect(spawnSync(process.execPath, [cli, "-C", dir, "audit", "log", "--env", "prd", "--format", "csv"], { env }).status).toBe(2);
  });
  it("refuses an end before its beginning, and what is empty", () => {
    expect(log("--since", "2026-09-30", "--until", "2026-07-01")).toMatchObject({ status: 2, codes: ["USAGE_DATE"] });
    expect(log("--since", "2026-07-10", "--until", "2026-07-10").paths.length).toBeGreaterThan(0);
    for (const name of ["--person", "--credential"]) expect(log(name, "")).toMatchObject({ status: 2, codes: ["USAGE"] });
    expect(spawnSync(process.execPath, [cli, "-C", dir, "audit", "report", "--since", "2026-09-30", "--until", "2026-07-01"], { env }).status).toBe(2);
  });
  it("finds a person by name or address in any case", () => {
    for (const p of ["Engineer One", "engineer one", "engineer@ACME.example", "CI"]) expect([p, log("--person", p).paths.length > 0]).toEqual([p, true]);
  });
  it("knows credentials and people that are here or were, and names the nearest of any other", () => {
    const hint = (...args: string[]): unknown => { const { findings, changes } = JSON.parse(log(...args).stdout) as { findings: { code: string; hint: string }[]; changes: unknown[] }; return [changes.length, ...findings.map((f) => `${f.code} ${f.hint}`)]; };
    expect(hint("--credential", "twilio.authTokn")).toEqual([0, "AUDIT_CREDENTIAL_UNKNOWN did you mean twilio.authToken?"]);
    expect(hint("--credential", "twillio")).toEqual([0, "AUDIT_CREDENTIAL_UNKNOWN did you mean twilio?"]);
    expect(hint("--credential", "twilio.auth")).toEqual([0, "AUDIT_CREDENTIAL_UNKNOWN stackseal secret list --env NAME"]);
    expect(hint("--person", "Enginer One")).toEqual([0, "AUDIT_PERSON_UNKNOWN did you mean Engineer One?"]);
    expect(hint("--person", "super-admim-1")).toEqual([0, "AUDIT_PERSON_UNKNOWN did you mean super-admin-1?"]);
    expect(log("--person", "engineer")).toMatchObject({ status: 2, codes: ["AUDIT_PERSON_UNKNOWN"], paths: [] });
    // A quiet time is none of these, nor is a part of the history, nor somebody who did nothing.
    for (const args of [["--credential", "twilio.authToken", "--until", "2020-01-01"], ["--person", "ci", "--until", "2020-01-01"], ["--credential", "twilio", "--env", "prod", "--since", "2030-01-01"], ["--credential", "stripe.nothing", "--from", "HEAD"], ["--person", "deployer-prod"]])
      expect([args, log(...args)]).toMatchObject([args, { status: 0, codes: [] }]);
  });
  it("keeps wide signs from a spreadsheet too", () => {
    const r = spawnSync(process.execPath, [cli, "-C", dir, "audit", "log", "--format", "csv"], { env, encoding: "utf8" });
    expect(r.stdout).toContain(",'＝1+1 <");
    expect(r.stdout).not.toContain(",＝");
  });
  it.skipIf(!existsSync("/dev/full"))("doesn't end well where what it says is lost", () => {
    for (const args of [["log"], ["log", "--json"], ["log", "--format", "csv"], ["report"]]) {
      const r = spawnSync(process.execPath, [cli, "-C", dir, "audit", ...args], { env, encoding: "utf8", stdio: ["ignore", openSync("/dev/full", "w"), "pipe"] });
      expect([args, r.status, r.stderr.includes("error SYSTEM_ERROR")]).toEqual([args, 2, true]);
    }
  });
  it("writes a report into a pipe that was named, and leaves it there", () => {
    const pipe = join(dir, "pipe");
    execFileSync("mkfifo", [pipe]);
    const r = spawnSync("sh", ["-c", `cat "${pipe}" > "${pipe}.html" & "${process.execPath}" "${cli}" -C "${dir}" audit report --out "${pipe}"; wait`], { env, encoding: "utf8", timeout: 60_000 });
    expect([r.status, readFileSync(`${pipe}.html`, "utf8").startsWith("<!doctype html>")]).toEqual([0, true]);
    writeFileSync(join(dir, "plain.html"), "old");
    expect(spawnSync(process.execPath, [cli, "-C", dir, "audit", "report", "--out", "plain.html"], { env }).status).toBe(0);
    expect(readFileSync(join(dir, "plain.html"), "utf8").startsWith("<!doctype html>")).toBe(true);
  });
});
