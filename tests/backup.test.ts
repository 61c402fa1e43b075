import { execFileSync, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { beforeAll, describe, expect, it } from "vitest";
import { findPeer, startMinistack } from "./aws/emulator.ts";
import { CreateBucketCommand, DeleteObjectCommand, ListObjectVersionsCommand, PutObjectLockConfigurationCommand, S3Client } from "@aws-sdk/client-s3";
import { combine, split } from "../seal/foreign/shamir.ts";
import { newIdentity, recipientOf } from "../seal/age.ts";
import { unpackTar } from "../lib/tar.ts";

const repo = resolve(import.meta.dirname, "..");
const cli = join(repo, "dist/cli.js");
const home = mkdtempSync(join(tmpdir(), "home-"));
const env: Record<string, string> = { PATH: process.env["PATH"] ?? "", HOME: home, NO_COLOR: "1", GIT_CONFIG_NOSYSTEM: "1", GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@acme.example", GIT_COMMITTER_NAME: "a", GIT_COMMITTER_EMAIL: "a@acme.example" };
interface Ran { readonly code: number; readonly out: string; readonly err: string }
const run = (root: string, ...args: string[]): Ran => {
  const r = spawnSync(process.execPath, [cli, "-C", root, ...args], { env, encoding: "utf8", maxBuffer: 64 << 20 });
  return { code: r.status ?? -1, out: r.stdout, err: r.stderr };
};

describe("sharing a key", () => {
  it("gives the secret back from any two of three shares, and from no single one", () => {
    const secret = Uint8Array.from({ length: 32 }, (_, n) => (n * 37) & 0xff);
    const shares = split(secret, 3, 2);
    for (const [a, b] of [[0, 1], [0, 2], [1, 2]] as const) expect(combine([shares[a]!, shares[b]!])).toEqual(secret);
    expect(combine([shares[0]!])).toBeNull();
    expect(shares.every((s) => !Buffer.from(s).includes(Buffer.from(secret.subarray(0, 4))))).toBe(true);
  });
});

describe("backup", { timeout: 120_000 }, () => {
  let root = "";
  const people = ["super-admin-1", "super-admin-2", "admin-1"];
  const keys = new Map<string, string>();
  let archive = "";
  const ids = (...names: string[]): string[] => names.flatMap((n) => ["--identity", join(home, `${n}.age`)]);
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), "backup-"));
    for (const f of ["stacks", "Pulumi.yaml"]) cpSync(join(repo, f), join(root, f), { recursive: true, filter: (p) => !p.endsWith(".ts") && !p.includes("/backups") });
    // These people hold keys of their own here: the example's files are sealed to others.
    for (const e of ["dev", "staging", "prod"]) rmSync(join(root, "stacks", e), { recursive: true });
    for (const f of readdirSync(join(root, "stacks"))) if (/^(pepper|attestations|people\.yaml\.sig)/.test(f)) rmSync(join(root, "stacks", f));
    let text = readFileSync(join(root, "stacks/people.yaml"), "utf8");
    for (const name of people) {
      const identity = await newIdentity();
      keys.set(name, identity);
      writeFileSync(join(home, `${name}.age`), `${identity}\n`);
      text = text.replace(new RegExp(`(    ${name}:[\\s\\S]*?recipients: )\\[[^\\]]*\\]`), `$1[${await recipientOf(identity)}]`);
    }
    writeFileSync(join(root, "stacks/people.yaml"), text);
    writeFileSync(join(root, "stacks/backup.yaml"), `breakGlass: [${people.join(", ")}]\neveryDays: 7\ndrillEveryDays: 92\n`);
    writeFileSync(join(root, ".gitignore"), ".stackseal/\n");
    execFileSync("git", ["init", "-q", "-b", "main"], { cwd: root, env });
    execFileSync("git", ["add", "-A"], { cwd: root, env });
    execFileSync("git", ["commit", "-qm", "Begin"], { cwd: root, env });
    expect(run(root, "start").code).toBe(0);
    const made = run(root, "backup", "create", "--out", "vault", "--json");
    expect(made.code).toBe(0);
    archive = join("vault", (JSON.parse(made.out) as { backup: { archive: { file: string } } }).backup.archive.file);
  });

  it("leaves an archive, a key and a record, and no value in clear anywhere", () => {
    const values = ["twilio.authToken", "stripe.secretKey", "smtp.password"].map((p) => run(root, "secret", "get", p, "--env", "local").out);
    expect(values.every((v) => v.length >= 8)).toBe(true);
    for (const f of readdirSync(join(root, "vault"))) for (const v of values) expect(readFileSync(join(root, "vault", f)).includes(v)).toBe(false);
    const [name] = readdirSync(join(root, "stacks/backups"));
    const record = parse(readFileSync(join(root, "stacks/backups", name!), "utf8")) as { credentials: number; breakGlass: string[]; stacks: string[]; notOpened: string[] };
    expect(record).toMatchObject({ breakGlass: people, credentials: 7, stacks: ["local-payments", "local"] });
    expect(record.notOpened).toEqual([]);
    // Nobody here holds the identities of dev: that is said, and the rest is made.
    const dir = mkdtempSync(join(tmpdir(), "foreign-"));
    cpSync(root, dir, { recursive: true });
    cpSync(join(repo, "stacks/dev"), join(dir, "stacks/dev"), { recursive: true });
    const r = run(dir, "backup", "create", "--out", "vault", "--json");
    expect([r.code, (JSON.parse(r.out) as { backup: { notOpened: string[] } }).backup.notOpened]).toEqual([0, ["stacks/dev/secrets.sops.yaml", "stacks/dev/payments.sops.yaml"]]);
    // A drill of it shows of these values nothing: it doesn't count.
    const { archive: made } = (JSON.parse(r.out) as { backup: { archive: { file: string } } }).backup;
    const drilled = run(dir, "backup", "drill", join("vault", made.file), ...ids("super-admin-1", "admin-1"), "--json");
    const said = JSON.parse(drilled.out) as { record: string | null; findings: { code: string }[] };
    expect([said.record, said.findings.map((f) => f.code)]).toEqual([null, ["BACKUP_NOT_OPENED", "BACKUP_NOT_OPENED"]]);
  });
  const sops = (process.env["PATH"] ?? "").split(":").some((d) => existsSync(join(d, "sops")));
  it.skipIf(!sops)("has a key that the sops CLI opens with any two people, and with no single one", () => {
    const open = (...names: string[]): Ran => {
      const r = spawnSync("sops", ["decrypt", archive.replace(".age", ".key.sops.yaml")], { cwd: root, encoding: "utf8", env: { ...env, SOPS_AGE_KEY: names.map((n) => keys.get(n)).join("\n") } });
      return { code: r.status ?? -1, out: r.stdout, err: r.stderr };
    };
    for (const pair of [[0, 1], [0, 2], [1, 2]] as const) expect(open(people[pair[0]]!, people[pair[1]]!).out).toMatch(/^identity: AGE-SECRET-KEY-1/m);
    expect(open(people[0]!).code).not.toBe(0);
  });
  it("restores into an empty place with two of three, and not with one", () => {
    const one = run(root, "backup", "restore", archive, ...ids("admin-1"), "--into", "restored");
    expect([one.code, one.err.includes("1 of the 2 key groups")]).toEqual([1, true]);
    expect(existsSync(join(root, "restored"))).toBe(false);
    const two = run(root, "backup", "restore", archive, ...ids("admin-1", "super-admin-2"), "--into", "restored");
    expect([two.code, two.err]).toEqual([0, ""]);
    expect(existsSync(join(root, "restored/project/stacks/local/environment.yaml"))).toBe(true);
    expect((JSON.parse(readFileSync(join(root, "restored/inventory.json"), "utf8")) as { endpoints: Record<string, unknown[]> }).endpoints["local-payments"]).toHaveLength(2);
    // Sealed to those who restored: any one of them opens a file.
    const r = spawnSync(process.execPath, [cli, "-C", root, "secret", "verify", "restored/sealed/local-work/local/secrets.sops.yaml"], { env: { ...env, SOPS_AGE_KEY: keys.get("admin-1") }, encoding: "utf8" });
    expect([r.status, r.stdout.includes("mac verified")]).toEqual([0, true]);
    const again = run(root, "backup", "restore", archive, ...ids("admin-1", "super-admin-2"), "--into", "restored");
    expect([again.code, again.err.includes("BACKUP_NOT_EMPTY")]).toEqual([2, true]);
  });
  it("proves in a drill that every value opens, matches and builds the sandbox, and records it", () => {
    const r = run(root, "backup", "drill", archive, ...ids("super-admin-1", "super-admin-2"), "--json");
    expect(r.err).toBe("");
    const { drill, record } = JSON.parse(r.out) as { drill: { opened: number; fingerprints: number; sandbox: boolean }; record: string };
    expect(drill).toMatchObject({ opened: 7, fingerprints: 7, sandbox: true });
    expect(existsSync(join(root, record))).toBe(true);
    expect(readdirSync(tmpdir()).filter((n) => n.startsWith("stackseal-drill-"))).toEqual([]);
  });
  it.each([
    ["cut off", (b: Buffer) => b.subarray(0, b.length - 100), "BACKUP_DAMAGED"], ["changed by a bit", (b: Buffer) => { const c = Buffer.from(b); c[c.length - 50]! ^= 1; return c; }, "BACKUP_DAMAGED"], ["empty", () => Buffer.alloc(0), "BACKUP_DAMAGED"],
  ])("refuses an archive that was %s", (_says, change, code) => {
    const dir = mkdtempSync(join(tmpdir(), "damaged-"));
    cpSync(join(root, "vault"), dir, { recursive: true });
    const file = join(dir, archive.split("/")[1]!);
    writeFileSync(file, change(readFileSync(file)));
    const r = run(root, "backup", "restore", file, ...ids("super-admin-1", "admin-1"), "--into", join(dir, "out"));
    expect([r.code, r.err.includes(code), existsSync(join(dir, "out"))]).toEqual([1, true, false]);
  });
  it("refuses an archive beside another one's key", () => {
    const dir = mkdtempSync(join(tmpdir(), "swapped-"));
    const other = JSON.parse(run(root, "backup", "create", "--out", dir, "--no-record", "--json").out) as { backup: { archive: { file: string }; key: { file: string } } };
    cpSync(join(root, archive), join(dir, other.backup.archive.file));
    const r = run(root, "backup", "restore", join(dir, other.backup.archive.file), ...ids("super-admin-1", "admin-1"), "--into", join(dir, "out"));
    expect([r.code, /BACKUP_(DAMAGED|SWAPPED)/.test(r.err)]).toEqual([1, true]);
    rmSync(join(dir, other.backup.key.file));
    const missing = run(root, "backup", "drill", join(dir, other.backup.archive.file), ...ids("super-admin-1", "admin-1"));
    expect([missing.code, missing.err.includes("BACKUP_FILE")]).toEqual([2, true]);
  });
  it("believes no archive that anybody could have sealed to the three: it is held against git's record, and its own name", () => {
    const forged = mkdtempSync(join(tmpdir(), "forged-")), vault = mkdtempSync(join(tmpdir(), "vault-"));
    cpSync(root, forged, { recursive: true });
    const other = JSON.parse(run(forged, "backup", "create", "--out", vault, "--no-record", "--json").out) as { backup: { id: string } };
    const id = archive.slice("vault/".length, -".age".length);
    const restore = (dir: string, file: string): Ran => run(dir, "backup", "restore", file, ...ids("super-admin-1", "admin-1"), "--into", join(mkdtempSync(join(tmpdir(), "into-")), "out"));
    // Under its own name nobody here knows it; under ours it isn't ours.
    const [unknown, drilled] = [restore(root, join(vault, `${other.backup.id}.age`)), run(root, "backup", "drill", join(vault, `${other.backup.id}.age`), ...ids("super-admin-1", "admin-1"), "--json")];
    expect([unknown.code, unknown.err.includes("warning BACKUP_UNRECORDED"), (JSON.parse(drilled.out) as { record: unknown }).record]).toEqual([0, true, null]);
    for (const ext of ["age", "key.sops.yaml"]) cpSync(join(vault, `${other.backup.id}.${ext}`), join(vault, `${id}.${ext}`));
    expect([restore(root, join(vault, `${id}.age`))].map((r) => [r.code, r.err.includes("BACKUP_SWAPPED")])).toEqual([[1, true]]);
    // Its record says of itself what it isn't.
    const record = join(forged, "stacks/backups", `${id}.yaml`);
    writeFileSync(record, readFileSync(record, "utf8").replace(/sha256: "[0-9a-f]{64}"/, `sha256: "${"0".repeat(64)}"`));
    const told = restore(forged, join(root, archive));
    expect([told.code, told.err.includes("BACKUP_SWAPPED")]).toEqual([1, true]);
  });
  it("refuses a link as the place, says what the system refuses, and takes away what a killed restore left", () => {
    const dir = mkdtempSync(join(tmpdir(), "links-"));
    mkdirSync(join(dir, "empty"));
    symlinkSync(join(dir, "empty"), join(dir, "link"));
    symlinkSync(join(dir, "nowhere"), join(dir, "dangling"));
    writeFileSync(join(dir, "file"), "");
    const into = (place: string): string => /BACKUP_[A-Z_]+|[A-Z]+_ERROR/.exec(run(root, "backup", "restore", archive, ...ids("super-admin-1", "admin-1"), "--into", join(dir, place)).err)?.[0] ?? "";
    expect(["link", "dangling", "file", "file/below"].map(into)).toEqual(["BACKUP_NOT_EMPTY", "BACKUP_NOT_EMPTY", "BACKUP_NOT_EMPTY", "BACKUP_PLACE"]);
    const dead = spawnSync(process.execPath, ["-e", ""]).pid;
    for (const pid of [dead, process.pid]) mkdirSync(join(dir, `.out.${String(pid)}-aaaaaa`, "project"), { recursive: true });
    expect([into("out"), readdirSync(dir).filter((n) => n.startsWith(".out"))]).toEqual(["", [`.out.${String(process.pid)}-aaaaaa`]]);
  });
  it("takes no state under a name that doesn't restore, nor one with its secrets in clear", () => {
    const dir = mkdtempSync(join(tmpdir(), "states-"));
    writeFileSync(join(dir, "my state.json"), `{"version":3,"deployment":{}}`);
    writeFileSync(join(dir, "shown.json"), `{"version":3,"deployment":{"resources":[{"inputs":{"a":{"plaintext":"\\"x\\""}}}]}}`);
    for (const f of ["my state.json", "shown.json"]) {
      const r = run(root, "backup", "create", "--out", join(dir, "vault"), "--no-record", "--state", join(dir, f));
      expect([r.code, r.err.includes("BACKUP_STATE"), existsSync(join(dir, "vault"))]).toEqual([2, true, false]);
    }
  });
  it("survives kill -9 while it restores: the place isn't there, or is whole", async () => {
    for (const ms of [250, 450, 650, 900]) {
      const dir = mkdtempSync(join(tmpdir(), "killed-"));
      const child = spawn(process.execPath, [cli, "-C", root, "backup", "restore", archive, ...ids("super-admin-1", "admin-1"), "--into", join(dir, "out")], { env, stdio: "ignore" });
      setTimeout(() => child.kill("SIGKILL"), ms);
      await new Promise((done) => { child.on("close", done); });
      if (existsSync(join(dir, "out"))) expect(existsSync(join(dir, "out/inventory.json"))).toBe(true);
      expect(run(root, "backup", "restore", archive, ...ids("super-admin-1", "admin-1"), "--into", join(dir, "again")).code).toBe(0);
    }
  });
  it("is watched by check: never, overdue, and a drill that never was", () => {
    const codes = (now: string): string[] => (JSON.parse(run(root, "check", "--env", "local", "--json", "--now", now).out) as { findings: { code: string }[] }).findings.map((f) => f.code).filter((c) => /BACKUP|DRILL/.test(c));
    const today = new Date().toISOString().slice(0, 10);
    const later = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
    expect(codes(today)).toEqual([]);
    expect(codes(later(20))).toEqual(["BACKUP_OVERDUE"]);
    expect(codes(later(120)).sort()).toEqual(["BACKUP_OVERDUE", "DRILL_OVERDUE"]);
    const record = join(root, "stacks/backups", readdirSync(join(root, "stacks/backups")).find((n) => !n.includes("drill"))!);
    const text = readFileSync(record, "utf8");
    for (const [at, found] of [["2099-01-01", ["BACKUP_DATED", "BACKUP_NEVER"]], ["2026-99-01", ["BACKUP_NEVER"]]] as const) {
      writeFileSync(record, text.replace(/^at: "[^T]+/m, `at: "${at}`));
      expect(codes(today).sort()).toEqual(found);
    }
    rmSync(join(root, "stacks/backups"), { recursive: true });
    expect(codes(today)).toEqual(["BACKUP_NEVER"]);
  });
  it.each([
    ["an unknown person", "breakGlass: [super-admin-1, super-admin-2, nobody]\n", "BACKUP_PEOPLE"], ["one person twice", "breakGlass: [super-admin-1, super-admin-1, admin-1]\n", "BACKUP_PEOPLE"],
    ["a pair without a Super Admin", "breakGlass: [super-admin-1, admin-1, engineer-1]\n", "BACKUP_PEOPLE"], ["two people", "breakGlass: [super-admin-1, super-admin-2]\n", "VALUE_INVALID"], ["no plan", null, "BACKUP_PLAN_MISSING"],
  ])("refuses %s", (_says, text, code) => {
    const dir = mkdtempSync(join(tmpdir(), "plan-"));
    cpSync(join(root, "stacks"), join(dir, "stacks"), { recursive: true });
    if (text === null) rmSync(join(dir, "stacks/backup.yaml"));
    else writeFileSync(join(dir, "stacks/backup.yaml"), text);
    const r = run(dir, "backup", "create", "--out", "vault");
    expect([r.code, r.err.includes(code), existsSync(join(dir, "vault"))]).toEqual([2, true, false]);
  });
  it("believes nothing of a tar with other things than plain files under relative names", async () => {
    const { pack } = await import("tar-stream");
    const make = async (entries: { name: string; type?: "symlink"; linkname?: string }[]): Promise<Buffer> => {
      const p = pack();
      for (const e of entries) if (e.type) p.entry({ name: e.name, type: e.type, linkname: e.linkname ?? "" }); else p.entry({ name: e.name }, "x");
      p.finalize();
      const parts: Buffer[] = [];
      for await (const c of p) parts.push(Buffer.from(c as Uint8Array));
      return Buffer.concat(parts);
    };
    expect((await unpackTar(await make([{ name: "a/b.txt" }])))?.get("a/b.txt")?.toString()).toBe("x");
    for (const bad of [[{ name: "../x" }], [{ name: "/etc/x" }], [{ name: "a", type: "symlink" as const, linkname: "/etc" }], [{ name: "a" }, { name: "a" }]]) expect(await unpackTar(await make(bad))).toBeNull();
    expect(await unpackTar(Buffer.from("not a tar at all".repeat(100)))).toBeNull();
  });
  it.skipIf(findPeer("ministack") === undefined)("goes into the locked bucket straight from memory, and is restored from there", async () => {
    const m = await startMinistack("111111111111");
    try {
      const Bucket = "stackseal-vault-backup-111111111111";
      const s3 = new S3Client({ region: "eu-west-1", endpoint: m.url, credentials: { accessKeyId: "test", secretAccessKey: "test" }, forcePathStyle: true });
      await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
      await s3.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration: { ObjectLockEnabled: "Enabled", Rule: { DefaultRetention: { Mode: "GOVERNANCE", Days: 35 } } } }));
      mkdirSync(join(root, "stacks/vault"));
      writeFileSync(join(root, "stacks/vault/environment.yaml"), `environment: vault\ntier: development\nplatform: { url: https://vault.acme.example, plan: agency }\nstore: { kind: aws, accountId: "111111111111", region: eu-west-1, endpoint: "${m.url}" }\nalerts: { email: [platform-team@acme.example] }\nintegrations: {}\nrotation: { standard: annually }\n`);
      const made = run(root, "backup", "create", "--lock-in", "vault", "--json");
      expect([made.code, made.err]).toEqual([0, expect.not.stringContaining("error")]);
      const { backup } = JSON.parse(made.out) as { backup: { archive: { file: string } } };
      expect(readdirSync(root, { recursive: true }).filter((f) => String(f).includes(backup.archive.file))).toEqual([]);
      const kept = (await s3.send(new ListObjectVersionsCommand({ Bucket }))).Versions ?? [];
      expect(kept.map((v) => v.Key).sort()).toEqual([`backups/${backup.archive.file}`, `backups/${backup.archive.file.replace(/age$/, "key.sops.yaml")}`]);
      await expect(s3.send(new DeleteObjectCommand({ Bucket, Key: kept[0]!.Key!, VersionId: kept[0]!.VersionId! }))).rejects.toThrow();
      const restored = run(root, "backup", "restore", backup.archive.file, "--from-bucket", "vault", "--into", join(home, "from-bucket"), ...ids("super-admin-1", "admin-1"));
      expect([restored.code, existsSync(join(home, "from-bucket/project"))]).toEqual([0, true]);
      expect(run(root, "backup", "restore", "2020-01-01-00000000.age", "--from-bucket", "vault", "--into", join(home, "nothing"), ...ids("super-admin-1", "admin-1"))).toMatchObject({ code: 2, err: expect.stringContaining("isn't there") as string });
      expect(run(root, "backup", "create", "--lock-in", "local").code).toBe(2);
    } finally {
      rmSync(join(root, "stacks/vault"), { recursive: true, force: true });
      await m.close();
    }
  });
});
