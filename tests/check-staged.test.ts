import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { expand } from "../schemas/template.ts";
import { as, makeBase, project, sops } from "./sealed-project.ts";

beforeAll(makeBase);
const DEV = "stacks/dev/secrets.sops.yaml";
const git = (dir: string, ...args: string[]): string => execFileSync("git", args, { cwd: dir, encoding: "utf8", stdio: "pipe", env: { PATH: process.env["PATH"], HOME: dir, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", GIT_AUTHOR_NAME: "t", GIT_AUTHOR_EMAIL: "t@example.com", GIT_COMMITTER_NAME: "t", GIT_COMMITTER_EMAIL: "t@example.com" } });
const staged = (dir: string): { codes: string[]; status: number | null; stdout: string } => as(null, dir, ["check", "--staged", "--json"]);
function repository(commit = true): string {
  const dir = project();
  writeFileSync(join(dir, ".gitignore"), "keys/\n");
  git(dir, "init", "-q");
  git(dir, "add", "-A");
  if (commit) git(dir, "commit", "-qm", "base");
  return dir;
}
const change = (dir: string, edit: (t: string) => string, file = DEV): void => {
  const before = readFileSync(join(dir, file), "utf8");
  expect(edit(before)).not.toBe(before);
  writeFileSync(join(dir, file), edit(before));
};

it("is content with ten sealed files before the first commit, and with nothing staged, without a key", () => {
  const dir = repository(false);
  const r = staged(dir);
  expect(r.codes).toEqual([]);
  expect(r.status).toBe(0);
  expect((JSON.parse(r.stdout) as { staged: string[] }).staged).toHaveLength(10);
  git(dir, "commit", "-qm", "base");
  expect(as(null, dir, ["check", "--staged"]).stdout).toContain("no sealed file is staged");
});
it.each<[string, (t: string) => string, string]>([
  ["a value in clear", (t) => t.replace(/value: ENC.*/, `value: ${expand("{hex:32}")}`), "SEAL_PLAINTEXT"],
  ["no mac", (t) => t.replace(/^ {4}mac: .*\n/m, ""), "SEAL_METADATA"],
  ["a recipient too few", (t) => t.replace(/^ {8}- enc: \|\n(?: {12}.*\n)+ {10}recipient: .*\n/m, ""), "SEAL_RECIPIENTS_STALE"],
  ["claims that nobody signed", (t) => t.replace("reason: initial", "reason: scheduled"), "SEAL_SIGNATURE_INVALID"],
  ["conflict markers", (t) => `<<<<<<< ours\n${t}`, "YAML_SYNTAX"],
])("refuses %s as the index holds it, whatever the work tree says, with the place", (_name, edit, code) => {
  const dir = repository();
  const good = readFileSync(join(dir, DEV), "utf8");
  change(dir, edit);
  expect(staged(dir).codes).toEqual([]); // not staged yet
  git(dir, "add", DEV);
  writeFileSync(join(dir, DEV), good);
  const r = staged(dir);
  expect(r.codes).toContain(code);
  expect(r.status).toBe(1);
  expect((JSON.parse(r.stdout) as { findings: { at: { file: string } }[] }).findings[0]!.at.file).toBe(DEV);
  git(dir, "add", DEV);
  expect(staged(dir).codes).toEqual([]);
});
it("judges peppers, and people as the index has them", () => {
  const dir = repository();
  change(dir, (t) => t.replace(/^(g1: ).*$/m, `$1${expand("{hex:32}")}`), "stacks/pepper.sops.yaml");
  git(dir, "add", "-A");
  expect(staged(dir).codes).toEqual(["SEAL_PLAINTEXT"]);
  git(dir, "reset", "-q", "--hard");
  change(dir, (t) => t.replace(/^ {4}engineer-1:[\s\S]*?(?=^ {4}auditor-1)/m, ""), "stacks/people.yaml");
  git(dir, "add", "-A");
  change(dir, (t) => `# touched\n${t}`);
  git(dir, "add", "-A");
  expect(staged(dir).codes).toContain("SEAL_RECIPIENTS_STALE");
});
it("refuses what is of this machine alone, in the index and in the whole check", () => {
  const dir = repository();
  mkdirSync(join(dir, ".stackseal/cache"), { recursive: true });
  writeFileSync(join(dir, ".stackseal/cache/audit.log"), "{}\n");
  expect(staged(dir).codes).toEqual([]);
  git(dir, "add", "-f", ".stackseal");
  const of = (r: { status: number | null; stdout: string }): unknown[] => [r.status, (JSON.parse(r.stdout) as { findings: { code: string; at?: { file: string } }[] }).findings.filter((f) => f.code === "WORK_DIR_TRACKED").map((f) => f.at?.file)];
  expect(of(staged(dir))).toEqual([1, [".stackseal/cache/audit.log"]]);
  expect(of(as(null, dir, ["check", "--json"]))).toEqual([1, [".stackseal/cache/audit.log"]]);
  git(dir, "rm", "-rq", "--cached", ".stackseal");
  expect(of(staged(dir))).toEqual([0, []]);
});
it.skipIf(!sops)("judges other tools' sops files by their own rule", () => {
  const dir = repository();
  writeFileSync(join(dir, "legacy.sops.json"), '{"a": "x", "b": 1}');
  git(dir, "add", "-A");
  expect(staged(dir).codes).toEqual(["SEAL_METADATA"]);
  execFileSync("sops", ["--config", "/dev/null", "encrypt", "-i", "--age", /recipient: (age1\w+)/.exec(readFileSync(join(dir, DEV), "utf8"))![1]!, join(dir, "legacy.sops.json")], { env: { PATH: process.env["PATH"], HOME: dir }, stdio: "pipe" });
  git(dir, "add", "-A");
  expect(staged(dir).codes).toEqual([]);
  change(dir, (t) => t.replace(/"a": "ENC[^"]*"/, '"a": "plain"'), "legacy.sops.json");
  git(dir, "add", "-A");
  expect(staged(dir).codes).toEqual(["SEAL_PLAINTEXT"]);
});
it("works in a project below the repository's top; elsewhere it is unusable input", () => {
  const dir = project();
  git(dir, "init", "-q");
  cpSync(join(dir, "stacks"), join(dir, "sub/stacks"), { recursive: true });
  change(dir, (t) => t.replace(/value: ENC.*/, "value: plain"), `sub/${DEV}`);
  git(dir, "add", "sub");
  expect(staged(join(dir, "sub")).codes).toEqual(["SEAL_PLAINTEXT"]);
  expect(as(null, project(), ["check", "--staged", "--json"])).toMatchObject({ status: 2, codes: ["SEAL_FORMAT"] });
});
