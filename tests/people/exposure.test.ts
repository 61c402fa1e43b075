import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { expand } from "../../schemas/template.ts";
import { exposureSchema, type Exposure } from "../../schemas/exposure.ts";
import { parseIdentities, recipientOf } from "../../seal/age.ts";
import { readClear } from "../../seal/clear.ts";
import { as, clean, commit, copyOf, git, makeBase, newKeys, PEPPERS, read, write, type Base } from "./fixture.ts";

let base: Base;
beforeAll(async () => { base = await makeBase(); }, 60_000);
afterAll(() => { clean(base); });
const recipient = (who: string): Promise<string> => recipientOf((parseIdentities(readFileSync(join(base.keys, `${who}.age`), "utf8")) ?? [])[0]!);
const exposure = (dir: string, args: string[]): Exposure => {
  const r = as(base, null, dir, ["people", "exposure", ...args]);
  expect(r.status, r.stdout + r.stderr).toBe(0);
  return exposureSchema.parse(r.json["exposure"]);
};
const paths = (list: readonly { environment: string; path: string }[]): string[] => [...new Set(list.map((l) => `${l.environment} ${l.path}`))].sort();
const DEV = "stacks/dev/secrets.sops.yaml";
const inDev = (dir: string): string[] => readClear(dir, DEV).sealed!.credentials.map((c) => `dev ${c.path}`).sort();
const issue = (dir: string, path: string, env = "dev"): string => readClear(dir, `stacks/${env}/${path.startsWith("stripe") ? "payments" : "secrets"}.sops.yaml`).sealed!.credentials.find((c) => c.path === path)!.claims!.issueId;
const set = (dir: string, who: string, path: string, value: string, env = "dev", reason = "scheduled"): void => {
  const r = as(base, who, dir, ["secret", "set", path, "--env", env, "--reason", reason], value);
  expect(r.codes).toEqual([]);
};

describe("people exposure", () => {
  it("lists what the key opens and nothing else; what is in force apart from what was", async () => {
    const dir = copyOf(base);
    const old = issue(dir, "twilio.authToken");
    set(dir, "engineer-1", "twilio.authToken", expand("{hex:32}"));
    commit(dir, "Rotate");
    const e = exposure(dir, ["--recipient", await recipient("engineer-1")]);
    expect(paths(e.lines)).toEqual(inDev(dir));
    expect(e.past.map((p) => [p.path, p.issueId])).toEqual([["twilio.authToken", old]]);
    expect(e.subject).toBe("engineer-1");
    expect(e.lines.find((l) => l.path === "twilio.authToken")!.rotate).toBe("stackseal secret set twilio.authToken --env dev --reason compromise");
    expect(e.lines.find((l) => l.path.endsWith("crm-sync.signingSecret"))!.rotate).toContain("stackseal secret generate");
  });
  it("runs until every leaf changed: sops updatekeys alone ends nothing, a re-seal does", async () => {
    const dir = copyOf(base);
    const r = await recipient("engineer-1");
    // updatekeys: the recipient and its stanza go, every sealed data key is made anew, the leaves stay.
    const other = copyOf(base);
    as(base, "super-admin-1", other, ["people", "change", "engineer-1", "--tier", "staging"]);
    const fresh = read(other, DEV);
    const text = read(dir, DEV);
    const start = text.indexOf("    age:"), end = text.indexOf("    lastmodified:");
    write(dir, DEV, text.slice(0, start) + fresh.slice(fresh.indexOf("    age:"), fresh.indexOf("    lastmodified:")) + text.slice(end));
    expect(read(dir, DEV)).not.toContain(r);
    commit(dir, "Update keys");
    set(dir, "super-admin-1", "twilio.authToken", expand("{hex:32}"), "staging");
    expect(paths(exposure(dir, ["--recipient", r]).lines)).toEqual(inDev(dir));
    // A re-seal in the same place: what stands then isn't theirs under a new issue, the same issues are still what they knew.
    write(dir, DEV, text);
    expect(as(base, "super-admin-1", dir, ["people", "remove", "engineer-1"]).codes).toEqual([]);
    commit(dir, "Remove");
    set(dir, "super-admin-1", "twilio.authToken", expand("{hex:32}"));
    commit(dir, "Rotate after");
    const e = exposure(dir, ["--recipient", r]);
    expect(paths(e.lines)).toEqual(inDev(dir).filter((p) => !p.includes("twilio.authToken")));
    expect(e.past.map((p) => p.path)).toEqual(["twilio.authToken"]);
  });
  it("sees merges, renames, rebased commits, other branches and recipients written by hand", async () => {
    const dir = copyOf(base);
    const stranger = await newKeys(base, "stranger");
    expect(as(base, null, dir, ["people", "exposure", "--recipient", stranger.recipient]).codes).toEqual(["EXPOSURE_RECIPIENT_UNKNOWN"]);
    const clean0 = read(dir, DEV);
    // Written by hand into a file of another name on a branch, then renamed, amended away and merged.
    git(dir, "checkout", "-q", "-b", "side");
    write(dir, "stacks/dev/old.sops.yaml", clean0.replace("    age:\n", `    age:\n        - enc: |\n            -----BEGIN AGE ENCRYPTED FILE-----\n            ${"A".repeat(64)}\n            -----END AGE ENCRYPTED FILE-----\n          recipient: ${stranger.recipient}\n`));
    commit(dir, "By hand");
    git(dir, "mv", "stacks/dev/old.sops.yaml", "stacks/dev/older.sops.yaml");
    commit(dir, "Rename");
    git(dir, "reset", "-q", "--hard", "main");
    commit(dir, "Rebased without it");
    git(dir, "checkout", "-q", "main");
    expect(git(dir, "log", "--all", "--format=%s")).not.toContain("By hand");
    const e = exposure(dir, ["--recipient", stranger.recipient]);
    expect(paths(e.lines)).toEqual(inDev(dir));
    expect(e.also.refs.join()).toContain("refs/heads/side");
  });
  it("keeps apart what two data keys hold, and joins what a merge brought together", async () => {
    const dir = copyOf(base);
    const r = await recipient("engineer-1");
    git(dir, "checkout", "-q", "-b", "feature");
    set(dir, "engineer-1", "vapi.token", expand("{uuid}"));
    commit(dir, "On a branch");
    const onBranch = issue(dir, "vapi.token");
    git(dir, "checkout", "-q", "main");
    set(dir, "engineer-1", "twilio.authToken", expand("{hex:32}"));
    commit(dir, "On main");
    git(dir, "merge", "-q", "-s", "ours", "-m", "Merge", "feature");
    expect(exposure(dir, ["--recipient", r]).past.map((p) => p.issueId)).toContain(onBranch);
  });
  it("reads what a Super Admin could: payments first, by tier, values of the store too", () => {
    const dir = copyOf(base);
    const e = exposure(dir, ["--person", "super-admin-2"]);
    expect(e.lines[0]).toMatchObject({ class: "payments", tier: "production", due: "2026-11-25" });
    expect(e.lines.findIndex((l) => l.class === "standard")).toBeGreaterThan(e.lines.findLastIndex((l) => l.class === "payments"));
    expect(e.lines.find((l) => l.path === "twilio.authToken" && l.environment === "prod")!.via).toEqual(["git", "store"]);
    expect(e.lines.find((l) => l.path === "smtp.password" && l.environment === "prod")!.via).toEqual(["git", "guess", "store"]);
    expect(e.lines.find((l) => l.path === "stripe.webhooks.payments.signingSecret" && l.environment === "prod")).toMatchObject({ via: ["store"] });
    expect(exposure(dir, ["--person", "super-admin-2", "--env", "prod"]).lines.every((l) => l.environment === "prod")).toBe(true);
  });
  it("counts a human-chosen value as guessable where only a pepper was held", () => {
    const dir = copyOf(base);
    // A payments deployer opens no standard file, but holds the peppers to verify with.
    const e = exposure(dir, ["--person", "deployer-prod-payments"]);
    expect(e.lines.filter((l) => l.class === "standard").map((l) => [l.path, l.via])).toEqual([["smtp.password", ["guess"]], ["vonage.apiSecret", ["guess"]]]);
  });
  it("follows somebody who changed keys", async () => {
    const dir = copyOf(base);
    const r1 = await recipient("engineer-1");
    const k = await newKeys(base, "engineer-1-new");
    expect(as(base, "super-admin-1", dir, ["people", "change", "engineer-1", "--recipient", k.recipient]).codes).toEqual([]);
    commit(dir, "New key");
    const e = exposure(dir, ["--person", "engineer-1"]);
    expect(e.recipients).toEqual([r1, k.recipient].sort());
    expect(paths(e.lines)).toEqual(inDev(dir));
  });
  it("refuses a secret key as argument, and says nothing of it", () => {
    const dir = copyOf(base);
    const secret = readFileSync(join(base.keys, "engineer-1.age"), "utf8").trim();
    const r = as(base, null, dir, ["people", "exposure", "--recipient", secret]);
    expect(r.status).toBe(2);
    expect(r.stdout + r.stderr).not.toContain(secret);
  });
});

describe("people remove", () => {
  it("keeps the list in the repository; lines close one by one as issues and values are new; check warns, then fails", async () => {
    const dir = copyOf(base);
    const r = as(base, "super-admin-1", dir, ["people", "remove", "engineer-1"]);
    expect(r.codes).toEqual([]);
    const file = "stacks/exposures/2026-11-24-engineer-1.yaml";
    const list = exposureSchema.parse(parse(read(dir, file)));
    expect(paths(list.lines)).toEqual(inDev(dir));
    expect(list).toMatchObject({ reason: "departure", subject: "engineer-1", by: "super-admin-1", recipients: [await recipient("engineer-1")] });
    commit(dir, "Remove engineer-1");
    const open = (now = "2026-11-24"): { codes: string[]; status: number | null } => as(base, null, dir, ["check"], "", now);
    expect(open().codes).toEqual(list.lines.map(() => "EXPOSURE_OPEN"));
    expect(open().status).toBe(0);
    expect(open("2026-12-25").codes.filter((c) => c === "EXPOSURE_OVERDUE")).toHaveLength(list.lines.length);
    expect(open("2026-12-25").status).toBe(1);
    const value = expand("{hex:32}");
    set(dir, "super-admin-1", "twilio.authToken", value, "dev", "departure");
    expect(open().codes).toHaveLength(list.lines.length - 1);
    expect(readClear(dir, DEV).sealed!.credentials.find((c) => c.path === "twilio.authToken")!.claims!.fingerprint).toMatch(/^g2:/);
    // The value that they know comes back neither here nor elsewhere, under whichever generation.
    const other = copyOf(base);
    const plain = spawnSync(process.execPath, [join(import.meta.dirname, "../../dist/cli.js"), "-C", other, "secret", "get", "twilio.authToken", "--env", "dev"], { encoding: "utf8", env: { PATH: process.env["PATH"], SOPS_AGE_KEY_FILE: join(base.keys, "super-admin-1.age") } }).stdout;
    expect(plain).toMatch(/^[0-9a-f]{32}$/);
    expect(as(base, "super-admin-1", dir, ["secret", "set", "twilio.authToken", "--env", "dev", "--reason", "scheduled"], plain).codes).toEqual(["VALUE_EXPOSED"]);
    // A new issue id written over the same value closes nothing.
    const vapi = list.lines.find((l) => l.path === "vapi.token")!;
    write(dir, DEV, read(dir, DEV).replace(vapi.issueId!, "0Z".padEnd(26, "7")));
    expect(as(base, null, dir, ["check"]).codes).toContain("EXPOSURE_OPEN");
    expect((as(base, null, dir, ["check"]).json["findings"] as { path?: string; message: string; code: string }[]).find((f) => f.code === "EXPOSURE_OPEN" && f.path === "vapi.token")!.message).toContain("the same value is in force");
  });
  it("finds the leaver whom somebody put back into a recipient list, by name", async () => {
    const dir = copyOf(base);
    expect(as(base, "super-admin-1", dir, ["people", "remove", "engineer-1"]).codes).toEqual([]);
    write(dir, ".sops.yaml", read(dir, ".sops.yaml").replace("age: age1", `age: ${await recipient("engineer-1")},age1`));
    write(dir, DEV, read(base.dir, DEV));
    const r = as(base, null, dir, ["check"]);
    expect(r.codes.filter((c) => c === "RECIPIENT_LEFT")).toHaveLength(2);
    expect(r.codes).toContain("SOPS_CONFIG_STALE");
    expect(r.codes).toContain("SEAL_RECIPIENTS_STALE");
    expect(r.stdout).toContain("engineer-1 left");
  });
});

it("check names the stale and the missing recipients of a pepper file too, with the command that mends them", () => {
  const dir = copyOf(base);
  write(dir, "stacks/people.yaml", read(dir, "stacks/people.yaml").replace(/(engineer-1:\n\s+role: engineer\n\s+tiers: \[)development/, "$1staging"));
  const r = as(base, null, dir, ["check"]);
  expect([...new Set(r.codes)].filter((c) => !c.startsWith("POLICY_")).sort()).toEqual(["PEOPLE_UNSIGNED", "SEAL_RECIPIENTS_STALE", "SOPS_CONFIG_STALE"]);
  expect(r.stdout).toContain("engineer-1");
  expect(as(base, "super-admin-1", dir, ["people", "sync"]).codes).toEqual([]);
  expect(as(base, "super-admin-1", dir, ["people", "sign"]).codes).toEqual([]);
  expect(as(base, null, dir, ["check"]).codes.filter((c) => !c.startsWith("POLICY_"))).toEqual([]);
  expect(PEPPERS.length).toBe(4);
});
