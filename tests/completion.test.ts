import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { commands } from "../scripts/commands/index.ts";
import { manPage } from "../scripts/render/man.ts";

const repo = resolve(import.meta.dirname, "..");
const cli = join(repo, "dist/cli.js");
const has = (name: string): boolean => (process.env["PATH"] ?? "").split(":").some((d) => existsSync(join(d, name)));
const script = (shell: string): string => {
  const file = join(mkdtempSync(join(tmpdir(), "completion-")), "script");
  writeFileSync(file, execFileSync(process.execPath, [cli, "completion", shell], { encoding: "utf8" }));
  return file;
};

describe("completion", () => {
  it.skipIf(!has("bash"))("bash offers commands, subcommands, flags, choices, environments and credentials", () => {
    const file = script("bash");
    const offers = (...words: string[]): string[] =>
      spawnSync("bash", ["-c", `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _stackseal; printf '%s\\n' "\${COMPREPLY[@]}"`, "bash", file, "stackseal", ...words], { cwd: repo, encoding: "utf8" }).stdout.split("\n").filter((l) => l !== "");
    expect(offers("pre")).toEqual(["preview"]);
    expect(offers("secret", "ex")).toEqual(["export"]);
    expect(offers("preview", "--env", "")).toEqual(expect.arrayContaining(["dev", "local", "prod", "staging"]));
    expect(offers("secret", "set", "--reason", "comp")).toEqual(["compromise"]);
    expect(offers("secret", "get", "twilio")).toEqual(["twilio.authToken"]);
    expect(offers("-C", ".", "secret", "export", "--form")).toEqual(["--format"]);
  });
  it.skipIf(!has("fish"))("fish offers subcommands and environments", () => {
    const file = script("fish");
    const offers = (line: string): string[] => spawnSync("fish", ["-c", `source ${file}; complete -C '${line}'`], { cwd: repo, encoding: "utf8" }).stdout.split("\n").map((l) => l.split("\t")[0] ?? "");
    expect(offers("stackseal secret ex")).toContain("export");
    expect(offers("stackseal preview --env ")).toContain("staging");
  });
  it.skipIf(!has("zsh"))("zsh takes its script", () => { expect(spawnSync("zsh", ["-n", script("zsh")], { encoding: "utf8" }).stderr).toBe(""); });
  it("refuses another shell", () => { expect(spawnSync(process.execPath, [cli, "completion", "tcsh"], { encoding: "utf8" }).status).toBe(2); });
});

describe("the command line", () => {
  it("says what was meant, for a command and for a flag", () => {
    const err = (...args: string[]): string => spawnSync(process.execPath, [cli, ...args], { encoding: "utf8" }).stderr;
    expect(err("chek")).toContain("Did you mean check?");
    expect(err("check", "--jsn")).toContain("Did you mean --json?");
  });
  it("answers a usage error in JSON where JSON was asked for", () => {
    const r = spawnSync(process.execPath, [cli, "check", "--nonsense", "--json"], { encoding: "utf8" });
    expect([r.status, (JSON.parse(r.stdout) as { findings: { code: string }[] }).findings[0]?.code]).toEqual([2, "USAGE"]);
  });
  it("has one summary for each command, and examples", async () => {
    for (const c of commands) {
      const spec = await c.load();
      expect([spec.name, spec.summary], c.name).toEqual([c.name, c.summary]);
      expect(spec.examples.length, c.name).toBeGreaterThan(0);
    }
  });
  it("has a manual page that man reads without complaint", async () => {
    const page = manPage(await Promise.all(commands.map((c) => c.load())), "0.0.0");
    for (const c of commands) expect(page).toContain(`.SS "stackseal ${c.name.replaceAll("-", "\\-")}`);
    if (has("groff")) expect(spawnSync("groff", ["-man", "-Tutf8", "-ww"], { input: page, encoding: "utf8" }).stderr).toBe("");
  });
});
