import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { parse } from "yaml";
import { githubWorkflows } from "../../scripts/workflows/github.ts";
import { gitlabPipeline } from "../../scripts/workflows/gitlab.ts";
import { cli, pathWithoutCli, repository } from "./repository.ts";
import { Runner } from "./runner.ts";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

it("tells of a request that breaks a rule: its job fails, and what the comment is made of is kept", async () => {
  const r = await repository();
  r.git("checkout", "-q", "-b", "work");
  r.edit("stacks/staging/environment.yaml", (t) => t.replace("port: 587", "port: 465"));
  r.commit("A port that doesn't fit");
  const env = { PATH: pathWithoutCli, HOME: r.root, NO_COLOR: "1", GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
  const runner = new Runner({ workflow: githubWorkflows({ own: true, places: [] })[".github/workflows/pull-request.yml"]!, origin: r.root, ref: "origin/work", shared: "", assume: () => Promise.reject(new Error("a pull request has no role")), env, github: { GITHUB_BASE_REF: "main" } });
  const ended = await runner.job("check");
  expect([ended.ok, ended.failed]).toEqual([false, "node dist/cli.js check"]);
  expect(ended.said).toMatch(/::error file=stacks\/staging\/environment\.yaml,line=\d+,col=\d+,title=SMTP_PORT_ENCRYPTION::/);
  const file = join(runner.artifacts, "comment.json/comment.json");
  expect((JSON.parse(readFileSync(file, "utf8")) as { ok: boolean; findings: { code: string }[] })).toMatchObject({ ok: false, findings: expect.arrayContaining([expect.objectContaining({ code: "SMTP_PORT_ENCRYPTION" })]) });
  expect(spawnSync(process.execPath, [cli, "comment", file], { env, encoding: "utf8" }).stdout).toContain("SMTP&#95;PORT&#95;ENCRYPTION");
  // GitLab's job goes through the same lines, keeps the same, and fails at its end.
  const { check } = parse(gitlabPipeline({ own: true, places: [] })) as { check: { script: string[]; artifacts: { when: string } } };
  const lines = check.script.filter((l) => !l.startsWith("npm "));
  const at = spawnSync("bash", ["-eo", "pipefail", "-c", lines.join("\n")], { cwd: ended.dir, env: { ...env, BASE: "origin/main" }, encoding: "utf8" });
  expect([at.status, at.stdout.includes("SMTP_PORT_ENCRYPTION::"), check.artifacts.when]).toEqual([1, true, "always"]);
});
