import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand, PutObjectLockConfigurationCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findPeer, startMinistack, type Emulator } from "./emulator.ts";
import { ACCOUNT, cloudProject, type CloudProject } from "./project.ts";

const skip = findPeer("ministack") === undefined;
const Bucket = `stackseal-dev-backup-${ACCOUNT}`;

describe.skipIf(skip)("an evidence bundle in the locked bucket", { timeout: 120_000 }, () => {
  let m: Emulator, p: CloudProject, s3: S3Client;
  let bundle = "";
  const receipt = (dir: string): { at: string; key: string; versionId: string; retainUntil: string; mode: string } => JSON.parse(readFileSync(join(dir, "manifest.json.lock.json"), "utf8")) as ReturnType<typeof receipt>;
  const run = async (...args: string[]): Promise<{ code: number; codes: string[]; json: Record<string, unknown> & { objectLock?: Record<string, unknown> } }> => {
    const r = await p.run([...args, "--json"], { GIT_CONFIG_NOSYSTEM: "1" });
    const json = JSON.parse(r.out) as { findings: { code: string }[] } & Record<string, unknown>;
    return { code: r.code, codes: [...new Set(json.findings.map((f) => f.code))].filter((c) => c !== "BUNDLE_SIGNERS" && c !== "BUNDLE_OPEN_PERIOD"), json };
  };
  const verify = (dir: string, ...more: string[]): ReturnType<typeof run> => run("audit", "verify", dir, ...more);
  const copy = (change: (dir: string) => void): string => {
    const dir = mkdtempSync(join(tmpdir(), "locked-"));
    cpSync(bundle, dir, { recursive: true });
    change(dir);
    return dir;
  };
  const rewritten = (change: (r: Record<string, unknown>) => void): string => copy((dir) => {
    const r = receipt(dir) as unknown as Record<string, unknown>;
    change(r);
    writeFileSync(join(dir, "manifest.json.lock.json"), JSON.stringify(r));
  });
  beforeAll(async () => {
    m = await startMinistack(ACCOUNT);
    s3 = new S3Client({ region: "eu-west-1", endpoint: m.url, credentials: { accessKeyId: "test", secretAccessKey: "test" }, forcePathStyle: true });
    await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
    await s3.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration: { ObjectLockEnabled: "Enabled", Rule: { DefaultRetention: { Mode: "GOVERNANCE", Days: 35 } } } }));
    p = await cloudProject(`{ kind: aws, accountId: "${ACCOUNT}", region: eu-west-1, endpoint: "${m.url}" }`);
    const git = (...args: string[]): void => { execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@acme.example", ...args], { cwd: p.root, env: { ...p.env, GIT_CONFIG_NOSYSTEM: "1" } }); };
    git("init", "-q", "-b", "main");
    git("add", "-A");
    git("commit", "-qm", "Begin");
    bundle = join(p.root, "..", `${p.root.split("/").at(-1)!}-bundle`);
    const day = new Date().toISOString().slice(0, 10);
    expect((await run("audit", "bundle", "--since", day, "--until", day, "--out", bundle)).code).toBe(0);
    expect((await verify(bundle)).json.objectLock).toBeNull();
  }, 240_000);
  afterAll(async () => {
    rmSync(bundle, { recursive: true, force: true });
    await (m as Emulator | undefined)?.close();
  });

  it("is put there once, under a lock of its own, and its time is recorded until the bucket is asked", async () => {
    const refused = await run("audit", "lock", bundle, "--env", "dev");
    expect([refused.code, refused.codes]).toEqual([2, ["NOT_CONFIRMED"]]);
    const made = await run("audit", "lock", bundle, "--env", "dev", "--yes");
    expect([made.code, made.codes]).toEqual([0, []]);
    expect(receipt(bundle)).toMatchObject({ mode: "COMPLIANCE" });
    expect(Date.parse(receipt(bundle).retainUntil)).toBeGreaterThan(Date.now() + 364 * 86_400_000);
    const first = receipt(bundle);
    expect((await run("audit", "lock", bundle, "--env", "dev", "--yes")).code).toBe(0);
    expect([receipt(bundle).versionId, receipt(bundle).at]).toEqual([first.versionId, first.at]);
    const [recorded, asked] = [await verify(bundle), await verify(bundle, "--ask-store")];
    expect([recorded.code, recorded.codes, recorded.json.objectLock]).toMatchObject([0, [], { store: "recorded", at: first.at }]);
    expect([asked.code, asked.codes, asked.json.objectLock]).toMatchObject([0, [], { store: "checked", at: first.at }]);
    await expect(s3.send(new DeleteObjectCommand({ Bucket, Key: first.key, VersionId: first.versionId }))).rejects.toThrow();
  });
  it("is contradicted by the bucket where the receipt lies, where another version stands there, where it is gone", async () => {
    const { key } = receipt(bundle);
    const put = async (Body: Buffer, Key: string): Promise<string> => (await s3.send(new PutObjectCommand({ Bucket, Key, Body }))).VersionId!;
    const other = await put(Buffer.from("{}"), key);
    const cases: readonly [string, string][] = [
      ["an earlier time", rewritten((r) => { r["at"] = new Date(Date.parse(String(r["at"])) - 60_000).toISOString(); })],
      ["a longer lock", rewritten((r) => { r["retainUntil"] = "2099-01-01T00:00:00.000Z"; })],
      ["a version with other bytes", rewritten((r) => { r["versionId"] = other; })],
      ["a version that isn't there", rewritten((r) => { r["versionId"] = "00000000000000000000000000000000"; })],
      ["another bucket", rewritten((r) => { r["bucket"] = "somebody-elses"; })],
    ];
    for (const [what, dir] of cases) {
      const said = await verify(dir, "--ask-store");
      expect([what, said.code, said.codes, said.json.objectLock?.["store"]]).toEqual([what, 1, ["BUNDLE_LOCK"], "contradicted"]);
      rmSync(dir, { recursive: true });
    }
    const foreign = rewritten((r) => { r["manifestSha256"] = "0".repeat(64); });
    expect((await verify(foreign)).codes).toEqual(["BUNDLE_LOCK"]);
    const torn = copy((dir) => { writeFileSync(join(dir, "manifest.json.lock.json"), "{"); });
    expect((await verify(torn)).codes).toEqual(["BUNDLE_LOCK"]);
    const none = copy((dir) => { rmSync(join(dir, "manifest.json.lock.json")); });
    expect([(await verify(none)).code, (await verify(none, "--ask-store")).codes]).toEqual([0, ["BUNDLE_LOCK"]]);
  });
  it("shows a bundle that says it is of another day than the bucket saw it", async () => {
    const early = rewritten((r) => { r["at"] = "2020-01-01T00:00:00.000Z"; });
    const said = await verify(early);
    expect([said.code, said.codes]).toEqual([1, ["BUNDLE_LOCK"]]);
    const late = rewritten((r) => { r["at"] = "2099-01-01T00:00:00.000Z"; });
    expect([(await verify(late)).code, (await verify(late)).codes]).toEqual([0, ["BUNDLE_TIMESTAMP_LATE"]]);
  });
  it("isn't put there changed, nor into a store that has no bucket", async () => {
    const changed = copy((dir) => { writeFileSync(join(dir, "controls.md"), "x"); });
    expect((await run("audit", "lock", changed, "--env", "dev", "--yes")).codes).toEqual(["BUNDLE_CHANGED"]);
    expect((await run("audit", "lock", bundle, "--env", "nowhere", "--yes")).code).toBe(2);
  });
  it("keeps what was put there when the network goes: the question is answered by exit code 3", async () => {
    await m.close();
    const said = await verify(bundle, "--ask-store");
    expect([said.code, said.codes]).toEqual([3, ["STORE_UNREACHABLE"]]);
  });
});
