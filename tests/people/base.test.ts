import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expand } from "../../schemas/template.ts";
import { readClear } from "../../seal/clear.ts";
import { as, clean, commit, copyOf, git, makeBase, newKeys, read, write, type Base, type Ran } from "./fixture.ts";

let base: Base;
beforeAll(async () => { base = await makeBase(); }, 60_000);
afterAll(() => { clean(base); });
const DEV = "stacks/dev/secrets.sops.yaml";
const PEOPLE = "stacks/people.yaml";
/** Without what the policies say of the same and of other things: they have samples of their own. */
const check = (dir: string, ...args: string[]): Ran => {
  const r = as(base, null, dir, ["check", ...args]);
  return { ...r, codes: r.codes.filter((c) => !c.startsWith("POLICY_")) };
};
const branch = (): string => {
  const dir = copyOf(base);
  git(dir, "checkout", "-q", "-b", "change");
  return dir;
};

describe("the protected base", () => {
  it("says what it compared with, and that it skipped where there is nothing to compare", () => {
    const dir = branch();
    expect(check(dir).json).toMatchObject({ ok: true, base: { ref: "main", commit: git(dir, "rev-parse", "main") } });
    expect(check(dir, "--base", "nowhere").codes).toEqual(["BASE_UNKNOWN"]);
    expect(check(dir, "--base", "--output=x").status).toBe(2);
    git(dir, "branch", "-D", "main");
    git(dir, "branch", "-M", "other");
    expect(check(dir).json).toMatchObject({ ok: true, base: null, note: expect.stringContaining("no protected branch") });
  });
  it("lets a first people.yaml in, and says so", () => {
    const dir = copyOf(base);
    git(dir, "checkout", "-q", "--orphan", "fresh");
    git(dir, "rm", "-q", "--cached", "-r", ".");
    write(dir, "README", "empty");
    git(dir, "add", "README");
    git(dir, "commit", "-q", "-m", "Empty");
    git(dir, "branch", "-f", "main");
    const r = check(dir);
    expect(r.codes).toEqual([]);
    expect(r.json["note"]).toContain("has no people.yaml yet");
  });
  it("refuses somebody who writes themself into people.yaml and seals: no signature, their own, a tampered one, an old one", async () => {
    const dir = branch();
    const k = await newKeys(base, "mallory");
    const text = read(dir, PEOPLE);
    write(dir, PEOPLE, text.replace("machines:\n", `    mallory:\n        role: super-admin\n        tiers: [development, staging, production]\n        recipients: [${k.recipient}]\n        signing: ["${k.signing}"]\nmachines:\n`));
    expect(check(dir).codes).toContain("PEOPLE_UNSIGNED");
    expect(as(base, "mallory", dir, ["people", "sign"]).status).toBe(0);
    expect(check(dir).codes).toContain("PEOPLE_UNSIGNED");
    expect(as(base, "super-admin-1", dir, ["people", "sign"]).status).toBe(0);
    expect(check(dir).codes).not.toContain("PEOPLE_UNSIGNED");
    write(dir, PEOPLE, read(dir, PEOPLE).replace("mallory:", "mallory2:"));
    expect(check(dir).codes).toContain("PEOPLE_UNSIGNED");
    // An engineer's role raised by hand, unsigned.
    write(dir, PEOPLE, text.replace(/(engineer-1:\n\s+role: )engineer/, "$1admin"));
    expect(check(dir).codes).toContain("PEOPLE_UNSIGNED");
  });
  it("says it once, and the rule of the policies judges against the very same base, committed or not", () => {
    const dir = branch();
    write(dir, PEOPLE, read(dir, PEOPLE).replace(/(engineer-1:\n\s+role: )engineer/, "$1admin"));
    const said = (args: string[]): string[] => (as(base, null, dir, args).json["findings"] as { code: string; message: string }[]).filter((f) => f.code === "PEOPLE_UNSIGNED" || f.message.startsWith("people-signed:")).map((f) => f.code);
    const rule = (...more: string[]): string[] => said(["preview", "--env", "dev", ...more]);
    expect(said(["check"])).toEqual(["PEOPLE_UNSIGNED"]);
    expect(rule()).toEqual(["POLICY_VIOLATION"]);
    commit(dir, "Raise");
    expect(said(["check"])).toEqual(["PEOPLE_UNSIGNED"]);
    expect(rule()).toEqual(["POLICY_VIOLATION"]);
    expect(said(["check", "--base", "HEAD"])).toEqual([]);
  });
  it("refuses an old state of people.yaml put back with its signature", () => {
    const dir = copyOf(base);
    expect(as(base, "super-admin-1", dir, ["people", "change", "admin-1", "--handle", "one"]).codes).toEqual([]);
    commit(dir, "One");
    const [text, sig] = [read(dir, PEOPLE), read(dir, `${PEOPLE}.sig`)];
    expect(as(base, "super-admin-1", dir, ["people", "change", "admin-1", "--handle", "two"]).codes).toEqual([]);
    commit(dir, "Two");
    git(dir, "checkout", "-q", "-b", "change");
    write(dir, PEOPLE, text);
    write(dir, `${PEOPLE}.sig`, sig);
    expect(check(dir).codes).toEqual(["PEOPLE_SIGNATURE_REPLAYED"]);
  });
  it("wants the access matrix signed too, where the project has it", () => {
    const dir = copyOf(base);
    write(dir, "schemas/access.ts", "export const one = 1;\n");
    commit(dir, "Matrix");
    git(dir, "checkout", "-q", "-b", "change");
    write(dir, "schemas/access.ts", "export const one = 2;\n");
    expect(check(dir).codes).toEqual(["PEOPLE_UNSIGNED"]);
    expect(as(base, "super-admin-2", dir, ["people", "sign"]).codes).toEqual([]);
    expect(check(dir).codes).toEqual([]);
  });
  it("wants the levels of the policies signed, where they are changed, lowered from nothing or removed", () => {
    const dir = copyOf(base);
    git(dir, "checkout", "-q", "-b", "change");
    write(dir, "policies/config.json", '{ "no-shared-credentials": "disabled" }\n');
    const refused = check(dir);
    expect(refused.codes).toEqual(["PEOPLE_UNSIGNED"]);
    expect(refused.stdout).toContain("policies/config.json");
    expect(as(base, "super-admin-2", dir, ["people", "sign"]).codes).toEqual([]);
    expect(check(dir).codes).toEqual([]);
    commit(dir, "Levels");
    git(dir, "branch", "-f", "main");
    rmSync(join(dir, "policies/config.json"));
    expect(check(dir).codes).toEqual(["PEOPLE_UNSIGNED"]);
  });
  it("doesn't know a writer before they are merged", async () => {
    const dir = branch();
    const k = await newKeys(base, "engineer-3");
    expect(as(base, "super-admin-1", dir, ["people", "add", "engineer-3", "--role", "engineer", "--tier", "development", "--recipient", k.recipient, "--signing", k.signing]).codes).toEqual([]);
    expect(check(dir).codes).toEqual([]);
    expect(as(base, "engineer-3", dir, ["secret", "set", "twilio.authToken", "--env", "dev", "--reason", "scheduled"], expand("{hex:32}")).codes).toEqual([]);
    expect(check(dir).codes).toEqual(["BASE_WRITER"]);
    git(dir, "stash", "-q", "--", DEV);
    commit(dir, "Add");
    git(dir, "checkout", "-q", "main");
    git(dir, "merge", "-q", "change");
    git(dir, "checkout", "-q", "-b", "next");
    git(dir, "checkout", "stash@{0}", "--", DEV);
    expect(check(dir).codes).toEqual([]);
  });
  it("judges by the tier of the base: an environment doesn't become development to be written by engineers", () => {
    const dir = branch();
    write(dir, "stacks/staging/environment.yaml", read(dir, "stacks/staging/environment.yaml").replace("tier: staging", "tier: development"));
    write(dir, PEOPLE, read(dir, PEOPLE));
    as(base, "super-admin-1", dir, ["people", "sync"]);
    expect(as(base, "engineer-1", dir, ["secret", "set", "twilio.authToken", "--env", "staging", "--reason", "scheduled"], expand("{hex:32}")).codes).toEqual([]);
    expect(check(dir).codes).toContain("BASE_WRITER");
  });
});

describe("issues", () => {
  const set = (dir: string, now: string): string[] => as(base, "engineer-1", dir, ["secret", "set", "twilio.authToken", "--env", "dev", "--reason", "scheduled"], expand("{hex:32}"), now).codes;
  it("come within a day of their commit", () => {
    const dir = branch();
    expect(set(dir, "2026-11-23")).toEqual([]);
    expect(check(dir).codes).toEqual([]);
    expect(set(dir, "2026-11-20")).toEqual([]);
    expect(check(dir).codes).toEqual(["ISSUED_AT_MOVED"]);
    commit(dir, "Backdated");
    expect(check(dir).codes).toEqual(["ISSUED_AT_MOVED"]);
  });
  it("keep their day: issuedAt moved on under the same id, signed again by who may, is refused", async () => {
    const dir = branch();
    const { signText, readSigningKey, canonicalClaims } = await import("../../seal/signature.ts");
    const { openSealed } = await import("../../seal/open.ts");
    const { editSealed } = await import("../../seal/edit.ts");
    const opened = await openSealed(readClear(dir, DEV).sealed!, [readFileSync(join(base.keys, "engineer-1.age"), "utf8").trim()]);
    const c = opened.file.credentials.find((x) => x.path === "twilio.authToken")!;
    const key = readSigningKey(readFileSync(join(base.keys, "engineer-1.ssh"), "utf8"))!;
    const { signature: _s, ...rest } = c.claims!;
    const claims = { ...rest, issuedAt: "2026-11-25", sealedBy: "engineer-1" };
    write(dir, DEV, editSealed(opened, { now: new Date("2026-11-25T00:00:00Z"), set: [{ path: c.path, value: opened.values.get(c.path)!, leaf: c.leaf, claims: { ...claims, signature: signText(key, canonicalClaims("dev", c.path, claims, c.leaf)) } }] }));
    expect(as(base, null, dir, ["check"], "", "2026-11-25").codes.filter((c) => !c.startsWith("POLICY_"))).toEqual(["ISSUED_AT_MOVED"]);
  });
  it("don't come back once retired, save by a rollback that a second person signed", () => {
    const dir = copyOf(base);
    const old = read(dir, DEV);
    const id = readClear(dir, DEV).sealed!.credentials.find((c) => c.path === "twilio.authToken")!.claims!.issueId;
    expect(set(dir, "2026-11-24")).toEqual([]);
    commit(dir, "Rotate");
    git(dir, "checkout", "-q", "-b", "change");
    write(dir, DEV, old);
    expect(check(dir).codes).toEqual(["ISSUE_RETURNED"]);
    const approve = (who: string): string[] => as(base, who, dir, ["people", "approve-rollback", id, "--env", "dev", "--reason", "the new one was refused"]).codes;
    expect(approve("super-admin-1")).toEqual(["USAGE"]);
    expect(approve("auditor-1")).toEqual([]);
    expect(check(dir).codes).toEqual(["ROLLBACK_INVALID"]);
    expect(approve("admin-1")).toEqual([]);
    expect(check(dir).codes).toEqual([]);
  });
});

it("an exposure list can't be shortened, put off or removed", () => {
  const dir = copyOf(base);
  expect(as(base, "super-admin-1", dir, ["people", "remove", "engineer-1"]).codes).toEqual([]);
  commit(dir, "Remove");
  git(dir, "checkout", "-q", "-b", "change");
  const file = "stacks/exposures/2026-11-24-engineer-1.yaml";
  const text = read(dir, file);
  const codes = (): string[] => check(dir).codes.filter((c) => c !== "EXPOSURE_OPEN");
  expect(codes()).toEqual([]);
  write(dir, file, text.replaceAll("2026-12-24", "2027-12-24"));
  expect(codes()).toEqual(["EXPOSURE_CHANGED"]);
  git(dir, "rm", "-q", "-f", file);
  expect(codes()).toEqual(["EXPOSURE_CHANGED"]);
});
