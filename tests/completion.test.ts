import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
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
    expect(offers("secret", "get", "twilio.auth")).toEqual(["twilio.authToken"]);
    expect(offers("-C", ".", "secret", "export", "--form")).toEqual(["--format"]);
  });
  it.skipIf(!has("fish"))("fish offers subcommands and environments", () => {
    const file = script("fish");
    const offers = (line: string): string[] => spawnSync("fish", ["-c", `source ${file}; complete -C '${line}'`], { cwd: repo, encoding: "utf8" }).stdout.split("\n").map((l) => l.split("\t")[0] ?? "");
    expect(offers("stackseal secret ex")).toContain("export");
    expect(offers("stackseal preview --env ")).toContain("staging");
  });
  it.skipIf(!has("zsh"))("zsh takes its script", () => { expect(spawnSync("zsh", ["-n", script("zsh")], { encoding: "utf8" }).stderr).toBe(""); });
  it.skipIf(!has("bash"))("bash knows every command and every flag of it", { timeout: 240_000 }, async () => {
    const file = script("bash");
    const specs = await Promise.all(commands.map((c) => c.load()));
    const asked = specs.map((c) => ({ c, words: ["stackseal", ...c.name.split(" "), "--"] }));
    const r = spawnSync("bash", ["-c", `source "$1"; while IFS= read -r line; do COMP_WORDS=($line); COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 )); COMPREPLY=(); _stackseal; echo "\${COMPREPLY[*]}"; done`, "bash", file], { cwd: repo, encoding: "utf8", input: asked.map((a) => a.words.join(" ")).join("\n") + "\n" });
    const lines = r.stdout.split("\n");
    asked.forEach(({ c }, i) => {
      const offered = lines[i]!.split(" ");
      const flags = [...(c.options ?? []).map((o) => o.flags.split(/[ ,]+/).find((w) => w.startsWith("--"))!), "--json", ...(c.wants === "none" ? [] : ["--env"])];
      expect(flags.filter((f) => !offered.includes(f)), c.name).toEqual([]);
    });
  });
  it.each(["zsh", "fish"])("%s names every command and flag", async (shell) => {
    const text = readFileSync(script(shell), "utf8");
    for (const c of await Promise.all(commands.map((x) => x.load()))) {
      expect(text, c.name).toContain(c.name.split(" ").at(-1));
      for (const o of c.options ?? []) { const f = o.flags.split(/[ ,]+/).find((w) => w.startsWith("--"))!; expect(text, `${c.name} ${f}`).toContain(shell === "fish" ? `-l ${f.slice(2)}` : f); }
    }
  });
  it("refuses another shell", () => { expect(spawnSync(process.execPath, [cli, "completion", "tcsh"], { encoding: "utf8" }).status).toBe(2); });
});

describe("the command line", () => {
  it("says what was meant, for a command and for a flag", () => {
    const err = (...args: string[]): string => spawnSync(process.execPath, [cli, ...args], { encoding: "utf8" }).stderr;
    expect(err("chek")).toContain("Did you mean check?");
    expect(err("check", "--jsn")).toContain("Did you mean --json?");
    expect(err("access", "ownrs")).toMatch(/Did you mean owners\?/);
  });
  it("says what was meant, for an environment and for a credential's kind", () => {
    const run = (...args: string[]): { hint?: string; code: string } | undefined => (JSON.parse(spawnSync(process.execPath, [cli, "-C", repo, ...args, "--json"], { encoding: "utf8" }).stdout) as { findings: { code: string; hint?: string }[] }).findings[0];
    expect(run("check", "--env", "stagin")).toMatchObject({ code: "ENVIRONMENT_UNKNOWN", hint: "did you mean staging?" });
    expect(run("rotate", "plan", "twilio.authTokn", "--env", "dev")).toMatchObject({ code: "CREDENTIAL_UNKNOWN", hint: "did you mean twilio.authToken?" });
    expect(spawnSync(process.execPath, [cli, "-C", repo, "secret", "get", "stripe.secretkey", "--env", "dev"], { encoding: "utf8" }).stderr).toContain("did you mean stripe.secretKey?");
    expect(spawnSync(process.execPath, [cli, "people", "add", "x", "--role", "enginer"], { encoding: "utf8" }).stderr).toContain("Did you mean engineer?");
    expect(run("doctor", "--env", "dev", "--only", "twillio")).toMatchObject({ code: "INTEGRATION_UNKNOWN", hint: "did you mean twilio?" });
  });
  it.skipIf(!has("tmux"))("fits a narrow terminal: no line is broken within a word", { timeout: 120_000 }, () => {
    const socket = `narrow-${process.pid}`;
    const tmux = (...args: string[]): string => spawnSync("tmux", ["-L", socket, ...args], { encoding: "utf8" }).stdout;
    const narrow = (command: string, columns: number): string[] => {
      tmux("new-session", "-d", "-x", String(columns), "-y", "200", "-s", "n", `cd '${repo}' && '${process.execPath}' '${cli}' ${command}; echo END-OF-IT; sleep 60`);
      try {
        for (const until = Date.now() + 90_000; Date.now() < until; spawnSync("sleep", ["0.2"])) {
          const shown = tmux("capture-pane", "-p", "-t", "n");
          if (shown.includes("END-OF-IT")) return shown.split("\n").map((l) => l.trimEnd()).filter((l) => l !== "");
        }
        return [];
      } finally {
        tmux("kill-session", "-t", "n");
      }
    };
    const whole = spawnSync(process.execPath, [cli, "access", "owners", "--check"], { cwd: repo, encoding: "utf8" });
    const words = new Set(`${spawnSync(process.execPath, [cli, "check"], { cwd: repo, encoding: "utf8" }).stderr} ${spawnSync(process.execPath, [cli, "check", "--help"], { cwd: repo, encoding: "utf8" }).stdout} ${whole.stdout}`.split(/\s+/));
    for (const command of ["check", "check --help"]) {
      const lines = narrow(command, 50);
      expect(lines.length, command).toBeGreaterThan(3);
      for (const l of lines) expect(l.length, l).toBeLessThanOrEqual(50);
      // Each line's last word is one of those that a wide terminal shows.
      const torn = lines.slice(0, -1).map((l) => l.split(/\s+/).at(-1)!).filter((w) => !words.has(w) && !/^[✓✗]|\d/.test(w) && w.length > 12);
      expect(torn, command).toEqual([]);
    }
    // A table wider than the terminal is told row by row; what is printed as it comes is broken between words as well.
    const matrix = narrow("access matrix", 60);
    expect(matrix.slice(0, 5)).toEqual(["local", "super-admin", "  standard all", "  payments all", "  settings all"]);
    const log = narrow("audit log --env dev", 80).slice(0, -1), logged = new Set(spawnSync(process.execPath, [cli, "audit", "log", "--env", "dev"], { cwd: repo, encoding: "utf8", maxBuffer: 64 << 20 }).stdout.split(/\s+/));
    expect(log.flatMap((l) => l.trim().split(/\s+/)).filter((w) => !logged.has(w))).toEqual([]);
    // Help, narrower than its columns: the same words as elsewhere. Commands to copy stay whole, whatever becomes of them.
    for (const command of ["init --help", "--help", "identity fetch --help"]) {
      const said = new Set(spawnSync(process.execPath, [cli, ...command.split(" ")], { cwd: repo, encoding: "utf8" }).stdout.split(/\s+/));
      const lines = narrow(command, 40), end = lines.indexOf("Examples:");
      const shown = (end < 0 ? lines.slice(0, -1) : lines.slice(0, end)).flatMap((l) => l.trim().split(/\s+/));
      expect(shown.length, command).toBeGreaterThan(60);
      expect(shown.filter((w) => !said.has(w)), command).toEqual([]);
    }
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
