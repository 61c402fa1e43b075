import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { expand } from "../schemas/template.ts";
import { parseClear, type ClearFile } from "../seal/clear.ts";
import { openSealed } from "../seal/open.ts";
import { as, keys, makeBase, project, repo, sops, type Ran } from "./sealed-project.ts";

// Merge and diff drivers under the real git.

beforeAll(makeBase);
const DEV = "stacks/dev/secrets.sops.yaml";
const token = (): string => expand("{hex:32}");
const env = (dir: string, who: string | null): NodeJS.ProcessEnv => ({
  PATH: process.env["PATH"], HOME: dir, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", GIT_AUTHOR_NAME: "t", GIT_AUTHOR_EMAIL: "t@example.com", GIT_COMMITTER_NAME: "t", GIT_COMMITTER_EMAIL: "t@example.com", EDITOR: "true",
  ...(who !== null && { SOPS_AGE_KEY_FILE: join(dir, "keys", `${who}.age`), STACKSEAL_SIGNING_KEY: join(dir, "keys", `${who}.ssh`) }),
});
const git = (dir: string, args: readonly string[], who: string | null = "super-admin-1"): { status: number | null; out: string } => {
  const r = spawnSync("git", args, { cwd: dir, env: env(dir, who), encoding: "utf8" });
  return { status: r.status, out: r.stdout + r.stderr };
};
const ok = (dir: string, args: readonly string[], who?: string | null): string => {
  const r = git(dir, args, who);
  if (r.status !== 0) throw new Error(`git ${args.join(" ")}: ${r.out}`);
  return r.out;
};
const text = (dir: string): string => readFileSync(join(dir, DEV), "utf8");
const file = (dir: string): ClearFile => parseClear(text(dir), DEV).sealed!;
const leaves = (f: ClearFile): Map<string, string> => new Map(f.credentials.map((c) => [c.path, c.leaf]));
const opened = async (dir: string): Promise<ReadonlyMap<string, string>> => (await openSealed(file(dir), [keys["super-admin-1"]!.identity])).values;
const set = (dir: string, path: string, value: string, who = "engineer-1"): Ran => as(who, dir, ["secret", "set", path, "--env", "dev", "--reason", "scheduled"], value);

/** A repository with the drivers installed, and a branch `side` beside `main`, both from the same commit. */
function branches(): string {
  const dir = project();
  writeFileSync(join(dir, ".gitignore"), "keys/\n*.lock\n.stackseal/\n");
  ok(dir, ["init", "-q", "-b", "main"]);
  expect(as(null, dir, ["secret", "merge", "--install"]).status).toBe(0);
  expect(as(null, dir, ["secret", "merge", "--install"]).stdout).not.toContain("new line");
  ok(dir, ["add", "-A"]);
  ok(dir, ["commit", "-qm", "base"]);
  ok(dir, ["branch", "side"]);
  return dir;
}
function on(dir: string, branch: string, change: () => Ran | string, message = branch): void {
  ok(dir, ["checkout", "-q", branch]);
  const r = change();
  if (typeof r !== "string" && r.status !== 0) throw new Error(r.stderr);
  ok(dir, ["commit", "-qam", message]);
}
const codesOf = (dir: string): string[] => as(null, dir, ["check", "--json"]).codes;

describe("the merge driver", () => {
  it.each(["merge", "rebase"])("%s: both sides' values, each byte for byte, and a new mac", async (how) => {
    const dir = branches();
    const [one, two] = [token(), expand("{uuid}")];
    on(dir, "side", () => set(dir, "vapi.token", two));
    const side = leaves(file(dir));
    on(dir, "main", () => set(dir, "twilio.authToken", one));
    const main = leaves(file(dir));
    if (how === "merge") ok(dir, ["merge", "-q", "--no-edit", "side"]);
    else {
      ok(dir, ["checkout", "-q", "side"]);
      ok(dir, ["rebase", "-q", "main"]);
    }
    const values = await opened(dir);
    expect([values.get("twilio.authToken"), values.get("vapi.token")]).toEqual([one, two]);
    for (const [path, leaf] of leaves(file(dir))) expect(leaf).toBe(path === "vapi.token" ? side.get(path) : main.get(path));
    expect(codesOf(dir)).toEqual([]);
    if (sops) expect(execFileSync("sops", ["decrypt", "--extract", '["twilio"]["authToken"]["value"]', DEV], { cwd: dir, env: env(dir, "engineer-1"), encoding: "utf8" })).toBe(one);
  });
  it("a conflict only where both changed the same value; no marker shows a value; ours stands once theirs is deleted", async () => {
    const dir = branches();
    const [one, two, three] = [token(), token(), expand("{uuid}")];
    on(dir, "side", () => { set(dir, "vapi.token", three); return set(dir, "twilio.authToken", two); });
    on(dir, "main", () => set(dir, "twilio.authToken", one));
    const m = git(dir, ["merge", "--no-edit", "side"]);
    expect(m.status).toBe(1);
    expect(m.out).toContain("MERGE_CONFLICT");
    const marked = text(dir);
    expect(marked.match(/^(<{7}|={7}|>{7})/gm)).toHaveLength(3);
    for (const v of [one, two, three]) expect(marked + m.out).not.toContain(v);
    writeFileSync(join(dir, DEV), marked.replace(/^<{7}.*\n/m, "").replace(/^={7}\n[\s\S]*?^>{7}.*\n/m, ""));
    expect((await opened(dir)).get("twilio.authToken")).toBe(one);
    expect((await opened(dir)).get("vapi.token")).toBe(three);
    expect(codesOf(dir)).toEqual([]);
    expect(as("super-admin-1", dir, ["secret", "merge", DEV, "--take", "theirs", "--only", "twilio.authToken"]).status).toBe(0);
    expect((await opened(dir)).get("twilio.authToken")).toBe(two);
    expect(codesOf(dir)).toEqual([]);
  });
  it("a removed recipient stays removed, under a fresh key, and who merges signs", async () => {
    const dir = branches();
    const value = token();
    const gone = file(dir).sops.recipients.find((r) => as(null, dir, ["secret", "list", "--env", "dev", "--json"]).stdout.includes("engineer-1") && readFileSync(join(dir, "stacks/people.yaml"), "utf8").split("engineer-1:")[1]!.includes(r.recipient))!.recipient;
    const before = leaves(file(dir));
    // As sops updatekeys leaves it: the list is shorter, the data key the old one.
    on(dir, "side", () => { writeFileSync(join(dir, DEV), text(dir).replace(new RegExp(`^ {8}- enc: \\|\\n(?: {12}.*\\n)+ {10}recipient: ${gone}\\n`, "m"), "")); return ""; });
    expect(file(dir).sops.recipients.some((r) => r.recipient === gone)).toBe(false);
    on(dir, "main", () => set(dir, "twilio.authToken", value));
    ok(dir, ["merge", "-q", "--no-edit", "side"]);
    const after = file(dir);
    expect(after.sops.recipients.some((r) => r.recipient === gone)).toBe(false);
    expect(after.credentials.every((c) => c.leaf !== before.get(c.path) && c.claims!.sealedBy === "super-admin-1")).toBe(true);
    await expect(openSealed(after, [keys["engineer-1"]!.identity])).rejects.toThrow("SEAL_NOT_RECIPIENT");
    expect((await opened(dir)).get("twilio.authToken")).toBe(value);
    expect(codesOf(dir)).toEqual(["SEAL_RECIPIENTS_STALE"]); // people.yaml still names the engineer
  });
  it("one side sealed anew: its key and leaves stay, the other side's value is sealed under it", async () => {
    const dir = branches();
    const value = token();
    on(dir, "side", () => as("super-admin-1", dir, ["secret", "reseal", "--env", "dev"]));
    const side = leaves(file(dir));
    on(dir, "main", () => set(dir, "twilio.authToken", value));
    ok(dir, ["merge", "-q", "--no-edit", "side"]);
    expect((await opened(dir)).get("twilio.authToken")).toBe(value);
    expect(codesOf(dir)).toEqual([]);
    for (const [path, leaf] of leaves(file(dir))) if (path !== "twilio.authToken") expect(leaf).toBe(side.get(path));
  });
  it("without a key: git's own merge of lines, and why", () => {
    const dir = branches();
    on(dir, "side", () => set(dir, "vapi.token", expand("{uuid}")));
    on(dir, "main", () => set(dir, "twilio.authToken", token()));
    const m = git(dir, ["merge", "--no-edit", "side"], null);
    expect(m.status).toBe(1);
    expect(m.out).toContain("SEAL_NO_IDENTITY");
    expect(text(dir)).toMatch(/^<{7} ours\n {4}lastmodified|^<{7}/m);
    expect(as("super-admin-1", dir, ["secret", "merge", DEV]).status).toBe(0); // with a key at hand, nothing is in conflict
    expect(codesOf(dir)).toEqual([]);
  });
  it("a side that was tampered with isn't merged by value", () => {
    const dir = branches();
    on(dir, "side", () => { writeFileSync(join(dir, DEV), text(dir).replace("reason: initial", "reason: scheduled")); return ""; });
    on(dir, "main", () => set(dir, "twilio.authToken", token()));
    const m = git(dir, ["merge", "--no-edit", "side"]);
    expect(m.out).toContain("theirs: the file was changed after it was sealed");
    expect(as("super-admin-1", dir, ["secret", "merge", DEV, "--take", "ours", "--json"]).codes.length).toBeGreaterThan(0);
  });
  it("removed on one side and changed on the other is a conflict; added on one side is taken", async () => {
    const dir = branches();
    const value = token();
    const without = (t: string): string => t.replace(/^twilio:\n(?: .*\n)+/m, "");
    on(dir, "side", () => {
      if (sops) execFileSync("sops", ["unset", DEV, '["twilio"]'], { cwd: dir, env: env(dir, "engineer-1") });
      else writeFileSync(join(dir, DEV), without(text(dir)));
      return "";
    });
    on(dir, "main", () => set(dir, "twilio.authToken", value));
    const m = git(dir, ["merge", "--no-edit", "side"]);
    expect(m.status).toBe(1);
    if (!sops) return;
    expect(text(dir)).toContain("theirs: twilio.authToken removed");
    expect(as("super-admin-1", dir, ["secret", "merge", DEV, "--take", "theirs"]).status).toBe(0);
    expect((await opened(dir)).has("twilio.authToken")).toBe(false);
    expect(as("super-admin-1", dir, ["secret", "merge", DEV, "--take", "ours"]).status).toBe(0);
    expect((await opened(dir)).get("twilio.authToken")).toBe(value);
  });
});

describe("the diff driver", () => {
  it("says added, changed, sealed anew, moved and who may open it, without a key and never a value", () => {
    const dir = branches();
    const value = token();
    expect(as(null, dir, ["secret", "diff"]).stdout).toContain("no sealed value");
    set(dir, "twilio.authToken", value);
    const said = as(null, dir, ["secret", "diff", "--json"]);
    expect(JSON.parse(said.stdout)).toMatchObject({ ok: true, files: [{ file: DEV, credentials: [{ path: "twilio.authToken", change: "changed", reason: "scheduled", by: "engineer-1" }] }] });
    ok(dir, ["commit", "-qam", "set"]);
    as("super-admin-1", dir, ["secret", "reseal", "--env", "dev"]);
    const anew = JSON.parse(as(null, dir, ["secret", "diff", "--json"]).stdout) as { files: { file: string; freshKey: boolean; credentials: { change: string }[] }[] };
    expect(new Set(anew.files[0]!.credentials.map((c) => c.change))).toEqual(new Set(["resealed"]));
    expect(anew.files[0]!.freshKey).toBe(true);
    ok(dir, ["commit", "-qam", "reseal"]);
    const shown = ok(dir, ["log", "-p", "--format=", "--", DEV], null);
    expect(shown).toMatch(/^-? {4}issueId: /m);
    expect(shown).toMatch(/^\+ {4}sealed: /m);
    expect(shown).not.toContain("ENC[");
    expect(said.stdout + shown).not.toContain(value);
  });
  it("serves as git's external diff, and shows no value of a file that holds one in clear", () => {
    const dir = branches();
    ok(dir, ["config", "diff.stackseal.command", `node ${join(repo, "dist/cli.js")} secret diff`]);
    writeFileSync(join(dir, DEV), text(dir).replace(/^vapi:\n(?: .*\n)+/m, ""));
    expect(ok(dir, ["diff"], null)).toMatch(/- vapi\.token +removed/);
    ok(dir, ["config", "--unset", "diff.stackseal.command"]);
    const value = token();
    writeFileSync(join(dir, DEV), text(dir).replace(/value: ENC.*/, `value: ${value}`));
    const shown = ok(dir, ["diff"], null);
    expect(shown).toContain("SEAL_PLAINTEXT");
    expect(shown).not.toContain(value);
  });
});
