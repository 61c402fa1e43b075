import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { commands } from "../scripts/commands/index.ts";
import { SYSTEM } from "./context.ts";
import { previewEnvironment } from "../scripts/changes/previewed.ts";
import { githubWorkflows } from "../scripts/workflows/github.ts";
import { gitlabPipeline } from "../scripts/workflows/gitlab.ts";
import { placesFor } from "../scripts/workflows/places.ts";
import type { Options, Step } from "../scripts/workflows/step.ts";
import { workflows } from "../scripts/workflows/table.ts";
import { readProject } from "../stacks/read.ts";
import { systemClock } from "../lib/clock.ts";
import { ownHostFiles } from "../tools/workflows.ts";

const repo = resolve(import.meta.dirname, "..");
const environments = readProject(repo, { clock: systemClock }).environments;
const OWN: Options = { own: true, places: placesFor(environments) };
const theirs: Options = { own: false, places: [
  { name: "dev", tier: "development", aws: { accountId: "111111111111", region: "eu-west-1" }, payments: false }, { name: "qa", tier: "staging", aws: { accountId: "222222222222", region: "eu-west-1" }, payments: true },
  { name: "prod", tier: "production", aws: { accountId: "333333333333", region: "us-east-1" }, payments: true }, { name: "vaulted", tier: "production", aws: null, payments: true },
] };
const both = [["this repository's", OWN], ["an initialised project's", theirs]] as const;
const actionlint = spawnSync("actionlint", ["-version"]).status === 0;
const steps = (o: Options): Step[] => workflows(o).flatMap((w) => w.jobs.flatMap((j) => j.steps));
const runs = (o: Options): string[] => steps(o).flatMap((s) => (s.kind === "run" ? [s.run] : []));
interface Github { permissions: object; on: { push: { branches: string[] } }; concurrency: { group: string }; jobs: Record<string, { if?: string; permissions: Record<string, string>; environment?: string; needs?: string[]; steps: { uses?: string; run?: string; name?: string; with?: Record<string, string> }[] }> }
const DEFAULT = "github.ref_name == github.event.repository.default_branch";
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
      // Who may write a comment has the main branch's own code, and of the pull request nothing but a document of fields.
      expect(j.permissions["pull-requests"] === "write").toBe(file.includes("comment"));
      expect(j.permissions["id-token"] === "write").toBe(j.environment !== undefined);
      // Who may write to the repository runs git alone, and pushes no branch.
      if (j.permissions["contents"] === "write") for (const s of j.steps) if (s.run !== undefined) expect(s.run).toMatch(/^git (fetch origin "\+refs\/notes\/\*:refs\/notes\/\*"|notes |push origin refs\/notes\/stackseal$)/);
      // Whoever has an identity installs nothing: it runs the bundle that a job without credentials built.
      if (j.permissions["id-token"] === "write") expect(j.steps.map((s) => s.run ?? "").join("\n")).not.toMatch(/npm (ci|install)|npx (?!--no-install)/);
      if (j.permissions["id-token"] === "write") expect(j.steps.some((s) => s.run?.includes("sha256sum --check"))).toBe(true);
    }
    expect(all.filter((x) => x.j.permissions["contents"] === "write").map((x) => `${x.file} ${x.id}`)).toEqual([".github/workflows/deploy.yml verdict"]);
    const deploy = read(githubWorkflows(o)[".github/workflows/deploy.yml"]!).jobs;
    const staging = o.places.find((p) => p.tier === "staging")!.name;
    expect(deploy["deploy-prod"]?.needs).toEqual(["bundle", `staged-${staging}`]);
    expect(deploy[`staged-${staging}`]?.needs).toEqual(["bundle", `deploy-${staging}`, `deploy-${staging}-payments`]);
    expect(deploy["deploy-prod-payments"]).toMatchObject({ environment: "prod-payments", needs: ["bundle", "deploy-prod"] });
    expect(deploy["deploy-vaulted"]).toBeUndefined();
  });
  it("deploy nothing but the plan that the bundle's job made, and hand no event's text to a shell", () => {
    const deploys = runs(o).filter((r) => r.includes(" up "));
    expect(deploys).toHaveLength(o.places.filter((p) => p.aws).reduce((n, p) => n + (p.payments ? 2 : 1), 0));
    for (const r of deploys) expect(r).toMatch(/ up --env [a-z]+ --part (standard|payments) --plan approvals\/plan\.json( --base "\$BASE")? --yes$/);
    // Whose people say who may approve is what stood before the change, however many commits it came by.
    for (const r of deploys) expect([r, r.includes("--base")]).toEqual([r, r.includes(" --env prod ")]);
    for (const [, text] of Object.entries(githubWorkflows(o))) for (const j of Object.values(read(text).jobs)) for (const s of j.steps) expect(s.run ?? "").not.toContain("${{");
  });
  it("let nothing that a job with fewer rights kept take the place of what this one runs, and deploy from the default branch alone", () => {
    for (const [file, text] of Object.entries(githubWorkflows(o))) for (const [id, j] of Object.entries(read(text).jobs)) {
      const writes = Object.values(j.permissions).includes("write") && j.permissions["id-token"] === undefined;
      for (const s of j.steps) if (writes && s.uses?.startsWith("actions/download-artifact@")) expect([file, id, s.with?.["path"]]).toEqual([file, id, "${{ runner.temp }}/kept"]);
    }
    const deploy = read(githubWorkflows(o)[".github/workflows/deploy.yml"]!);
    for (const [id, j] of Object.entries(deploy.jobs)) expect([id, id === "bundle" || id === "verdict" ? j.if : (j.needs ?? []).includes("bundle")]).toEqual([id, id === "bundle" ? DEFAULT : id === "verdict" ? `always() && ${DEFAULT}` : true]);
    expect(deploy.on.push.branches).toContain("master");
    // Two forks may call a branch alike: neither's comment takes the other's turn.
    expect(read(githubWorkflows(o)[".github/workflows/comment.yml"]!).concurrency.group).toContain("head_repository.full_name");
  });
  it("watch every night and every quarter", () => {
    const of = (id: string): string => workflows(o).find((w) => w.id === id)!.jobs.flatMap((j) => j.steps.flatMap((s) => (s.kind === "run" ? [s.run] : []))).join("\n");
    for (const p of o.places.filter((x) => x.aws)) for (const c of [`rotate due --env ${p.name}`, `drift --env ${p.name}`, `policies --env ${p.name} --state ${p.name}-foundation.json --state ${p.name}.json`, `doctor --env ${p.name} --part standard`]) expect(of("nightly")).toContain(c);
    for (const c of ["audit log", "audit report", "access review", "backup create", "stackseal audit bundle", "stackseal backup drill", "stackseal access apply"]) expect(of("quarterly")).toContain(c);
  });
  it("run only commands and flags that exist", async () => {
    for (const line of runs(o)) for (const m of line.matchAll(/(?:npx --no-install stackseal|node dist\/cli\.js|'stackseal) ([^|>&']+)/g)) {
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
    // One bundle, the first one, serves the nights and the quarters too.
    const jobs = workflows(o).filter((x) => x.on !== "judged").flatMap((w) => w.jobs);
    for (const j of jobs.filter((x) => x.id !== "bundle" || x === jobs.find((y) => y.id === "bundle"))) {
      const job = p[j.id]!;
      for (const s of j.steps) if (s.kind === "run" && !s.run.startsWith("rm ")) expect(job.script?.map((l) => l.replace(/ \|\| FAILED=1$/, "")), j.id).toContain(s.run);
      expect(job.environment).toBe(j.environment);
      expect(job.id_tokens !== undefined).toBe(j.oidc === true);
      expect(job.rules?.length).toBeGreaterThan(0);
    }
    expect(p["comment"]).toMatchObject({ needs: ["check"], rules: [{ if: '$CI_PIPELINE_SOURCE == "merge_request_event"' }] });
  });
});
it("are checked in as the table says them", () => {
  for (const [file, text] of Object.entries(ownHostFiles(repo))) expect(readFileSync(join(repo, file), "utf8"), file).toBe(text);
});
interface Trust { Statement: { Condition?: { StringEquals?: Record<string, string> } }[] }
it("name the roles, identities, buckets and deployment environments that the foundation stack declares", { timeout: 120_000 }, async () => {
  for (const d of environments.filter((e) => e.tier !== "local")) {
    const { graph } = await previewEnvironment({ ...SYSTEM, root: repo, envs: [d.name] }, d);
    const inputs = (type: string): Record<string, unknown>[] => graph.filter((r) => r.type === type).map((r) => r.inputs);
    const roles = new Map(inputs("aws:iam/role:Role").map((r) => [r["name"] as string, r["assumeRolePolicy"] as string]));
    const secrets = new Set(inputs("aws:secretsmanager/secret:Secret").map((s) => s["name"]));
    const buckets = new Set(inputs("aws:s3/bucket:Bucket").map((b) => b["bucket"]));
    const jobs = workflows(OWN).flatMap((w) => w.jobs).filter((j) => j.oidc === true && j.steps.some((s) => s.kind === "cloud" && s.roleArn.includes(`stackseal-${d.name}-`)));
    expect(jobs.length).toBeGreaterThan(4);
    for (const j of jobs) for (const s of j.steps) {
      if (s.kind === "cloud") {
        const [, account, name = ""] = /^arn:aws:iam::(\d+):role\/(.+)$/.exec(s.roleArn) ?? [];
        expect([account, s.region]).toEqual(d.environment.store.kind === "aws" ? [d.environment.store.accountId, d.environment.store.region] : []);
        const trust = JSON.parse(roles.get(name) ?? "{}") as Trust;
        const subjects = trust.Statement.flatMap((x) => Object.entries(x.Condition?.StringEquals ?? {})).filter(([k]) => k.endsWith(":sub")).map(([, v]) => v);
        expect(subjects, `${j.id} as ${name}`).toEqual([`repo:acme/platform-credentials:environment:${j.environment!}`]);
      }
      if (s.kind === "run") {
        const role = /identity fetch --env \S+ --role (\S+)/.exec(s.run)?.[1];
        if (role !== undefined) expect([...secrets], j.id).toContain(`stackseal/${d.name}/identity/${role}`);
        const backend = s.env?.["PULUMI_BACKEND_URL"];
        if (backend?.of === "text") expect([...buckets]).toContain(/^s3:\/\/([^?]+)/.exec(backend.text)?.[1]);
      }
    }
  }
});
it.skipIf(!existsSync(join(repo, ".git")))("the pull request's commands run in a fresh clone", { timeout: 300_000 }, () => {
  const dir = join(mkdtempSync(join(tmpdir(), "clone-")), "clone");
  const origin = join(dirname(dir), "origin.git");
  const env = { PATH: process.env["PATH"] ?? "", HOME: dirname(dir), BASE: "HEAD", GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" };
  for (const args of [["--bare", repo, origin], [origin, dir]]) expect(spawnSync("git", ["clone", "-q", ...args], { env, encoding: "utf8" }).stderr).toBe("");
  // And what needs no credential of the others: the comment (printed where there is no token) and the bundle with its plan.
  const of = (workflow: string, job: string): Step[] => [...workflows(OWN).find((w) => w.id === workflow)!.jobs.find((j) => j.id === job)!.steps];
  const commented = of("comment", "comment").filter((s) => s.kind === "run" && s.run.includes(" comment "));
  const todo = [...of("pull-request", "check"), ...commented, ...of("deploy", "bundle").filter((s) => s.kind === "run" && /^(Check|Plan|Pack)/.test(s.name)), ...of("deploy", "verdict")];
  expect([commented.length, todo.filter((s) => s.kind === "run").length]).toEqual([1, 12]);
  // What another merge's job had noted stays.
  const git = (...args: string[]): string => spawnSync("git", ["-c", "user.name=x", "-c", "user.email=x", ...args], { cwd: origin, env, encoding: "utf8" }).stdout;
  git("notes", "--ref", "stackseal", "add", "-m", "policies: held", "HEAD^");
  for (const s of todo) {
    if (s.kind !== "run") continue;
    if (s.run.startsWith("npm ci")) {
      // What npm ci makes is here already: downloading it again would test the registry.
      symlinkSync(join(repo, "node_modules"), join(dir, "node_modules"));
      continue;
    }
    const own = Object.fromEntries(Object.entries(s.env ?? {}).flatMap(([k, v]) => (v.of === "text" ? [[k, v.text]] : v.of === "kept" ? [[k, v.name]] : [])));
    const r = spawnSync("bash", ["-eo", "pipefail", "-c", s.run], { cwd: dir, env: { ...env, ...own }, encoding: "utf8" });
    expect([s.run, r.status, r.status === 0 ? "" : r.stderr + r.stdout]).toEqual([s.run, 0, ""]);
    if (s.run.includes(" comment ")) expect(r.stdout).toMatch(/^<!-- stackseal:preview -->\n## Stackseal preview/);
  }
  expect([git("notes", "--ref", "stackseal", "show", "HEAD^"), git("notes", "--ref", "stackseal", "show", "HEAD")]).toEqual(["policies: held\n", "policies: held\n"]);
  expect(spawnSync("tar", ["-tzf", join(dir, "bundle.tgz"), "./approvals/plan.json"]).status).toBe(0);
});
