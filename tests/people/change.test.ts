import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseIdentities } from "../../seal/age.ts";
import { readClear } from "../../seal/clear.ts";
import { openSealed } from "../../seal/open.ts";
import { as, clean, copyOf, killed, makeBase, newKeys, PEPPERS, read, SEALED, write, type Base } from "./fixture.ts";

let base: Base;
beforeAll(async () => { base = await makeBase(); }, 60_000);
afterAll(() => { clean(base); });
const identityOf = (who: string): string[] => parseIdentities(readFileSync(join(base.keys, `${who}.age`), "utf8")) ?? [];
const opens = async (dir: string, file: string, who: string): Promise<boolean> => {
  try {
    await openSealed(readClear(dir, file).sealed!, identityOf(who));
    return true;
  } catch {
    return false;
  }
};
/** Without what is open to be done: exposures, and what the policies advise. */
const checked = (dir: string): string[] => as(base, null, dir, ["check"]).codes.filter((c) => !/^(EXPOSURE|POLICY)_/.test(c));
const issues = (dir: string): string[] => SEALED.flatMap((f) => readClear(dir, f).sealed!.credentials.map((c) => `${f} ${c.path} ${c.claims!.issueId} ${c.claims!.fingerprint}`));

describe("people add, change, remove", () => {
  it("adds a person: comments and order stay, files of their tiers open to them and no others, check is content", async () => {
    const dir = copyOf(base);
    write(dir, "stacks/people.yaml", read(dir, "stacks/people.yaml").replace("    engineer-1:\n", "    # who writes the integrations\n    engineer-1:\n"));
    const before = read(dir, "stacks/people.yaml");
    const was = issues(dir);
    const k = await newKeys(base, "engineer-2");
    const r = as(base, "super-admin-1", dir, ["people", "add", "engineer-2", "--role", "engineer", "--tier", "development", "--recipient", k.recipient, "--signing", k.signing, "--handle", "engineer-2"]);
    expect(r.stderr + r.codes.join()).toBe("");
    expect(r.status).toBe(0);
    const after = read(dir, "stacks/people.yaml");
    const added = after.split("\n").filter((l) => !before.split("\n").includes(l));
    expect(added).toContain("    engineer-2:");
    expect(after.replace(/ {4}engineer-2:\n( {8}.*\n)+/, "")).toBe(before);
    expect(await Promise.all([...SEALED, ...PEPPERS].map(async (f) => [f, await opens(dir, f, "engineer-2")]))).toEqual([...SEALED, ...PEPPERS].map((f) => [f, ["stacks/dev/secrets.sops.yaml", "stacks/pepper.sops.yaml", "stacks/pepper-development.sops.yaml"].includes(f)]));
    expect(issues(dir)).toEqual(was);
    // Nobody has attested a second factor yet.
    expect(as(base, null, dir, ["check"]).codes).toEqual(["POLICY_ADVICE"]);
  });
  it("removes a leaver: no file opens to them, new pepper generations, old peppers stay; leaves all changed", async () => {
    const dir = copyOf(base);
    const was = issues(dir);
    const leaves = readClear(dir, SEALED[0]!).sealed!.credentials.map((c) => c.leaf);
    const r = as(base, "super-admin-2", dir, ["people", "remove", "engineer-1"]);
    expect(r.codes).toEqual([]);
    for (const f of [...SEALED, ...PEPPERS]) expect(await opens(dir, f, "engineer-1")).toBe(false);
    for (const f of [...SEALED, ...PEPPERS]) expect(await opens(dir, f, "super-admin-1")).toBe(true);
    expect(readClear(dir, SEALED[0]!).sealed!.credentials.filter((c) => leaves.includes(c.leaf))).toEqual([]);
    expect(issues(dir)).toEqual(was);
    expect([...read(dir, "stacks/pepper.sops.yaml").matchAll(/^(g\d+):/gm)].map((m) => m[1])).toEqual(["g1", "g2"]);
    expect([...read(dir, "stacks/pepper-development.sops.yaml").matchAll(/^(h\d+):/gm)].map((m) => m[1])).toEqual(["h1", "h2"]);
    expect([...read(dir, "stacks/pepper-production.sops.yaml").matchAll(/^(h\d+):/gm)].map((m) => m[1])).toEqual(["h1"]);
    expect(read(dir, "stacks/people.yaml")).not.toContain("engineer-1");
    expect(read(dir, ".sops.yaml")).not.toContain("engineer-1");
    expect(checked(dir)).toEqual([]);
  });
  it("changes keys: the new recipient opens, the old one doesn't; a signature by stock ssh-keygen's rules is beside it", async () => {
    const dir = copyOf(base);
    const k = await newKeys(base, "admin-1b");
    expect(as(base, "super-admin-1", dir, ["people", "change", "admin-1", "--recipient", k.recipient]).codes).toEqual([]);
    expect(await opens(dir, "stacks/prod/secrets.sops.yaml", "admin-1b")).toBe(true);
    expect(await opens(dir, "stacks/prod/secrets.sops.yaml", "admin-1")).toBe(false);
    const signing = /super-admin-1:[\s\S]*?signing: \["([^"]+)"/.exec(read(dir, "stacks/people.yaml"))![1]!;
    const signers = join(base.keys, "allowed_signers");
    writeFileSync(signers, `super-admin-1 ${signing}\n`);
    const verify = (text: string): number | null => spawnSync("ssh-keygen", ["-Y", "verify", "-f", signers, "-I", "super-admin-1", "-n", "stackseal-people", "-s", join(dir, "stacks/people.yaml.sig")], { input: text }).status;
    expect(verify(read(dir, "stacks/people.yaml"))).toBe(0);
    expect(verify(`${read(dir, "stacks/people.yaml")}\n`)).not.toBe(0);
  });
  it("re-seals what a changed signing key had signed", async () => {
    const dir = copyOf(base);
    const k = await newKeys(base, "super-admin-1b");
    expect(as(base, "super-admin-2", dir, ["people", "change", "super-admin-1", "--signing", k.signing]).codes).toEqual([]);
    expect(new Set(SEALED.flatMap((f) => readClear(dir, f).sealed!.credentials.map((c) => c.claims!.sealedBy)))).toEqual(new Set(["super-admin-2"]));
    // The second factor was attested of the old key.
    expect(as(base, null, dir, ["check"]).codes).toEqual(["POLICY_VIOLATION"]);
  });
  it.each<[string, string | null, string[], string]>([
    ["an admin", "admin-1", ["people", "remove", "engineer-1"], "PEOPLE_NOT_ALLOWED"],
    ["nobody's key", null, ["people", "remove", "engineer-1"], "SIGNING_KEY"],
    ["oneself", "super-admin-1", ["people", "remove", "super-admin-1"], "PEOPLE_NOT_ALLOWED"],
    ["a stranger", "super-admin-1", ["people", "remove", "enginer-1"], "PERSON_UNKNOWN"],
    ["a name twice", "super-admin-1", ["people", "add", "admin-1", "--role", "admin", "--tier", "staging"], "PERSON_EXISTS"],
    ["a recipient of another kind", "super-admin-1", ["people", "change", "admin-1", "--recipient", "ssh-ed25519 AAAA"], "VALUE_INVALID"],
    ["no change", "super-admin-1", ["people", "change", "admin-1"], "USAGE"],
  ])("refuses %s and writes nothing", (_n, who, args, code) => {
    const dir = copyOf(base);
    const all = [...SEALED, ...PEPPERS, "stacks/people.yaml", ".sops.yaml"].map((f) => read(dir, f));
    const r = as(base, who, dir, args);
    expect(r.codes).toContain(code);
    expect(r.status).not.toBe(0);
    expect([...SEALED, ...PEPPERS, "stacks/people.yaml", ".sops.yaml"].map((f) => read(dir, f))).toEqual(all);
    expect(existsSync(join(dir, "stacks/people.yaml.sig"))).toBe(false);
  });
  it("refuses before the first write where one file was tampered with", () => {
    const dir = copyOf(base);
    write(dir, "stacks/pepper.sops.yaml", read(dir, "stacks/pepper.sops.yaml").replace(/(g1: ENC\[AES256_GCM,data:)(..)/, "$1AA"));
    const before = read(dir, "stacks/people.yaml");
    expect(as(base, "super-admin-1", dir, ["people", "remove", "engineer-1"]).codes).toContain("SEAL_CIPHERTEXT");
    expect(read(dir, "stacks/people.yaml")).toBe(before);
  });
});

describe("kill -9", () => {
  const FILES = [...SEALED, ...PEPPERS];
  const JOURNAL = ".stackseal/people-change.json";
  const changed = (dir: string): number => FILES.filter((f) => read(dir, f) !== read(base.dir, f)).length;
  const whole = async (dir: string): Promise<void> => {
    for (const f of FILES) expect(await opens(dir, f, "super-admin-2"), f).toBe(true);
  };
  const finish = async (dir: string): Promise<void> => {
    expect(as(base, "super-admin-2", dir, ["people", "sync"]).codes).toEqual([]);
    for (const f of FILES) expect(await opens(dir, f, "admin-1"), f).toBe(false);
    await whole(dir);
    expect(existsSync(join(dir, JOURNAL))).toBe(false);
    // One new generation, however often it was begun.
    expect([...read(dir, "stacks/pepper.sops.yaml").matchAll(/^(g\d+):/gm)].map((m) => m[1])).toEqual(["g1", "g2"]);
    expect(as(base, null, dir, ["check"]).codes.filter((c) => !/^(EXPOSURE|POLICY)_/.test(c))).toEqual([]);
    expect(readdirSync(join(dir, "stacks/dev")).filter((n) => n.endsWith(".lock"))).toEqual([]);
  };
  const remove = (dir: string, now: (ms: number) => boolean): Promise<boolean> => killed(base, "super-admin-2", dir, ["people", "remove", "admin-1"], now);

  // Of seven files: as soon as the change has begun, and as soon as so many are done, however fast the machine is.
  it.each([0, 1, 3, 5])("once %i files are sealed anew: every file is readable, the next run finishes", async (n) => {
    const dir = copyOf(base);
    const was = await remove(dir, () => existsSync(join(dir, JOURNAL)) && changed(dir) >= n);
    expect(was).toBe(true);
    await whole(dir);
    expect(as(base, null, dir, ["people", "list"]).codes).toContain("PEOPLE_UNFINISHED");
    await finish(dir);
  }, 300_000);
  it("again and again in one project", async () => {
    const dir = copyOf(base);
    for (let n = 0; n < 5; n++) {
      const before = changed(dir);
      await remove(dir, (ms) => (n === 0 ? ms > 120 : existsSync(join(dir, JOURNAL)) && changed(dir) > before));
      await whole(dir);
    }
    await finish(dir);
  }, 300_000);
});
