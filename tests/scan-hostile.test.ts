import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, it } from "vitest";
import { positives, seeded } from "./fixtures/credentials/corpus.ts";

// What a repository may hold that a scanner would rather not meet: it says what it left out, and goes on with the rest.

const cli = join(resolve(import.meta.dirname, ".."), "dist/cli.js");
const home = mkdtempSync(join(tmpdir(), "hostile-"));
afterAll(() => { rmSync(home, { recursive: true, force: true }); });
const env = { PATH: process.env["PATH"] ?? "", HOME: home, NO_COLOR: "1", GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@acme.example", GIT_COMMITTER_NAME: "a", GIT_COMMITTER_EMAIL: "a@acme.example" };
const git = (dir: string, ...args: string[]): string => execFileSync("git", args, { cwd: dir, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1 << 28 });
const SECRET = `STRIPE_SECRET_KEY=${positives(1, seeded(3)).find((p) => p.kind.startsWith("stripe"))!.value}\n`;
interface Scan { readonly status: number | null; readonly mb: number; readonly findings: { code: string; message: string; at?: { file: string; line: number } }[]; readonly matches: { file: string; line: number }[]; readonly leftOut: { file: string; code: string }[]; readonly text: string }
/** The whole process, with the most memory that it held. */
async function scan(dir: string, args: string[], input?: string): Promise<Scan> {
  const fd = input === undefined ? null : openSync(input, "r");
  const child = spawn(process.execPath, ["--import", "data:text/javascript,process.on('exit',()=>process.stderr.write('\\npeak '+process.resourceUsage().maxRSS))", cli, "-C", dir, "scan", "--json", ...args], { env, stdio: [fd ?? "ignore", "pipe", "pipe"] });
  let out = "", err = "";
  child.stdout!.on("data", (d: Buffer) => { out += d.toString("utf8"); });
  child.stderr!.on("data", (d: Buffer) => { err += d.toString("utf8"); });
  const status = await new Promise<number | null>((done) => { child.on("close", done); });
  if (fd !== null) closeSync(fd);
  const json = JSON.parse(out) as Scan;
  expect(out).not.toContain("    at ");
  return { ...json, status, mb: Number(/peak (\d+)/.exec(err)?.[1]) / 1024, text: out };
}
const codes = (s: Scan): string[] => [...new Set(s.findings.map((f) => f.code))].sort();
const repository = (name: string): string => {
  const dir = join(home, name);
  mkdirSync(dir);
  git(dir, "init", "-q", "-b", "main");
  return dir;
};
/** One line of 200 MB with a credential in its middle. */
function longLine(file: string): void {
  const fd = openSync(file, "w");
  const part = Buffer.alloc(1 << 20, "lorem ipsum dolor ");
  for (let n = 0; n < 200; n++) {
    writeSync(fd, part);
    if (n === 120) writeSync(fd, ` ${SECRET.trim()} `);
  }
  closeSync(fd);
}

it("a line of 200 MB: in the tree, staged, in the history and on standard input, each under 300 MB, the credential in it found once", async () => {
  const dir = repository("long");
  longLine(join(dir, "long.txt"));
  writeFileSync(join(dir, "other.env"), SECRET);
  const tree = await scan(dir, []);
  git(dir, "add", "-A");
  const staged = await scan(dir, ["--staged"]);
  git(dir, "commit", "-qm", "Long");
  const history = await scan(dir, ["--history"]);
  const input = await scan(dir, ["-"], join(dir, "long.txt"));
  for (const [how, s, files] of [["tree", tree, ["long.txt", "other.env"]], ["staged", staged, ["long.txt", "other.env"]], ["history", history, ["long.txt", "other.env"]], ["input", input, ["(standard input)"]]] as const) {
    expect([how, s.status, s.matches.map((m) => m.file).sort()]).toEqual([how, 1, files]);
    expect([how, codes(s).includes("SCAN_LONG_LINE")]).toEqual([how, true]);
    expect(s.mb, how).toBeLessThan(300);
    expect(s.matches.every((m) => m.line === 1)).toBe(true);
  }
}, 300_000);
it("links in circles and out of the tree, unreadable files and folders, pipes, binaries: named, and the rest is scanned", async () => {
  const dir = join(home, "odd");
  mkdirSync(join(dir, "sub/deep"), { recursive: true });
  writeFileSync(join(dir, "sub/deep/real.env"), SECRET);
  symlinkSync("loop-b", join(dir, "loop-a"));
  symlinkSync("loop-a", join(dir, "loop-b"));
  symlinkSync("..", join(dir, "sub/deep/up"));
  symlinkSync("/etc", join(dir, "outside"));
  symlinkSync("nowhere", join(dir, "dangling"));
  symlinkSync("sub", join(dir, "inside"));
  execFileSync("mkfifo", [join(dir, "pipe")]);
  writeFileSync(join(dir, "image.bin"), Buffer.concat([Buffer.from([0, 1, 2]), Buffer.from(SECRET)]));
  const s = await scan(dir, []);
  expect(s.status).toBe(1);
  expect(s.matches.map((m) => m.file)).toEqual(["sub/deep/real.env"]);
  expect(s.leftOut.map((l) => `${l.code} ${l.file}`).sort()).toEqual(["SCAN_BINARY_LEFT_OUT image.bin", "SCAN_LINK_LEFT_OUT dangling", "SCAN_LINK_LEFT_OUT outside", "SCAN_LINK_LOOP loop-a", "SCAN_LINK_LOOP loop-b", "SCAN_LINK_LOOP sub/deep/up", "SCAN_NOT_A_FILE pipe"]);
});
it.skipIf(spawnSync("sh", ["-c", "command -v setpriv"]).status !== 0 && process.getuid?.() === 0)("a file and a folder that may not be read are errors with their names; the rest is scanned", () => {
  const dir = mkdtempSync(join(home, "closed-"));
  chmodSync(home, 0o755);
  chmodSync(dir, 0o755);
  mkdirSync(join(dir, "shut"));
  writeFileSync(join(dir, "shut/x.env"), SECRET);
  writeFileSync(join(dir, "secret.txt"), SECRET);
  writeFileSync(join(dir, "open.env"), SECRET);
  chmodSync(join(dir, "secret.txt"), 0);
  chmodSync(join(dir, "shut"), 0);
  // Root reads everything: somebody else looks.
  const command = [process.execPath, cli, "-C", dir, "scan", "--json"];
  const r = process.getuid?.() === 0 ? spawnSync("setpriv", ["--reuid", "65534", "--regid", "65534", "--clear-groups", ...command], { env, encoding: "utf8" }) : spawnSync(command[0]!, command.slice(1), { env, encoding: "utf8" });
  chmodSync(join(dir, "shut"), 0o700);
  if (r.status === 126 || /EACCES.*dist/.test(r.stderr)) return; // this machine keeps the build from other users
  const s = JSON.parse(r.stdout) as Scan;
  expect(s.leftOut.map((l) => `${l.code} ${l.file}`).sort()).toEqual(["SCAN_UNREADABLE secret.txt", "SCAN_UNREADABLE shut"]);
  expect([r.status, s.matches.map((m) => m.file)]).toEqual([1, ["open.env"]]);
});
it("text in UTF-16, however long, and names that no terminal should be shown", async () => {
  const dir = join(home, "utf16");
  mkdirSync(dir);
  const filler = "plain words and more of them\r\n".repeat(350_000);
  for (const [name, big] of [["little.txt", false], ["big.txt", true]] as const) {
    const body = Buffer.from(`\ufeff${filler}${SECRET}\r\n`, "utf16le");
    writeFileSync(join(dir, name), big ? body.swap16() : body);
  }
  writeFileSync(join(dir, "new\nline.env"), SECRET);
  const s = await scan(dir, []);
  expect(s.matches.map((m) => m.file).sort()).toEqual(["big.txt", "little.txt", "new\nline.env"]);
  expect(s.matches.filter((m) => m.file.endsWith(".txt")).every((m) => m.line >= 350_001)).toBe(true);
  const text = spawnSync(process.execPath, [cli, "-C", dir, "scan"], { env, encoding: "utf8" });
  expect(text.stdout + text.stderr).not.toContain("new\nline");
});
it("a credential that is a file's name is found, in the tree, staged and in the history, and its name is nowhere shown", async () => {
  const dir = repository("names"), value = SECRET.trim().split("=")[1]!;
  mkdirSync(join(dir, "deep"));
  for (const name of [`${value}.txt`, `deep/ü ${value} ${value}`, "plain.txt"]) writeFileSync(join(dir, name), "nothing\n");
  writeFileSync(join(dir, `${value}.bin`), Buffer.alloc(100));
  symlinkSync("/", join(dir, `link-${value}`));
  git(dir, "add", "-A");
  const places = (s: Scan): string[] => s.findings.filter((f) => f.code === "SCAN_CREDENTIAL").map((f) => f.at!.file);
  const expected = ["[stripe.secretKey].bin", "[stripe.secretKey].txt", "deep/ü [stripe.secretKey] [stripe.secretKey]", "deep/ü [stripe.secretKey] [stripe.secretKey]", "link-[stripe.secretKey]"];
  const tree = await scan(dir, []), staged = await scan(dir, ["--staged"]);
  git(dir, "commit", "-qm", "Names");
  git(dir, "rm", "-rqf", ".");
  git(dir, "commit", "-qm", "Gone");
  const history = await scan(dir, ["--history"]);
  for (const s of [tree, staged, history]) {
    expect([s.status, places(s).sort()]).toEqual([1, expected]);
    expect(s.matches.map((m) => m.file).sort()).toEqual(expected);
    expect(s.text).not.toContain(value);
  }
  expect(tree.leftOut).toContainEqual({ file: "[stripe.secretKey].bin", code: "SCAN_BINARY_LEFT_OUT" });
}, 60_000);

it("a shallow clone, a repository without a commit, and none at all: said, not guessed", async () => {
  const dir = repository("shallow-source");
  writeFileSync(join(dir, "a.env"), SECRET);
  git(dir, "add", "-A");
  git(dir, "commit", "-qm", "One");
  writeFileSync(join(dir, "a.env"), "nothing\n");
  git(dir, "commit", "-qam", "Two");
  const clone = join(home, "shallow");
  git(home, "clone", "-q", "--depth", "1", `file://${dir}`, clone);
  const s = await scan(clone, ["--history"]);
  expect([s.status, codes(s), s.matches]).toEqual([0, ["SCAN_HISTORY_SHALLOW"], []]);
  expect((await scan(dir, ["--history"])).matches).toHaveLength(1);
  const empty = repository("empty");
  expect((await scan(empty, ["--history"])).status).toBe(0);
  const none = join(home, "none");
  mkdirSync(none);
  const r = spawnSync(process.execPath, [cli, "-C", none, "scan", "--history", "--json"], { env: { ...env, GIT_CEILING_DIRECTORIES: home }, encoding: "utf8" });
  expect([r.status, (JSON.parse(r.stdout) as Scan).findings[0]?.code]).toEqual([2, "GIT_FAILED"]);
});
it("a binary blob of the history is looked at by name alone, and said", async () => {
  const dir = repository("binary");
  writeFileSync(join(dir, "x.bin"), Buffer.concat([Buffer.alloc(40), Buffer.from(SECRET)]));
  git(dir, "add", "-A");
  git(dir, "commit", "-qm", "Binary");
  const s = await scan(dir, ["--history"]);
  expect([s.status, s.leftOut]).toEqual([0, [{ file: "x.bin", code: "SCAN_BINARY_LEFT_OUT" }]]);
  expect(readFileSync(join(dir, "x.bin")).length).toBeGreaterThan(40);
});
