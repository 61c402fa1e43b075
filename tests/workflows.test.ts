import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { commands } from "../scripts/commands/index.ts";
import { githubWorkflows } from "../scripts/workflows/github.ts";
import { gitlabPipeline } from "../scripts/workflows/gitlab.ts";
import { workflows, type Options } from "../scripts/workflows/table.ts";
import { OWN_WORKFLOWS } from "../tools/workflows.ts";

const repo = resolve(import.meta.dirname, "..");
const theirs: Options = { own: false, places: [{ name: "dev", tier: "development" }, { name: "staging", tier: "staging" }, { name: "prod", tier: "production" }] };
const both = [["this repository's", OWN_WORKFLOWS], ["an initialised project's", theirs]] as const;
const actionlint = spawnSync("actionlint", ["-version"]).status === 0;
const runs = (o: Options, id?: string): string[] => workflows(o).filter((w) => id === undefined || w.id === id).flatMap((w) => w.jobs.flatMap((j) => j.steps.flatMap((s) => (s.kind === "run" ? [s.run] : []))));
interface Github { permissions: object; jobs: Record<string, { permissions: Record<string, string>; environment?: string; needs?: string[]; steps: { uses?: string; run?: string; name?: string }[] }> }
const read = (text: string): Github => parse(text) as Github;

describe.each(both)("%s workflows", (_whose, o) => {
  it("pin every action by a full commit id, grant nothing at the top, and name no stored secret", () => {
    for (const [file, text] of Object.entries(githubWorkflows(o))) {
      const w = read(text);
      expect([file, w.permissions]).toEqual([file, {}]);
      expect(text).not.toMatch(/\bsecrets\.|pull_request_target/);
      for (const j of Object.values(w.jobs)) for (const s of j.steps) if (s.uses !== undefined) expect(s.uses).toMatch(/@[0-9a-f]{40}$/);
    }
  });
  it("give a pull request nothing but reading, and let only jobs behind an environment ask for an identity", () => {
    const all = Object.entries(githubWorkflows(o)).flatMap(([file, text]) => Object.entries(read(text).jobs).map(([id, j]) => ({ file, id, j })));
    for (const { file, j } of all) {
      if (file.includes("pull-request")) expect(j.permissions).toEqual({ contents: "read" });
      expect(j.permissions["id-token"] === "write").toBe(j.environment !== undefined);
      // Whoever has an identity installs nothing: it runs the bundle that a job without credentials built.
      if (j.permissions["id-token"] === "write") expect(j.steps.map((s) => s.run ?? "").join("\n")).not.toMatch(/npm (ci|install)|npx (?!--no-install)/);
      if (j.permissions["id-token"] === "write") expect(j.steps.some((s) => s.run?.includes("sha256sum --check"))).toBe(true);
    }
    const deploy = read(githubWorkflows(o)[".github/workflows/deploy.yml"]!).jobs;
    expect(deploy["deploy-prod"]?.needs).toEqual(["bundle", "deploy-staging", "deploy-staging-payments"]);
    expect(deploy["deploy-prod-payments"]).toMatchObject({ environment: "prod-payments", needs: ["bundle", "deploy-prod"] });
  });
  it("run only commands and flags that exist", async () => {
    for (const line of runs(o)) for (const m of line.matchAll(/(?:npx --no-install stackseal|node dist\/cli\.js) ([^|>&]+)/g)) {
      const words = m[1]!.trim().split(/\s+/);
      const entry = commands.find((c) => c.name === words.slice(0, 2).join(" ")) ?? commands.find((c) => c.name === words[0]);
      expect(entry, line).toBeDefined();
      const known = ["--env", "--json", "--yes", ...((await entry!.load()).options ?? []).map((x) => x.flags.split(/[ ,]/)[0])];
      for (const flag of words.filter((w) => w.startsWith("--"))) expect(known, line).toContain(flag);
    }
  });
  it.skipIf(!actionlint)("pass actionlint", () => {
    const dir = mkdtempSync(join(tmpdir(), "actionlint-"));
    const files = Object.entries(githubWorkflows(o)).map(([file, text]) => {
      const path = join(dir, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      return path;
    });
    const r = spawnSync("actionlint", ["-no-color", "-shellcheck=", "-pyflakes=", ...files], { cwd: dir, encoding: "utf8" });
    expect(r.stdout + r.stderr).toBe("");
    writeFileSync(files[0]!, readFileSync(files[0]!, "utf8").replace("github.base_ref", "github.nothing"));
    expect(spawnSync("actionlint", ["-no-color", "-shellcheck=", "-pyflakes=", ...files], { cwd: dir }).status).toBe(1);
  });
  it("say the same to GitLab: the same commands, in the same jobs", () => {
    const p = parse(gitlabPipeline(o)) as Record<string, { script?: string[]; environment?: string; id_tokens?: object; rules?: { if: string }[] }>;
    for (const w of workflows(o)) for (const j of w.jobs) {
      const job = p[j.id]!;
      for (const s of j.steps) if (s.kind === "run" && s.name !== "Remove the identity") expect(job.script, j.id).toContain(s.run);
      expect(job.environment).toBe(j.environment);
      expect(job.id_tokens !== undefined).toBe(j.oidc === true);
      expect(job.rules?.length).toBeGreaterThan(0);
    }
  });
});
it("are checked in as the table says them", () => {
  for (const [file, text] of Object.entries({ ...githubWorkflows(OWN_WORKFLOWS), ".gitlab-ci.yml": gitlabPipeline(OWN_WORKFLOWS) })) expect(readFileSync(join(repo, file), "utf8"), file).toBe(text);
});
it.skipIf(!existsSync(join(repo, ".git")))("the pull request's commands run in a fresh clone", { timeout: 300_000 }, () => {
  const dir = join(mkdtempSync(join(tmpdir(), "clone-")), "clone");
  const env = { PATH: process.env["PATH"] ?? "", HOME: dirname(dir), BASE: "HEAD", GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" };
  expect(spawnSync("git", ["clone", "-q", repo, dir], { env, encoding: "utf8" }).stderr).toBe("");
  const steps = workflows(OWN_WORKFLOWS).find((w) => w.id === "pull-request")!.jobs.find((j) => j.id === "check")!.steps;
  for (const s of steps) {
    if (s.kind !== "run") continue;
    if (s.run.startsWith("npm ci")) {
      // What npm ci makes is here already: downloading it again would test the registry.
      symlinkSync(join(repo, "node_modules"), join(dir, "node_modules"));
      continue;
    }
    const r = spawnSync("bash", ["-eo", "pipefail", "-c", s.run], { cwd: dir, env, encoding: "utf8" });
    expect([s.run, r.status, r.status === 0 ? "" : r.stderr + r.stdout]).toEqual([s.run, 0, ""]);
  }
});
