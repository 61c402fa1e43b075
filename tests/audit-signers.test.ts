import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeEach, expect, it } from "vitest";

const repo = resolve(import.meta.dirname, "..");
const cli = join(repo, "dist/cli.js");
const home = mkdtempSync(join(tmpdir(), "home-"));
const identity = (name: string): Record<string, string> => ({ GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: `${name}@acme.example`, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: `${name}@acme.example` });
const env: Record<string, string> = { PATH: process.env["PATH"] ?? "", HOME: home, NO_COLOR: "1", GIT_CONFIG_NOSYSTEM: "1", ...identity("somebody") };
interface Change { commit: string; path: string; change: string; author: string; who: string; signature: { kind: string | null; state: string; by: string | null }; review: { claimed: string[]; codeOwners: string } }
let dir = "";
const git = (args: readonly string[], more: Readonly<Record<string, string>> = {}, input?: Buffer): string => execFileSync("git", args as string[], { cwd: dir, env: { ...env, ...more }, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"], ...(input && { input }) }).trim();
const stackseal = (args: readonly string[], more: Readonly<Record<string, string>> = {}): string => {
  const r = spawnSync(process.execPath, [cli, "-C", dir, ...args], { env: { ...env, ...more }, encoding: "utf8", maxBuffer: 64 << 20 });
  expect([r.status, r.stderr]).toEqual([0, ""]);
  return r.stdout;
};
/** The cold answer, which the cached one must equal. */
function log(more: Readonly<Record<string, string>> = {}): Change[] {
  const read = (): Change[] => (JSON.parse(stackseal(["audit", "log", "--json"], more)) as { changes: Change[] }).changes;
  const cold = read();
  expect(read()).toEqual(cold);
  return cold;
}
const of = (message: string, changes: readonly Change[] = log()): Change => changes.find((c) => c.commit === git(["log", "--format=%H", `--grep=^${message}$`]))!;
const edit = (file: string, from: string | RegExp, to: string): void => {
  const text = readFileSync(join(dir, file), "utf8");
  expect(text.replace(from, to)).not.toBe(text);
  writeFileSync(join(dir, file), text.replace(from, to));
};
function newKey(): { readonly file: string; readonly line: string } {
  const file = join(mkdtempSync(join(home, "key-")), "k");
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file]);
  return { file, line: readFileSync(`${file}.pub`, "utf8").trim().split(" ").slice(0, 2).join(" ") };
}
const signed = (key: string): string[] => ["-c", "gpg.format=ssh", "-c", `user.signingkey=${key}`];
let turn = 0;
/** A commit that changes dev's plan. */
function plan(message: string, sign: readonly string[] = [], more: Readonly<Record<string, string>> = {}, args: readonly string[] = []): void {
  edit("stacks/dev/environment.yaml", /plan: \w+/, `plan: ${["starter", "pro", "agency"][turn++ % 3]!}`);
  git([...sign, "commit", "-q", "-a", ...(sign.length ? ["-S"] : []), "-m", message, ...args], more);
}
const PEOPLE = "stacks/people.yaml";
/** The first signing key of a person in people.yaml. */
const give = (name: string, line: string): void => { edit(PEOPLE, new RegExp(`(\\n {4}${name}:[\\s\\S]*?signing: \\[)[^\\]]*\\]`), `$1"${line}"]`); };

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "signers-"));
  git(["init", "-q", "-b", "main"]);
  cpSync(join(repo, "stacks"), join(dir, "stacks"), { recursive: true, filter: (p) => !p.endsWith(".ts") });
  turn = 0;
});
afterAll(() => { rmSync(home, { recursive: true, force: true }); });

it("judges a key by people.yaml as it stood before the change landed: not by what came since, nor by what the change itself brings", () => {
  const [old, fresh] = [newKey(), newKey()];
  give("super-admin-1", old.line);
  git(["add", "-A"]);
  git([...signed(old.file), "commit", "-q", "-S", "-m", "Begin"]);
  plan("While it counts", signed(old.file));
  git(["switch", "-qc", "late"]);
  plan("Made while it counted, landed after", signed(old.file));
  git(["switch", "-q", "main"]);
  give("super-admin-1", fresh.line);
  git([...signed(fresh.file), "commit", "-q", "-a", "-S", "-m", "Another key, signed by itself"]);
  git(["merge", "-q", "--no-ff", "-m", "Merge late", "late"]);
  plan("By the stolen one", signed(old.file));
  plan("By the new one", signed(fresh.file));
  const changes = log();
  const fingerprint = execFileSync("ssh-keygen", ["-lf", `${old.file}.pub`], { encoding: "utf8" }).split(" ")[1]!;
  const state = (message: string): (string | null)[] => { const { signature: s, who } = of(message, changes); return [s.state, s.by, who]; };
  const nobody = "somebody <somebody@acme.example>";
  // The first people.yaml stands for what came before it, too: nothing else could.
  expect(state("Begin")).toEqual(["valid", "super-admin-1", "super-admin-1"]);
  expect(state("While it counts")).toEqual(["valid", "super-admin-1", "super-admin-1"]);
  expect(state("Made while it counted, landed after")).toEqual(["unknown-key", fingerprint, nobody]);
  expect(state("By the stolen one")).toEqual(["unknown-key", fingerprint, nobody]);
  expect(state("By the new one")).toEqual(["valid", "super-admin-1", "super-admin-1"]);
  expect(of("Another key, signed by itself", changes).signature.state).toBe("unknown-key");
  expect(stackseal(["audit", "log"])).toContain(`signed by a key that people.yaml named as nobody's then (${fingerprint})`);
}, 60_000);

it("counts no signature of somebody who had left, and a role as it was", () => {
  const [boss, eng] = [newKey(), newKey()];
  give("super-admin-1", boss.line);
  give("engineer-1", eng.line);
  git(["add", "-A"]);
  git(["commit", "-qm", "Begin"]);
  const merge = (name: string, key: string, more: Readonly<Record<string, string>> = {}): void => {
    git(["switch", "-qc", name]);
    edit("stacks/prod/payments.yaml", /path: [^,\n]+/, `path: /webhooks/${name}`);
    git(["commit", "-qam", `Topic ${name}`]);
    git(["switch", "-q", "main"]);
    git([...signed(key), "merge", "-q", "--no-ff", "-S", "-m", `Merge ${name}\n\nReviewed-by: engineer-1\nReviewed-by: super-admin-1`, name], { ...identity("merger"), ...more });
  };
  merge("one", eng.file);
  merge("two", boss.file);
  // What came later makes nobody more, nor less, than they were.
  edit(PEOPLE, /(\n {4}engineer-1:[\s\S]*?role: )[a-z-]+/, "$1super-admin");
  edit(PEOPLE, /(\n {4}engineer-1:[\s\S]*?tiers: \[)[^\]]*/, "$1development, staging, production");
  edit(PEOPLE, /(\n {4}super-admin-1:[\s\S]*?role: )[a-z-]+/, "$1engineer");
  git(["commit", "-qam", "Other roles"]);
  merge("three", eng.file);
  const at = (day: string): Record<string, string> => ({ GIT_AUTHOR_DATE: `${day}T12:00:00Z`, GIT_COMMITTER_DATE: `${day}T12:00:00Z` });
  edit(PEOPLE, /(\n {4}engineer-1:[^\n]*\n)/, "$1        until: \"2026-06-02\"\n");
  git(["commit", "-qam", "The engineer leaves"]);
  merge("four", eng.file, at("2026-06-01"));
  merge("five", eng.file, at("2026-06-02"));
  const changes = log();
  const owners = (name: string): [string, string[]] => { const { review: r } = of(`Topic ${name}`, changes); return [r.codeOwners, r.claimed]; };
  expect(owners("one")).toEqual(["claimed", ["super-admin-1"]]);
  expect(owners("two")).toEqual(["satisfied", ["engineer-1"]]);
  expect(owners("three")).toEqual(["satisfied", ["super-admin-1"]]);
  expect(owners("four")[0]).toBe("satisfied");
  expect(owners("five")).toEqual(["claimed", ["engineer-1", "super-admin-1"]]);
}, 60_000);

it("verifies a commit in another encoding over its own bytes, and reads what it says in it", () => {
  const key = newKey();
  give("super-admin-1", key.line);
  git(["add", "-A"]);
  git(["commit", "-qm", "Begin"]);
  edit("stacks/dev/environment.yaml", /plan: \w+/, "plan: starter");
  const latin = Buffer.from("Größer\n\nReviewed-by: Jürgen\n", "latin1");
  git([...signed(key.file), "-c", "i18n.commitEncoding=ISO-8859-1", "commit", "-q", "-a", "-S", "-F", "-"], {}, latin);
  expect(execFileSync("git", ["cat-file", "commit", "HEAD"], { cwd: dir, env }).includes(latin)).toBe(true);
  const [change] = log();
  expect([change!.signature.state, change!.review.claimed]).toEqual(["valid", ["Jürgen"]]);
}, 60_000);

it("lets nothing of a name reach the terminal but its letters", () => {
  git(["add", "-A"]);
  git(["commit", "-qm", "Begin"]);
  plan("A plan\n\nReviewed-by: \u001b]0;title\u0007 \u202eadmin", [], { ...identity("x"), GIT_AUTHOR_NAME: "a\u001b[2Jb\u009b1mc\u202ed" });
  const out = stackseal(["audit", "log"]);
  expect(out).toContain("a\ufffd[2Jb\ufffd1mc\ufffdd <x@acme.example>");
   
  expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
}, 60_000);

const hasGpg = spawnSync("gpg", ["--version"]).status === 0;
it.skipIf(!hasGpg)("counts OpenPGP keys that people.yaml names, while they are good, where this machine's gpg has them", () => {
  const gnupg = mkdtempSync(join(tmpdir(), "gpg-"));
  const gpg = (args: readonly string[], input = ""): string => execFileSync("gpg", ["--homedir", gnupg, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", ...args], { encoding: "utf8", input, stdio: ["pipe", "pipe", "pipe"] });
  const make = (name: string, expire: string): string => {
    gpg(["--quick-generate-key", `${name} <${name}@acme.example>`, "ed25519", "sign", expire]);
    return /^fpr:+([0-9A-F]{40}):/m.exec(gpg(["--list-keys", "--with-colons", name]))![1]!;
  };
  try {
    const [named, stranger, short] = [make("named", "never"), make("stranger", "never"), make("short", "seconds=3")];
    edit(PEOPLE, /(\n {4}engineer-1:[^\n]*\n)/, `$1        openpgp: ["${named}", "${short}"]\n`);
    git(["add", "-A"]);
    git(["commit", "-qm", "Begin"]);
    const own = { GNUPGHOME: gnupg };
    for (const [message, key] of [["Named", named], ["Stranger", stranger], ["Short", short]] as const) plan(message, ["-c", `user.signingkey=${key}`], own);
    spawnSync("sleep", ["4"]);
    const state = (message: string, changes: readonly Change[]): (string | null)[] => { const { signature: s } = of(message, changes); return [s.kind, s.state, s.by]; };
    const without = mkdtempSync(join(home, "gpg-"));
    expect(["Named", "Short"].map((m) => state(m, log({ GNUPGHOME: without }))[1])).toEqual(["unchecked", "unchecked"]);
    // With the keys at hand the cache of the time without them isn't believed.
    const changes = log(own);
    expect(state("Named", changes)).toEqual(["gpg", "valid", "engineer-1"]);
    expect(state("Stranger", changes)).toEqual(["gpg", "unknown-key", stranger]);
    expect(state("Short", changes)).toEqual(["gpg", "unknown-key", short]);
    gpg(["--import"], readFileSync(join(gnupg, "openpgp-revocs.d", `${named}.rev`), "utf8").replace(/^:(-----BEGIN)/m, "$1"));
    expect(state("Named", log(own))).toEqual(["gpg", "unknown-key", named]);
    // A program that the clone's configuration names in gpg's place isn't run.
    mkdirSync(join(home, "bin"), { recursive: true });
    writeFileSync(join(home, "bin/evil"), `#!/bin/sh\necho "[GNUPG:] GOODSIG x" >&2\necho "[GNUPG:] VALIDSIG ${named} 0 ${named}" >&2\n`, { mode: 0o755 });
    git(["config", "gpg.program", join(home, "bin/evil")]);
    expect(of("Stranger", log({ ...own })).signature.by).toBe(stranger);
    rmSync(join(dir, ".stackseal"), { recursive: true });
    expect(of("Stranger").signature.state).toBe("unchecked");
  } finally {
    spawnSync("gpgconf", ["--homedir", gnupg, "--kill", "all"]);
    rmSync(gnupg, { recursive: true, force: true });
  }
}, 60_000);
