import { execFileSync, spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { expand } from "../schemas/template.ts";
import { parseClear } from "../seal/clear.ts";
import { openSealed } from "../seal/open.ts";
import { as, keys, makeBase, project, repo } from "./sealed-project.ts";

beforeAll(makeBase);
const DEV = "stacks/dev/secrets.sops.yaml";
const token = (): string => expand("{hex:32}");
const set = (dir: string, value: string, ...more: string[]): ReturnType<typeof as> => as("engineer-1", dir, ["secret", "set", "twilio.authToken", "--env", "dev", "--reason", "scheduled", "--json", ...more], value);
const opened = async (dir: string): Promise<string | undefined> => (await openSealed(parseClear(readFileSync(join(dir, DEV), "utf8"), DEV).sealed!, [keys["engineer-1"]!.identity])).values.get("twilio.authToken");
const git = (dir: string, ...args: string[]): string => execFileSync("git", args, { cwd: dir, encoding: "utf8", stdio: "pipe", env: { PATH: process.env["PATH"], HOME: dir, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", GIT_AUTHOR_NAME: "t", GIT_AUTHOR_EMAIL: "t@example.com", GIT_COMMITTER_NAME: "t", GIT_COMMITTER_EMAIL: "t@example.com" } });

it("refuses a value that was in force at any time before, on any branch, whatever it is called now", () => {
  const dir = project();
  writeFileSync(join(dir, ".gitignore"), "keys/\n");
  git(dir, "init", "-q", "-b", "main");
  git(dir, "add", "-A");
  git(dir, "commit", "-qm", "base");
  const [first, second] = [token(), token()];
  for (const v of [first, second]) {
    expect(set(dir, v).codes).toEqual([]);
    git(dir, "commit", "-qam", "set");
  }
  const before = readFileSync(join(dir, DEV), "utf8");
  expect(set(dir, second).codes).toEqual(["VALUE_UNCHANGED"]);
  const back = set(dir, first);
  expect(back.codes).toEqual(["VALUE_RETURNED"]);
  expect(back.status).toBe(1);
  expect(back.stdout).not.toContain(first);
  expect(readFileSync(join(dir, DEV), "utf8")).toBe(before);
});
it("reads the value from a file, and refuses it as an argument", () => {
  const dir = project();
  const value = token();
  writeFileSync(join(dir, "keys/value"), value);
  expect(set(dir, "", "--file", join(dir, "keys/value")).codes).toEqual([]);
  expect(as("engineer-1", dir, ["secret", "get", "twilio.authToken", "--env", "dev"]).stdout).toBe(value);
  expect(as("engineer-1", dir, ["secret", "set", "twilio.authToken", token(), "--env", "dev", "--reason", "scheduled"]).status).toBe(2);
  expect(set(dir, "", "--file", join(dir, "keys/none")).status).toBe(2);
});
const script = spawnSync("script", ["--version"]).status === 0;
it.skipIf(!script)("asks on a terminal without echo; prints a value to one only with --reveal", async () => {
  const dir = project();
  const value = token();
  const terminal = (args: string, answer?: string): Promise<string> => new Promise((done) => {
    const child = spawn("script", ["-qec", `${process.execPath} ${join(repo, "dist/cli.js")} -C ${dir} --now 2026-11-24 --no-color ${args}`, "/dev/null"], { env: { PATH: process.env["PATH"], HOME: dir, TERM: "xterm", SOPS_AGE_KEY: keys["engineer-1"]!.identity, STACKSEAL_SIGNING_KEY: join(dir, "keys/engineer-1.ssh") } });
    let shown = "";
    let asked = false;
    child.stdout.on("data", (d: Buffer) => {
      shown += d.toString();
      if (answer !== undefined && !asked && shown.includes("value (not shown)")) {
        asked = true;
        child.stdin.write(`${answer}\r`);
      }
    });
    child.on("close", () => { done(shown); });
  });
  const shown = await terminal("secret set twilio.authToken --env dev --reason scheduled", value);
  expect(shown).toContain("sealed twilio.authToken");
  expect(shown).not.toContain(value);
  expect(await terminal("secret get twilio.authToken --env dev")).toContain("REVEAL_NEEDED");
  expect(await terminal("secret get twilio.authToken --env dev --reveal")).toContain(value);
});
it("killed at any moment leaves the old file or the new one, readable, and the next run works", async () => {
  const dir = project();
  const values = [await opened(dir)];
  for (let round = 0; round < 8; round++) {
    const value = token();
    values.push(value);
    const child = spawn(process.execPath, [join(repo, "dist/cli.js"), "-C", dir, "--now", "2026-11-24", "secret", "set", "twilio.authToken", "--env", "dev", "--reason", "scheduled"], { stdio: ["pipe", "ignore", "ignore"], env: { PATH: process.env["PATH"], HOME: dir, SOPS_AGE_KEY_FILE: join(dir, "keys/engineer-1.age"), STACKSEAL_SIGNING_KEY: join(dir, "keys/engineer-1.ssh") } });
    child.stdin.on("error", () => undefined);
    child.stdin.end(value);
    const ended = new Promise<void>((done) => { child.on("close", () => { done(); }); });
    // Later rounds wait for the lock, the moment when something is about to be written.
    if (round % 2) for (let n = 0; n < 400 && child.exitCode === null && !readdirSync(join(dir, "stacks/dev")).some((f) => f.endsWith(".lock") || f.endsWith(".tmp")); n++) await new Promise((r) => { setTimeout(r, 5); });
    else await new Promise((r) => { setTimeout(r, 60 * round); });
    child.kill("SIGKILL");
    await ended;
    expect(values).toContain(await opened(dir));
    expect(as(null, dir, ["check", "--env", "dev", "--json"]).codes).toEqual([]);
  }
  const value = token();
  expect(set(dir, value).codes).toEqual([]);
  expect(await opened(dir)).toBe(value);
  expect(readdirSync(join(dir, "stacks/dev")).filter((f) => f.endsWith(".lock"))).toEqual([]);
  rmSync(dir, { recursive: true, force: true });
});
