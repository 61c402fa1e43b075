import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../lib/clock.ts";
import { FileStore } from "../../providers/stores/file.ts";
import type { Rotator } from "../../rotation/context.ts";
import { settingsOf, unsealed, versionOf } from "../../rotation/deliver.ts";
import { expand } from "../../schemas/template.ts";
import { readClear } from "../../seal/clear.ts";
import { identitiesFor } from "../../seal/identity.ts";
import { readProject } from "../../stacks/read.ts";
import { as, clean, commit, copyOf, DAY, git, makeBase, newKeys, read, repo, write, type Base, type Ran } from "../people/fixture.ts";

// The commands, as people and machines of a project in git use them, against the sandbox.

let base: Base;
beforeAll(async () => {
  base = await makeBase();
  const file = join(base.dir, "stacks/dev/environment.yaml");
  const text = readFileSync(file, "utf8").replace(/store: .*/, "store: { kind: file }").replace(/rotation: \{ standard: annually \}/, "rotation: { standard: annually, unattended: [twilio.authToken, outbound-webhooks.signingSecret, stripe.secretKey, vonage.apiSecret] }");
  writeFileSync(file, text);
  const { recipient, signing } = await newKeys(base, "night-rotator");
  expect(as(base, "super-admin-1", base.dir, ["people", "add", "night-rotator", "--machine", "--role", "rotator", "--tier", "development", "--recipient", recipient, "--signing", signing]).codes).toEqual([]);
  await deliver(base.dir);
  commit(base.dir, "Deliver");
}, 120_000);
afterAll(() => { clean(base); });
const opener = (): Record<string, string> => ({ SOPS_AGE_KEY_FILE: join(base.keys, "super-admin-1.age") });
/** Puts everything that is sealed into the store, as an `up` does. */
async function deliver(dir: string): Promise<void> {
  const declared = readProject(dir, { clock: systemClock }).environments.find((e) => e.name === "dev")!;
  const store = new FileStore(dir, "dev", opener(), systemClock);
  const r = { root: dir, declared, env: opener(), identities: identitiesFor(dir, "dev", opener()) } as unknown as Rotator;
  const seen = new Set<string>();
  for (const e of declared.expected) {
    if (seen.has(`${e.spec.class}/${e.integration}`)) continue;
    seen.add(`${e.spec.class}/${e.integration}`);
    const v = versionOf(r, e, await unsealed(r, e.spec.class), null, settingsOf(r, e));
    await store.put({ name: v.name, versionId: v.id, values: v.values, notes: v.notes, tags: {} });
  }
}
const claims = (dir: string, path: string) => ["secrets", "payments"].flatMap((f) => readClear(dir, `stacks/dev/${f}.sops.yaml`).sealed!.credentials).find((c) => c.path === path)!.claims!;
const opened = (dir: string): Promise<ReadonlyMap<string, string>> => {
  const r = { root: dir, declared: { name: "dev" }, env: opener(), identities: identitiesFor(dir, "dev", opener()) } as unknown as Rotator;
  return unsealed(r, "standard").then((u) => u.values);
};
const valuesOf = async (dir: string): Promise<string[]> => [...(await opened(dir)).values()];
const valueOf = async (dir: string, path: string): Promise<string> => (await opened(dir)).get(path)!;
const rotate = (who: string | null, dir: string, args: string[], now = DAY): Ran => as(base, who, dir, args, "", now);
const records = (dir: string, now = DAY): Record<string, unknown>[] => rotate(null, dir, ["rotations", "--env", "dev"], now).json["rotations"] as Record<string, unknown>[];
const SANDBOX = ["--env", "dev", "--sandbox", "--yes"];

describe("a rotator's machine", () => {
  it("rotates the listed kinds that are due, signed by itself, on a branch for a human; never payments, nor what isn't listed", async () => {
    const dir = copyOf(base);
    cpSync(join(base.dir, ".stackseal"), join(dir, ".stackseal"), { recursive: true });
    const before = await valuesOf(dir);
    const stripe = claims(dir, "stripe.secretKey").issueId;
    const r = rotate("night-rotator", dir, ["rotate", "run", "--within", "400d", "--branch", "rotation/dev", ...SANDBOX]);
    expect([r.status, r.codes.filter((c) => c !== "ROTATION_CLOCK_SKEW"), r.stderr.includes("at ")]).toEqual([0, [], false]);
    // Four rotations, three providers: the machine's wrong clock is said once.
    expect(r.codes.filter((c) => c === "ROTATION_CLOCK_SKEW")).toHaveLength(1);
    const moved = (r.json["rotations"] as { path: string; state: string; actor: string }[]).map((m) => [m.path, m.state, m.actor]);
    expect(moved.map((m) => m[0]).sort()).toEqual(["outbound-webhooks.crm-sync.signingSecret", "outbound-webhooks.reporting.signingSecret", "twilio.authToken", "vonage.apiSecret"]);
    expect(moved.every((m) => m[1] === "closed" && m[2] === "night-rotator")).toBe(true);
    expect([claims(dir, "twilio.authToken").sealedBy, claims(dir, "stripe.secretKey").issueId]).toEqual(["night-rotator", stripe]);
    expect(git(dir, "rev-parse", "--abbrev-ref", "HEAD")).toBe("rotation/dev");
    expect(git(dir, "status", "--porcelain")).toBe("");
    expect(git(dir, "diff", "--name-only", "main").split("\n").every((f) => f.startsWith("stacks/dev/"))).toBe(true);
    for (const v of [...before, ...(await valuesOf(dir))]) expect(r.stdout + r.stderr + git(dir, "log", "-p", "main..HEAD")).not.toContain(v);
    expect(rotate(null, dir, ["check", "--env", "dev"]).codes.filter((c) => c.startsWith("SEAL_"))).toEqual([]);
    // By hand the machine gets no further than by schedule.
    expect(rotate("night-rotator", dir, ["rotate", "start", "stripe.secretKey", "--reason", "scheduled", ...SANDBOX]).codes.some((c) => ["SEAL_WRITER_NOT_ALLOWED", "ROTATION_NOT_UNATTENDED"].includes(c))).toBe(true);
    expect(rotate("night-rotator", dir, ["rotate", "start", "calcom.apiKey", "--reason", "scheduled", ...SANDBOX]).codes).toEqual(["ROTATION_NOT_UNATTENDED"]);
    expect(rotate("night-rotator", dir, ["rotate", "start", "salesforce.consumerSecret", "--reason", "scheduled", ...SANDBOX]).codes).toEqual(["ROTATION_NOT_UNATTENDED"]);
    // Nothing that is fresh is rotated again.
    expect((rotate("night-rotator", dir, ["rotate", "run", ...SANDBOX]).json["rotations"] as unknown[])).toEqual([]);
    expect(rotate("night-rotator", dir, ["rotate", "run", "--env", "dev", "--sandbox"]).codes).toEqual(["NOT_CONFIRMED"]);
  });
});

describe("a rotator's machine with two credentials of one secret of the store", () => {
  it("rotates the second in a later run, when the first one's overlap is over; neither run fails", () => {
    const dir = copyOf(base);
    cpSync(join(base.dir, ".stackseal"), join(dir, ".stackseal"), { recursive: true });
    const run = (day: string): Ran => rotate("night-rotator", dir, ["rotate", "run", "--within", "400d", "--grace", "1h", "--wait", "0s", ...SANDBOX], day);
    const hooks = (day: string): string[] => records(dir, day).filter((r) => String(r["path"]).startsWith("outbound-webhooks")).map((r) => `${String(r["path"]).split(".")[1]!} ${String(r["state"])}`).sort();
    const first = run("2026-11-24");
    expect([first.status, first.codes.filter((c) => c === "ROTATION_STORE_BUSY")]).toEqual([0, ["ROTATION_STORE_BUSY"]]);
    expect(hooks("2026-11-24")).toEqual(["crm-sync open"]);
    expect(run("2026-11-25").status).toBe(0);
    expect(run("2026-11-26").status).toBe(0);
    expect(hooks("2026-11-26")).toEqual(expect.arrayContaining(["crm-sync closed", "reporting closed"]));
  });
});

describe("what no probe can prove", () => {
  it("waits for another Super Admin's signature, with evidence; nobody vouches for themselves", async () => {
    const dir = copyOf(base);
    cpSync(join(base.dir, ".stackseal"), join(dir, ".stackseal"), { recursive: true });
    const file = join(mkdtempSync(join(tmpdir(), "value-")), "hook");
    writeFileSync(file, expand("https://hooks.zapier.com/hooks/catch/{digits:8}/{alnum:7}/"));
    const path = (await import("../../seal/clear.ts")).readClear(dir, "stacks/dev/secrets.sops.yaml").sealed!.credentials.find((c) => c.path.startsWith("zapier.leads"))!.path;
    const begun = rotate("super-admin-1", dir, ["rotate", "start", path, "--reason", "departure", "--file", file, ...SANDBOX]);
    expect([begun.status, begun.codes]).toEqual([1, ["ROTATION_ATTEST"]]);
    const id = records(dir)[0]!["rotation"] as string;
    const attest = (who: string): string[] => rotate(who, dir, ["rotate", "attest", id, "--env", "dev", "--evidence", "OPS-1: the Zap is gone"]).codes;
    expect([attest("super-admin-1"), attest("engineer-1"), attest("night-rotator")]).toEqual(Array(3).fill(["ROTATION_ATTEST_NOT_ALLOWED"]));
    expect(rotate("super-admin-1", dir, ["rotate", "resume", id, ...SANDBOX]).codes).toEqual(["ROTATION_ATTEST"]);
    // Written by hand under another's name, or signed by somebody who may not: the record is broken.
    const text = read(dir, `stacks/dev/rotations/${id}.yaml`);
    expect(attest("super-admin-2")).toEqual([]);
    const attested = read(dir, `stacks/dev/rotations/${id}.yaml`);
    write(dir, `stacks/dev/rotations/${id}.yaml`, attested.replaceAll("actor: super-admin-2", "actor: super-admin-1"));
    expect(rotate(null, dir, ["rotations", "--env", "dev"]).codes).toContain("ROTATION_CHAIN_BROKEN");
    write(dir, `stacks/dev/rotations/${id}.yaml`, attested);
    expect(text).not.toBe(attested);
    expect(rotate("super-admin-1", dir, ["rotate", "resume", id, ...SANDBOX]).status).toBe(0);
    expect(records(dir)[0]).toMatchObject({ state: "closed", approver: "super-admin-2", oldVerdict: "skipped", actor: "super-admin-1" });
  });
});

describe("a value that a person gives", () => {
  it("is refused where it was in force before, for however short a while", async () => {
    const dir = copyOf(base);
    cpSync(join(base.dir, ".stackseal"), join(dir, ".stackseal"), { recursive: true });
    const file = join(mkdtempSync(join(tmpdir(), "value-")), "token");
    const former = await valueOf(dir, "vapi.token");
    expect(as(base, "super-admin-1", dir, ["secret", "set", "vapi.token", "--env", "dev", "--reason", "scheduled"], expand("{uuid}")).codes).toEqual([]);
    await deliver(dir);
    commit(dir, "Set anew");
    const start = (value: string): Ran => {
      writeFileSync(file, value);
      return rotate("super-admin-1", dir, ["rotate", "start", "vapi.token", "--reason", "scheduled", "--file", file, ...SANDBOX]);
    };
    const open = (): string => records(dir).find((r) => r["state"] === "open")!["rotation"] as string;
    const back = start(former);
    expect([back.codes, (back.stdout + back.stderr).includes(former)]).toEqual([["VALUE_RETURNED"], false]);
    expect(rotate("super-admin-1", dir, ["rotate", "abort", open(), ...SANDBOX]).status).toBe(0);
    const other = expand("{uuid}");
    expect(start(other).codes).toEqual(["ROTATION_OLD_ALIVE"]);
    commit(dir, "On its way");
    expect(rotate("super-admin-1", dir, ["rotate", "abort", open(), ...SANDBOX]).codes).toEqual(["ROTATION_UNUSED_ALIVE"]);
    commit(dir, "Given up");
    // It was in force for a while: it may not come back either.
    expect(start(other).codes).toEqual(["VALUE_RETURNED"]);
    expect(rotate("super-admin-1", dir, ["rotate", "abort", open(), ...SANDBOX]).status).toBe(0);
  });
});

describe("a departure", () => {
  it("walks the exposure list: a line closes when the exposed value is proven dead, and not when it was merely set anew", async () => {
    const dir = copyOf(base);
    cpSync(join(base.dir, ".stackseal"), join(dir, ".stackseal"), { recursive: true });
    const former = await valueOf(dir, "vapi.token");
    const removed = rotate("super-admin-1", dir, ["people", "remove", "engineer-1"]);
    expect(removed.codes).toEqual([]);
    commit(dir, "Remove");
    const list = (removed.json["written"] as string[]).find((f) => f.includes("exposures"))!;
    const status = (): Ran => rotate(null, dir, ["rotate", "departure", "--exposure", list, "--status"]);
    const first = status();
    const lines = first.json["lines"] as { path: string; state: string }[];
    expect([first.status, first.json["closed"], lines.length > 8]).toEqual([1, 0, true]);
    // Set anew without a rotation: another value is in force, and nothing shows that the exposed one is dead.
    expect(as(base, "super-admin-1", dir, ["secret", "set", "vapi.token", "--env", "dev", "--reason", "departure"], expand("{uuid}")).codes).toEqual([]);
    await deliver(dir);
    expect(rotate("super-admin-1", dir, ["rotate", "departure", "--exposure", list, "--env", "dev", "--sandbox"]).codes).toEqual(expect.arrayContaining(["NOT_CONFIRMED"]));
    const walked = rotate("super-admin-1", dir, ["rotate", "departure", "--exposure", list, "--wait", "5s", ...SANDBOX]);
    expect(walked.status).toBeGreaterThan(0);
    const now = new Map((walked.json["lines"] as { path: string; state: string; proof: string | null; why: string }[]).map((l) => [l.path, l]));
    expect(now.get("twilio.authToken")).toMatchObject({ state: "closed", proof: "refused" });
    expect(now.get("outbound-webhooks.crm-sync.signingSecret")).toMatchObject({ state: "closed", proof: "refused" });
    expect(now.get("vonage.apiSecret")).toMatchObject({ state: "closed" });
    expect(now.get("vapi.token")).toMatchObject({ state: "open", proof: null });
    expect(now.get("hubspot.accessToken") ?? [...now.values()].find((l) => l.path.startsWith("hubspot"))).toMatchObject({ state: "open" });
    expect(walked.codes).toContain("DEPARTURE_LINE_OPEN");
    // A value that the leaver could know doesn't come back by a rotation either.
    const known = join(mkdtempSync(join(tmpdir(), "value-")), "token");
    writeFileSync(known, former);
    const back = rotate("super-admin-1", dir, ["rotate", "start", "vapi.token", "--reason", "departure", "--file", known, ...SANDBOX]);
    expect([back.status, back.codes]).toEqual([1, ["ROTATION_NEXT_UNFIT"]]);
    expect(back.stdout + back.stderr).not.toContain(former);
    expect([status().status, status().json["open"]]).toEqual([1, walked.json["open"]]);
    expect(records(dir).filter((r) => r["state"] === "closed").every((r) => r["reason"] === "departure")).toBe(true);
    // For an audit: each with its dates, verdicts and who; a gap where the schedule wasn't kept.
    const csv = as(base, null, dir, ["rotations", "--env", "dev"], "", "2028-06-01");
    expect(csv.codes.filter((c) => c === "ROTATION_GAP").length).toBe(csv.json["gaps"]);
    expect(csv.json["gaps"]).toBeGreaterThan(5);
    for (const r of records(dir)) expect(r).toMatchObject({ environment: "dev", actor: "super-admin-1" });
    expect(existsSync(join(dir, list))).toBe(true);
  });
});

describe("a compromise", () => {
  it("is told for an audit by its report: how many of the old ones are ended, and the time to the last; in text, JSON and CSV", () => {
    const dir = copyOf(base);
    cpSync(join(base.dir, ".stackseal"), join(dir, ".stackseal"), { recursive: true });
    const shown = (...args: string[]): string => {
      const r = spawnSync(process.execPath, [join(repo, "dist/cli.js"), "-C", dir, "--now", DAY, "rotations", "--env", "dev", ...args], { encoding: "utf8", env: { PATH: process.env["PATH"] ?? "", HOME: dir, NO_COLOR: "1" } });
      expect(r.status).toBe(0);
      return r.stdout;
    };
    const report = ["--reason", "compromise", "--reported-at", "2026-11-23T10:00:00Z"];
    expect(rotate("super-admin-1", dir, ["rotate", "start", "twilio.authToken", ...report, "--wait", "2m", "--confirm", "vapi", ...SANDBOX]).status).toBe(0);
    // A guided one waits for a person's value: the report isn't done with.
    expect(rotate("super-admin-1", dir, ["rotate", "start", "hubspot.accessToken", ...report, ...SANDBOX]).codes).toContain("ROTATION_VALUE_WANTED");
    const seconds = records(dir).find((r) => r["path"] === "twilio.authToken")!["sinceReportSeconds"] as number;
    expect(seconds).toBeGreaterThan(3_600);
    const open = rotate(null, dir, ["rotations", "--env", "dev"]);
    expect(open.json["compromises"]).toEqual([{ environment: "dev", reportedAt: "2026-11-23T10:00:00.000Z", credentials: 2, ended: 1, lastRevokedAt: expect.any(String) as unknown, seconds, complete: false }]);
    const spelled = `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
    expect(shown()).toContain(`dev: compromise reported 2026-11-23T10:00:00.000Z: 1 of 2 old credentials ended, the last after ${spelled}; the others LIVE`);
    const id = records(dir).find((r) => r["path"] === "hubspot.accessToken")!["rotation"] as string;
    expect(rotate("super-admin-1", dir, ["rotate", "abort", id, ...SANDBOX]).status).toBe(0);
    // Given up isn't ended.
    expect(rotate(null, dir, ["rotations", "--env", "dev"]).json["compromises"]).toMatchObject([{ credentials: 2, ended: 1, complete: false }]);
    const rows = shown("--format", "csv").trimEnd().split("\r\n").map((l) => l.split(","));
    const column = (name: string, row: string[]): string => row[rows[0]!.indexOf(name)]!;
    expect(rows.slice(1).map((r) => [column("path", r), column("state", r), column("reportedAt", r), column("sinceReportSeconds", r)])).toEqual(expect.arrayContaining([
      ["twilio.authToken", "closed", "2026-11-23T10:00:00.000Z", String(seconds)], ["hubspot.accessToken", "aborted", "2026-11-23T10:00:00.000Z", ""], ["*", "open", "2026-11-23T10:00:00.000Z", String(seconds)],
    ]));
    expect(rows.every((r) => r.length === rows[0]!.length)).toBe(true);
    expect(column("kind", rows.at(-1)!)).toBe("1 of 2 ended");
    const json = rotate(null, dir, ["rotations", "--env", "dev", "--format", "csv"]);
    expect([json.status, json.codes]).toEqual([2, ["USAGE"]]);
  });
});
