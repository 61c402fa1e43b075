import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { pack } from "tar-stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

// What whoever can write to a bundle's folder, but can't sign, may try with its reader.

const repo = resolve(import.meta.dirname, "..");
const cli = join(repo, "dist/cli.js");
const home = mkdtempSync(join(tmpdir(), "hostile-"));
const base = { PATH: process.env["PATH"] ?? "", HOME: home, NO_COLOR: "1", GIT_CONFIG_NOSYSTEM: "1", TMPDIR: join(home, "tmp"), GIT_AUTHOR_NAME: "engineer", GIT_AUTHOR_EMAIL: "engineer@acme.example", GIT_COMMITTER_NAME: "engineer", GIT_COMMITTER_EMAIL: "engineer@acme.example" };
interface Said { readonly status: number | null; readonly codes: readonly string[]; readonly paths: readonly string[]; readonly hints: readonly string[]; readonly text: string }
/** Whatever it is given, a command ends by itself, with a document. */
const run = (dir: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Said => {
  const r = spawnSync(process.execPath, [cli, "-C", dir, ...args, "--json"], { env: { ...base, ...env }, encoding: "utf8", timeout: 60_000, killSignal: "SIGKILL" });
  const { findings } = JSON.parse(r.stdout || `{"findings":[{"code":"NO_DOCUMENT","message":""}]}`) as { findings: { code: string; message: string; path?: string; hint?: string }[] };
  return { status: r.status, codes: [...new Set(findings.map((f) => f.code))].sort(), paths: findings.map((f) => f.path ?? ""), hints: findings.flatMap((f) => f.hint ?? []), text: findings.map((f) => f.message).join("\n") };
};
const git = (dir: string, args: readonly string[], date: string): string => execFileSync("git", args, { cwd: dir, env: { ...base, GIT_COMMITTER_DATE: `${date}T12:00:00Z`, GIT_AUTHOR_DATE: `${date}T12:00:00Z` }, encoding: "utf8" });

describe("an evidence bundle in a stranger's hands", { timeout: 120_000 }, () => {
  const dir = join(home, "project"), q2 = join(home, "2026Q2"), q3 = join(home, "2026Q3"), signers = join(home, "signers");
  const key = join(home, "admin");
  const bundle = (out: string, ...more: string[]): Said => run(dir, ["audit", "bundle", "--out", join(home, out), ...more], { STACKSEAL_SIGNING_KEY: key });
  const verify = (at: string, ...more: string[]): Said => run(dir, ["audit", "verify", at, "--allowed-signers", signers, "--previous", q2, ...more]);
  const edit = (file: string, from: string | RegExp, to: string): void => {
    const text = readFileSync(join(dir, file), "utf8");
    expect(text.replace(from, to)).not.toBe(text);
    writeFileSync(join(dir, file), text.replace(from, to));
  };
  const commit = (message: string, date: string): void => { git(dir, ["add", "-A"], date); git(dir, ["commit", "-qm", message], date); };
  beforeAll(() => {
    mkdirSync(base.TMPDIR);
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "admin", "-f", key]);
    const pub = readFileSync(`${key}.pub`, "utf8").trim().split(" ").slice(0, 2).join(" ");
    writeFileSync(signers, `super-admin-1 ${pub}\n`);
    git(home, ["init", "-q", "-b", "main", dir], "2026-04-01");
    cpSync(join(repo, "stacks"), join(dir, "stacks"), { recursive: true, filter: (p) => !p.endsWith(".ts") });
    edit("stacks/people.yaml", /signing: \["[^"]+"\]/, `signing: ["${pub}"]`);
    commit("Begin", "2026-04-02");
    edit("stacks/dev/environment.yaml", "plan: agency", "plan: pro");
    commit("Another plan", "2026-07-20");
    edit("stacks/dev/environment.yaml", "plan: pro", "plan: agency");
    commit("The former plan", "2026-08-20");
    edit("stacks/dev/environment.yaml", "plan: agency", "plan: pro");
    commit("And again", "2026-10-20");
    expect(bundle("2026Q2", "--quarter", "2026Q2", "--now", "2026-07-01")).toMatchObject({ status: 0, codes: [] });
    expect(bundle("2026Q3", "--quarter", "2026Q3", "--previous", q2, "--now", "2026-10-01")).toMatchObject({ status: 0, codes: [] });
    expect(verify(q3)).toMatchObject({ status: 0, codes: [] });
  });
  afterAll(() => { rmSync(home, { recursive: true, force: true }); });

  const copy = (change: (c: string) => void): string => {
    const c = mkdtempSync(join(home, "copy-"));
    cpSync(q3, c, { recursive: true });
    change(c);
    return c;
  };
  const instead = (name: string, put: (path: string) => void) => (): string => copy((c) => { rmSync(join(c, name), { force: true }); put(join(c, name)); });
  const fifo = (path: string): void => { execFileSync("mkfifo", [path]); };
  const zero = (path: string): void => { symlinkSync("/dev/zero", path); };
  const folder = (path: string): void => { mkdirSync(path); };
  const huge = (path: string): void => { writeFileSync(path, ""); truncateSync(path, 1 << 29); };
  it.each([
    ["a pipe for a file", instead("git/log.jsonl", fifo), "BUNDLE_MISSING", "git/log.jsonl"], ["a link to what never ends", instead("git/log.jsonl", zero), "BUNDLE_MISSING", "git/log.jsonl"], ["a folder for a file", instead("git/log.jsonl", folder), "BUNDLE_MISSING", "git/log.jsonl"],
    ["a pipe for the signature", instead("manifest.json.sig", fifo), "BUNDLE_MISSING", "manifest.json.sig"], ["a folder for the signature", instead("manifest.json.sig", folder), "BUNDLE_MISSING", "manifest.json.sig"],
    ["half a gigabyte for the signature", instead("manifest.json.sig", huge), "BUNDLE_MISSING", "manifest.json.sig"], ["half a gigabyte for the manifest", instead("manifest.json", huge), "BUNDLE_MISSING", "manifest.json"], ["a pipe for the manifest", instead("manifest.json", fifo), "BUNDLE_MISSING", "manifest.json"],
    ["a pipe for the time stamp", instead("manifest.json.tsr", fifo), "BUNDLE_TIMESTAMP", "manifest.json.tsr"], ["a folder for the time stamp", instead("manifest.json.tsr", folder), "BUNDLE_TIMESTAMP", "manifest.json.tsr"], ["half a gigabyte for the time stamp", instead("manifest.json.tsr", huge), "BUNDLE_TIMESTAMP", "manifest.json.tsr"],
    ["a folder for the bucket's receipt", instead("manifest.json.lock.json", folder), "BUNDLE_LOCK", "manifest.json.lock.json"],
  ])("reads nothing of %s, and says so", (_says, made, code, path) => {
    const at = made();
    const said = verify(at);
    expect([said.status, said.codes, said.paths]).toEqual([1, [code], [`${at}/${path}`]]);
  });
  it("follows no path that an unsigned manifest names out of the bundle", () => {
    for (const [from, to] of [[`"timeStamp": null`, `"timeStamp": { "file": "../../../../../../dev/zero", "over": "git/commits.txt" }`], [`"path": "git/log.jsonl"`, `"path": "git/../../log.jsonl"`]] as const) {
      const at = copy((c) => {
        const text = readFileSync(join(c, "manifest.json"), "utf8");
        expect(text).toContain(from);
        writeFileSync(join(c, "manifest.json"), text.replace(from, to));
      });
      expect(verify(at)).toMatchObject({ status: 1, codes: ["BUNDLE_CHANGED", "BUNDLE_SIGNATURE"] });
    }
  });

  const tarWith = async (...more: { name: string; size?: number }[]): Promise<string> => {
    const p = pack();
    const names = readdirSync(q3, { recursive: true, withFileTypes: true }).filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name).slice(q3.length + 1)).sort();
    for (const name of names) p.entry({ name }, readFileSync(join(q3, name)));
    for (const e of more) p.entry({ name: e.name }, "x");
    p.finalize();
    const parts: Buffer[] = [];
    for await (const c of p) parts.push(Buffer.from(c as Uint8Array));
    const at = join(mkdtempSync(join(home, "tar-")), "b.tar");
    writeFileSync(at, Buffer.concat(parts));
    return at;
  };
  const whole = (): Buffer => readFileSync(`${q3}.tar`);
  /** A tar whose first file says that it is of 10 GiB. */
  const claims = (): Buffer => {
    const b = Buffer.from(whole());
    b.write("0120000000000\0".slice(-12), 124, "latin1");
    b.fill(0x20, 148, 156);
    const sum = b.subarray(0, 512).reduce((a, x) => a + x, 0);
    b.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    return b;
  };
  it.each([
    ["cut off in a file", () => whole().subarray(0, 700)], ["cut off in its middle", () => whole().subarray(0, Math.floor(whole().length / 2))], ["of a file larger than the tar", claims],
  ])("finds a tar %s", (_says, bytes) => {
    const at = join(mkdtempSync(join(home, "tar-")), "b.tar");
    writeFileSync(at, bytes());
    expect(verify(at)).toMatchObject({ status: 1, codes: ["BUNDLE_CHANGED"] });
  });
  it.each([["git/log.jsonl/x"], ["git"], [`git/${"n".repeat(300)}`]])("unpacks nothing of a tar with %s in it", async (name) => {
    expect(verify(await tarWith({ name }))).toMatchObject({ status: 1, codes: ["BUNDLE_CHANGED"] });
    expect(readdirSync(base.TMPDIR)).toEqual([]);
  });
  it("takes a link to a bundle for what it leads to; says what isn't there or is too large", () => {
    symlinkSync(`${q3}.tar`, join(home, "link.tar"));
    expect(verify(join(home, "link.tar"))).toMatchObject({ status: 0, codes: [] });
    expect(verify(join(home, "nothing"))).toMatchObject({ status: 2, codes: ["BUNDLE_UNREADABLE"] });
    const large = join(home, "large.tar");
    cpSync(`${q3}.tar`, large);
    truncateSync(large, 3 * 2 ** 30);
    expect(verify(large)).toMatchObject({ status: 2, codes: ["BUNDLE_UNREADABLE"] });
  });

  it("is of a period that git knows and that has begun", () => {
    for (const args of [["--quarter", "2030Q1"], ["--quarter", "0026Q3"], ["--since", "1969-01-01", "--until", "2026-06-30"], ["--since", "2026-01-01", "--until", "2199-12-31"]]) expect(bundle("none", ...args, "--now", "2026-11-25")).toMatchObject({ status: 2, codes: ["BUNDLE_PERIOD"] });
    const who = (at: string): Said => run(dir, ["access", "who", "--credential", "twilio.authToken", "--env", "dev", "--at", at]);
    expect([who("1926-06-30").codes, who("2199-06-30").codes]).toEqual([["HISTORY_ABSENT"], ["USAGE"]]);
  });
  it("says of a bundle of a former format that the version which made it makes it anew, and follows on it", () => {
    const c = copy((at) => {
      const hash = (file: string): string => createHash("sha256").update(readFileSync(join(at, file))).digest("hex");
      const was = hash("git/log.jsonl");
      const text = readFileSync(join(at, "git/log.jsonl"), "utf8").replace(/,"sealedBy":(?:null|"[^"]*")/g, "");
      writeFileSync(join(at, "git/log.jsonl"), text);
      for (const file of ["manifest.json", "SHA256SUMS"]) writeFileSync(join(at, file), readFileSync(join(at, file), "utf8").replace(was, hash("git/log.jsonl")));
      const manifest = JSON.parse(readFileSync(join(at, "manifest.json"), "utf8")) as { stackseal: string; files: { path: string; bytes: number; sha256: string }[] };
      manifest.stackseal = "evidence-1";
      manifest.files = manifest.files.map((f) => ({ ...f, ...(f.path === "git/log.jsonl" && { bytes: Buffer.byteLength(text) }), sha256: hash(f.path) }));
      writeFileSync(join(at, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
      rmSync(join(at, "manifest.json.sig"));
      execFileSync("ssh-keygen", ["-q", "-Y", "sign", "-f", key, "-n", "stackseal-bundle", join(at, "manifest.json")], { stdio: "ignore" });
    });
    const said = verify(c);
    expect([said.status, said.codes, said.hints]).toEqual([1, ["BUNDLE_DIFFERS"], ["the bundle is of format evidence-1, and this version makes evidence-2: verify it with the one that made it"]]);
    expect(bundle("after-former", "--quarter", "2026Q4", "--previous", c, "--now", "2027-01-01")).toMatchObject({ status: 0 });
  });
  it("follows only on a bundle that is whole, signed, and the one before it in days and environments", () => {
    const now = ["--now", "2026-11-25"], q4 = ["--quarter", "2026Q4", ...now], q3Again = ["--quarter", "2026Q3", "--previous", q2];
    expect(bundle("gap", ...q4, "--previous", q2)).toMatchObject({ status: 2, codes: ["BUNDLE_CHAIN"], text: expect.stringContaining("stand in neither") });
    expect(bundle("overlap", "--since", "2026-09-01", "--until", "2026-11-01", ...now, "--previous", q3)).toMatchObject({ status: 2, codes: ["BUNDLE_CHAIN"], text: expect.stringContaining("their order is wrong") });
    expect(bundle("before", ...q3Again, "--now", "2026-06-30")).toMatchObject({ status: 2 });
    expect(bundle("prod-only", "--quarter", "2026Q2", "--env", "prod", ...now)).toMatchObject({ status: 0 });
    expect(bundle("wider", "--quarter", "2026Q3", "--previous", join(home, "prod-only"), ...now)).toMatchObject({ status: 2, codes: ["BUNDLE_CHAIN"], text: expect.stringContaining("of prod, this one of all environments") });
    for (const [out, envs, ...more] of [["two", ["dev", "prod"], "--quarter", "2026Q2"], ["two-again", ["prod", "dev"], "--quarter", "2026Q3", "--previous", join(home, "two")]] as const) expect(bundle(out, ...envs.flatMap((e) => ["--env", e]), ...more, ...now)).toMatchObject({ status: 0 });
    const changed = copy((c) => { writeFileSync(join(c, "git/log.jsonl"), ""); });
    expect(bundle("on-changed", ...q4, "--previous", changed)).toMatchObject({ status: 1, codes: ["BUNDLE_CHANGED"] });
    const unsigned = copy((c) => { execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(c, "..", "other")]); rmSync(join(c, "manifest.json.sig")); execFileSync("ssh-keygen", ["-q", "-Y", "sign", "-f", join(home, "other"), "-n", "stackseal-bundle", join(c, "manifest.json")], { stdio: "ignore" }); });
    expect(bundle("on-unsigned", ...q4, "--previous", unsigned)).toMatchObject({ status: 1, codes: ["BUNDLE_SIGNATURE"] });
    expect(readdirSync(home).filter((n) => /gap|overlap|before|wider|on-/.test(n))).toEqual([]);
  });
  it("finds a commit of its time that isn't in it: at its end, at its beginning, put in later with an early date", () => {
    const lesser = mkdtempSync(join(home, "lesser-"));
    cpSync(dir, lesser, { recursive: true });
    git(lesser, ["checkout", "-q", "--detach", "HEAD~2"], "2026-10-01");
    const sign = { STACKSEAL_SIGNING_KEY: key };
    expect(run(lesser, ["audit", "bundle", "--quarter", "2026Q3", "--out", join(home, "shorter"), "--previous", q2, "--now", "2026-10-01"], sign)).toMatchObject({ status: 0 });
    const head = git(dir, ["rev-parse", "HEAD~1"], "2026-10-01").trim();
    expect(verify(join(home, "shorter"))).toMatchObject({ status: 1, codes: ["BUNDLE_LEFT_OUT"], paths: [head] });
    // A Super Admin writes another beginning into the manifest, and signs that.
    const late = copy((c) => {
      const first = git(dir, ["rev-parse", "HEAD~3"], "2026-10-01").trim(), second = git(dir, ["rev-parse", "HEAD~2"], "2026-10-01").trim();
      writeFileSync(join(c, "manifest.json"), readFileSync(join(c, "manifest.json"), "utf8").replace(`"from": "${first}"`, `"from": "${second}"`));
      rmSync(join(c, "manifest.json.sig"));
      execFileSync("ssh-keygen", ["-q", "-Y", "sign", "-f", key, "-n", "stackseal-bundle", join(c, "manifest.json")], { stdio: "ignore" });
    });
    expect(run(dir, ["audit", "verify", late, "--allowed-signers", signers]).codes).toContain("BUNDLE_LEFT_OUT");
    const backdated = mkdtempSync(join(home, "backdated-"));
    cpSync(dir, backdated, { recursive: true });
    git(backdated, ["commit", "-q", "--allow-empty", "-m", "Always there"], "2026-09-30");
    expect(run(backdated, ["audit", "verify", q3, "--allowed-signers", signers, "--previous", q2])).toMatchObject({ status: 1, codes: ["BUNDLE_LEFT_OUT"] });
    // Of a period that wasn't over, what came later is no loss.
    expect(bundle("open", "--quarter", "2026Q4", "--previous", q3, "--now", "2026-10-10")).toMatchObject({ status: 0, codes: ["BUNDLE_OPEN_PERIOD"] });
    git(backdated, ["reset", "-q", "--hard", "HEAD~1"], "2026-10-01");
    git(backdated, ["commit", "-q", "--allow-empty", "-m", "Later in the quarter"], "2026-11-02");
    expect(run(backdated, ["audit", "verify", join(home, "open"), "--allowed-signers", signers, "--previous", q3])).toMatchObject({ status: 0, codes: [] });
  });

  it("is written whole by one of two runs at once; what a killed run left is taken away, or finished", async () => {
    const place = mkdtempSync(join(home, "places-")), out = join(place, "q3");
    const args = [cli, "-C", dir, "audit", "bundle", "--quarter", "2026Q3", "--out", out, "--previous", q2];
    const ends = await Promise.all([0, 1, 2].map(() => new Promise<number>((done) => { spawn(process.execPath, args, { env: { ...base, STACKSEAL_SIGNING_KEY: key }, stdio: "ignore" }).on("close", (c) => { done(c ?? -1); }); })));
    expect([ends.sort(), readdirSync(place).sort()]).toEqual([[0, 2, 2], ["q3", "q3.tar"]]);
    expect(execFileSync("tar", ["-xOf", `${out}.tar`, "manifest.json.sig"], { encoding: "utf8" })).toBe(readFileSync(join(out, "manifest.json.sig"), "utf8"));
    // Killed before its tar; killed while it wrote.
    const tar = readFileSync(`${out}.tar`);
    rmSync(`${out}.tar`);
    const dead = spawnSync(process.execPath, ["-e", ""]).pid;
    mkdirSync(join(place, `.other.${String(dead)}-aaaaaa`));
    const again = bundle(relative(home, out), "--quarter", "2026Q3", "--previous", q2);
    expect(again).toMatchObject({ status: 2, codes: ["BUNDLE_PLACE"], text: expect.stringContaining("the tar is written now") });
    expect(readFileSync(`${out}.tar`).equals(tar)).toBe(true);
    expect(bundle(relative(home, join(place, "other")), "--quarter", "2026Q3", "--previous", q2)).toMatchObject({ status: 0 });
    expect(readdirSync(place).sort()).toEqual(["other", "other.tar", "q3", "q3.tar"]);
    for (const taken of ["2026Q2.tar/below", "signers", "link"]) {
      if (taken === "link") symlinkSync(place, join(home, "link"));
      expect(bundle(taken, "--quarter", "2026Q3", "--previous", q2)).toMatchObject({ status: 2, codes: ["BUNDLE_PLACE"] });
    }
  });
  it("agrees with a clone under anybody's git settings, with the tool and by VERIFY.txt; of a project in a folder of its repository too", () => {
    const order = join(home, "order"), clone = join(home, "theirs");
    writeFileSync(order, "*.sig\n*prod*\n");
    writeFileSync(join(home, ".gitconfig"), `[log]\n\tshowSignature = true\n\tshowRoot = false\n\tfollow = true\n\tdate = relative\n[diff]\n\torderFile = ${order}\n\trenames = copies\n\trenameLimit = 1\n\trelative = true\n[color]\n\tui = always\n[core]\n\tquotePath = true\n\tabbrev = 4\n[i18n]\n\tlogOutputEncoding = ISO-8859-1\n[gpg]\n\tformat = ssh\n`);
    mkdirSync(clone);
    git(clone, ["init", "-q", "-b", "main"], "2026-04-01");
    cpSync(join(dir, "stacks"), join(clone, "service/stacks"), { recursive: true });
    mkdirSync(join(clone, "service/stacks/reviews"), { recursive: true });
    writeFileSync(join(clone, "service/stacks/reviews/a\nb.yaml"), "");
    git(clone, ["add", "-A"], "2026-07-02");
    git(clone, ["-c", `user.signingKey=${key}`, "commit", "-q", "-S", "-m", "Begin"], "2026-07-02");
    const out = join(home, "of-a-folder");
    expect(run(join(clone, "service"), ["audit", "bundle", "--quarter", "2026Q3", "--out", out, "--now", "2026-10-01"], { STACKSEAL_SIGNING_KEY: key, GIT_CONFIG_GLOBAL: "/dev/null" })).toMatchObject({ status: 0 });
    expect(run(join(clone, "service"), ["audit", "verify", out, "--allowed-signers", signers])).toMatchObject({ status: 0, codes: [] });
    const commands = readFileSync(join(out, "VERIFY.txt"), "utf8").split("\n").filter((l) => l.startsWith("    "));
    expect(commands.length).toBe(7);
    for (const c of commands) expect([c, spawnSync("sh", ["-c", c], { cwd: out, env: { ...base, SIGNERS: signers, CLONE: join(clone, "service") } }).status]).toEqual([c, 0]);
    expect((JSON.parse(readFileSync(join(out, "manifest.json"), "utf8")) as { absent: string[] }).absent.filter((a) => a.includes("its name is no plain one"))).toEqual([expect.stringContaining(String.raw`"stacks/reviews/a\nb.yaml"`)]);
    symlinkSync("VERIFY.txt", join(out, "more"));
    expect(commands.filter((c) => spawnSync("sh", ["-c", c], { cwd: out, env: { ...base, SIGNERS: signers, CLONE: join(clone, "service") } }).status !== 0)).toHaveLength(1);
    rmSync(join(home, ".gitconfig"));
  });
});
