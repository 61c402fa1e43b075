import { gzipSync } from "node:zlib";
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { reviewSchema, type Review } from "../../schemas/review.ts";
import { as, clean, commit, copyOf, git, makeBase, newKeys, read, write, type Base } from "./fixture.ts";

let base: Base;
beforeAll(async () => { base = await makeBase(); }, 60_000);
afterAll(() => { clean(base); });
const REVIEW = "stacks/reviews/2026-11-24.yaml";
const review = (dir: string): Review => reviewSchema.parse(parse(read(dir, REVIEW)));

describe("access", () => {
  it("matrix: one cell for every role, tier and class, in three formats", () => {
    const r = as(base, null, base.dir, ["access", "matrix"]);
    const cells = r.json["matrix"] as { role: string; tier: string; class: string; verbs: string[] }[];
    expect(cells.length).toBe(new Set(cells.map((c) => `${c.role} ${c.tier} ${c.class}`)).size);
    const payments = cells.filter((c) => c.class === "payments" && c.tier === "production");
    expect(payments.filter((c) => c.verbs.includes("seal")).map((c) => c.role)).toEqual(["super-admin"]);
    expect(payments.filter((c) => c.verbs.includes("read")).map((c) => c.role)).toEqual(["super-admin", "payments-app"]);
  });
  it("who: now and on a day before somebody came or left", async () => {
    const dir = copyOf(base);
    const k = await newKeys(base, "late");
    as(base, "super-admin-1", dir, ["people", "add", "late", "--role", "engineer", "--tier", "development", "--recipient", k.recipient]);
    const env = { GIT_COMMITTER_DATE: "2026-12-10T10:00:00Z", GIT_AUTHOR_DATE: "2026-12-10T10:00:00Z" };
    git(dir, "add", "-A");
    const old = { ...process.env };
    Object.assign(process.env, env);
    git(dir, "commit", "-q", "-m", "Add late");
    process.env = old;
    const open = (...args: string[]): string[] => (as(base, null, dir, ["access", "who", "--credential", "twilio.authToken", "--env", "dev", ...args]).json["environments"] as { open: string[] }[])[0]!.open;
    expect(open()).toContain("late");
    expect(open("--at", "2026-11-24")).toEqual(expect.arrayContaining(["engineer-1", "late"]));
    expect(as(base, null, dir, ["access", "who", "--credential", "twilio.authToken", "--at", "2020-01-01"]).status).toBe(2);
    for (const at of ["2026-11-24T10:00:00Z", "2199-01-01", "2026-02-30", ""]) expect(as(base, null, dir, ["access", "who", "--credential", "twilio.authToken", "--at", at])).toMatchObject({ status: 2, codes: ["USAGE"] });
    expect(as(base, null, dir, ["access", "who", "--credential", "nothing.such"]).stdout).toContain('no environment here declares a credential \\"nothing.such\\"');
    expect(as(base, null, dir, ["access", "who", "--credential", "twilio.authTokn", "--env", "dev"]).stdout).toContain("did you mean twilio.authToken");
    const payments = as(base, null, dir, ["access", "who", "--credential", "stripe.secretKey", "--env", "prod"]).json["environments"] as { seal: string[]; open: string[] }[];
    expect(payments[0]).toMatchObject({ seal: ["super-admin-1", "super-admin-2"], open: ["super-admin-1", "super-admin-2", "deployer-prod-payments"] });
  });
  it("can: what a person may, and what they hold", () => {
    expect(as(base, null, base.dir, ["access", "can", "--person", "engineer-1"]).json).toMatchObject({ role: "engineer", opens: ["stacks/dev/secrets.sops.yaml", "stacks/pepper-development.sops.yaml", "stacks/pepper.sops.yaml"], may: ["development standard: open, seal, list", "development settings: open, seal, list"] });
    expect(as(base, null, base.dir, ["access", "can", "--person", "nobody-1"]).codes).toEqual(["PERSON_UNKNOWN"]);
  });
});

describe("access review and apply", () => {
  it("asks for every line, refuses what nobody signed off, then removes whom it says", () => {
    const dir = copyOf(base);
    write(dir, "stacks/people.yaml", read(dir, "stacks/people.yaml").replace(/(engineer-1:[\s\S]*?)\n\s+secondFactor:[^\n]*/, "$1"));
    write(dir, ".github/CODEOWNERS", "# owners\nstacks/*/payments* @super-admin-1\n");
    const r = as(base, "super-admin-1", dir, ["access", "review"]);
    expect(r.codes).toEqual([]);
    const v = review(dir);
    expect(v.lines.find((l) => l.name === "engineer-1")!.notes).toContain("no second factor is attested");
    expect(v.codeOwners).toEqual(["stacks/*/payments* @super-admin-1"]);
    expect(as(base, "super-admin-1", dir, ["access", "review"]).codes).toEqual(["REVIEW_EXISTS"]);
    expect(as(base, "super-admin-1", dir, ["access", "apply"]).codes).toEqual(v.lines.map(() => "REVIEW_UNSIGNED"));
    const decide = (self: boolean): void => {
      write(dir, REVIEW, stringify({ ...v, lines: v.lines.map((l) => ({ ...l, decision: l.name === "engineer-1" ? "remove" : "keep", reason: "reviewed", reviewedBy: l.name === "super-admin-1" && !self ? "super-admin-2" : "super-admin-1" })) }));
    };
    decide(true);
    expect(as(base, "super-admin-1", dir, ["access", "apply"]).codes).toEqual(["REVIEW_UNSIGNED"]);
    expect(read(dir, "stacks/people.yaml")).toContain("engineer-1");
    decide(false);
    // Whoever's word the review gives must have signed it, as it is.
    const waits = as(base, "super-admin-1", dir, ["access", "apply"]);
    expect([waits.codes, waits.stdout.includes("super-admin-2 decided lines")]).toEqual([["REVIEW_UNSIGNED"], true]);
    expect(as(base, "engineer-1", dir, ["access", "review", "--sign"]).codes).toEqual(["REVIEW_UNSIGNED"]);
    expect(as(base, "super-admin-2", dir, ["access", "review", "--sign"]).json).toMatchObject({ signed: `${REVIEW}.super-admin-2.sig`, lines: ["super-admin-1"] });
    write(dir, REVIEW, read(dir, REVIEW).replace("reason: reviewed", "reason: looked at"));
    expect(as(base, "super-admin-1", dir, ["access", "apply"]).codes).toEqual(["REVIEW_UNSIGNED"]);
    write(dir, `${REVIEW}.super-admin-2.sig`, "forged");
    expect(as(base, "super-admin-1", dir, ["access", "apply"]).codes).toEqual(["REVIEW_UNSIGNED"]);
    expect(as(base, "super-admin-2", dir, ["access", "review", "--sign", REVIEW]).codes).toEqual([]);
    const done = as(base, "super-admin-1", dir, ["access", "apply"]);
    expect(done.codes).toEqual([]);
    expect(done.json).toMatchObject({ removed: ["engineer-1"] });
    expect(read(dir, "stacks/people.yaml")).not.toContain("engineer-1");
    expect(read(dir, `${REVIEW}.sig`)).toContain("BEGIN SSH SIGNATURE");
    expect(read(dir, "stacks/exposures/2026-11-24-engineer-1.yaml")).toContain("twilio.authToken");
    commit(dir, "Apply");
    const next = as(base, "super-admin-1", dir, ["access", "review"], "", "2027-02-24");
    expect((next.json["review"] as Review).since).toBe("2026-11-24");
  });
  it("says of each what they may, open and lack, and who reviews which environment", () => {
    const dir = copyOf(base);
    const all = parse(read(dir, "stacks/people.yaml")) as { people: Record<string, object> };
    const factor = (attestedAt: string, by: string): object => ({ secondFactor: { attestedAt, by } });
    Object.assign(all.people["super-admin-1"]!, factor("2025-11-01", "super-admin-2"));
    Object.assign(all.people["super-admin-2"]!, factor("2026-11-01", "super-admin-2"));
    Object.assign(all.people["admin-1"]!, factor("2026-11-01", "super-admin-1"), { until: "2026-11-20" });
    Object.assign(all.people["engineer-1"]!, factor("2026-11-01", "super-admin-1"), { from: "2026-12-01" });
    write(dir, "stacks/people.yaml", stringify(all));
    as(base, "super-admin-1", dir, ["access", "review"]);
    const { lines, reviewers } = review(dir);
    const line = (name: string): Review["lines"][number] => lines.find((l) => l.name === name)!;
    expect(line("super-admin-1").notes).toEqual(["the second factor was attested on 2025-11-01, more than a year ago", "may do everything in these tiers"]);
    expect(line("super-admin-2").notes).toEqual(["nobody else attested the second factor", "may do everything in these tiers"]);
    expect(line("admin-1")).toMatchObject({ may: [], notes: ["left on 2026-11-20, and is still a recipient of 7 files"] });
    expect(line("engineer-1")).toMatchObject({ may: [], notes: ["begins on 2026-12-01"], opens: ["stacks/dev/secrets.sops.yaml", "stacks/pepper-development.sops.yaml", "stacks/pepper.sops.yaml"] });
    expect(line("auditor-1").notes).toEqual(["no second factor is attested"]);
    expect(line("deployer-dev")).toMatchObject({ notes: [], may: expect.arrayContaining([expect.stringMatching(/^development standard: /)]) });
    expect(reviewers).toEqual(expect.arrayContaining(["dev: super-admin-1, super-admin-2", "prod-payments: super-admin-1, super-admin-2"]));
  });
  it("says what changed since the review before, of people alone who changed", async () => {
    const dir = copyOf(base);
    as(base, "super-admin-1", dir, ["access", "review"]);
    commit(dir, "Review");
    const [k, late] = [await newKeys(base, "other"), await newKeys(base, "late-2")];
    const all = parse(read(dir, "stacks/people.yaml")) as { people: Record<string, Record<string, unknown>> };
    all.people["late"] = { ...all.people["engineer-1"], handle: "late", recipients: [late.recipient], signing: [late.signing] };
    delete all.people["auditor-1"];
    Object.assign(all.people["admin-1"]!, { recipients: [k.recipient], signing: [k.signing] });
    Object.assign(all.people["engineer-1"]!, { role: "admin", tiers: ["development", "staging"] });
    write(dir, "stacks/people.yaml", stringify(all));
    expect(as(base, "super-admin-1", dir, ["access", "review"], "", "2027-02-24").json["review"]).toMatchObject({ since: "2026-11-24", changes: [
      "late: new, engineer in development", "auditor-1: gone, was auditor in development, staging, production", "admin-1: other age recipients", "admin-1: other signing keys", "engineer-1: engineer became admin", "engineer-1: tiers development became development, staging",
    ] });
  });
  it("reads CloudTrail: reads of payment secrets alone, the unusual flagged, unused access named, a broken file said", () => {
    const dir = copyOf(base);
    const logs = join(dir, "logs/2026/11");
    mkdirSync(logs, { recursive: true });
    const event = (time: string, role: string, ip: string, secret = "stackseal/prod/payments/stripe", error?: string): object => ({
      eventTime: time, eventSource: "secretsmanager.amazonaws.com", eventName: "GetSecretValue", awsRegion: "eu-west-1", sourceIPAddress: ip, ...(error !== undefined && { errorCode: error }),
      userIdentity: { type: "AssumedRole", arn: `arn:aws:sts::333333333333:assumed-role/${role}/session` }, requestParameters: { secretId: `arn:aws:secretsmanager:eu-west-1:333333333333:secret:${secret}-AbCdEf` },
    });
    const app = Array.from({ length: 10 }, (_, i) => event(`2026-11-${String(i + 1).padStart(2, "0")}T09:00:00Z`, "payments-app", "198.51.100.7"));
    const burst = Array.from({ length: 12 }, (_, i) => event(`2026-11-12T10:00:${String(i).padStart(2, "0")}Z`, "payments-app", "198.51.100.7"));
    writeFileSync(join(logs, "a.json.gz"), gzipSync(JSON.stringify({ Records: [...app, event("2026-11-11T03:00:00Z", "payments-app", "203.0.113.9"), event("2026-11-11T12:00:00Z", "super-admin-2", "203.0.113.9"), event("2026-11-11T12:00:00Z", "x", "203.0.113.9", "stackseal/prod/twilio")] })));
    writeFileSync(join(logs, "b.json.gz"), gzipSync(JSON.stringify({ Records: [...burst, event("2026-11-12T12:00:00Z", "payments-app", "198.51.100.7", "stackseal/prod/payments/stripe", "AccessDenied")] })));
    writeFileSync(join(logs, "c.json.gz"), "no gzip");
    const r = as(base, null, dir, ["access", "review", "--cloudtrail", "logs"]);
    expect(r.codes).toEqual(["TRAIL_UNREADABLE"]);
    const reads = r.json["reads"] as { at: string; identity: string; secret: string; place: string; flags: string[]; denied: boolean }[];
    expect(reads).toHaveLength(25);
    expect(reads.every((x) => x.secret === "stackseal/prod/payments/stripe")).toBe(true);
    expect(reads.filter((x) => x.flags.length).map((x) => [x.at, x.flags])).toEqual([["2026-11-11T03:00:00Z", ["new-place", "odd-hour"]], ["2026-11-11T12:00:00Z", ["new-identity"]], ["2026-11-12T10:00:09Z", ["burst"]]]);
    expect(reads.filter((x) => x.denied)).toHaveLength(1);
    const notes = (name: string): string => review(dir).lines.find((l) => l.name === name)!.notes.join();
    expect(notes("super-admin-1")).toContain("no use of the store");
    expect(notes("super-admin-2")).not.toContain("no use of the store");
  });
  it("reads of a hostile export what it can: an event once, none without a time, no pipe, no other account's for ours; a refused read by its message", () => {
    const dir = copyOf(base);
    const logs = join(dir, "logs");
    mkdirSync(logs);
    const event = (id: string, more: object = {}): object => ({ eventID: id, eventTime: "2026-11-01T09:00:00Z", eventSource: "secretsmanager.amazonaws.com", eventName: "GetSecretValue", recipientAccountId: "333333333333", userIdentity: { arn: "arn:aws:iam::333333333333:user/x" }, requestParameters: { secretId: "stackseal/prod/payments/stripe" }, ...more });
    const put = (name: string, records: readonly unknown[]): void => { writeFileSync(join(logs, name), gzipSync(JSON.stringify({ Records: records }))); };
    put("a.json.gz", [event("1"), event("2", { eventTime: "2026-11-01T09:30:00Z", recipientAccountId: "999999999999" })]);
    put("b.json.gz", [event("1"), event("3", { eventTime: "2026-13-45T09:00:00Z" }), event("4", { eventTime: "2026-11-01T10:00:00Z", errorCode: "AccessDenied", requestParameters: null, errorMessage: "User: x is not authorized to perform: secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:eu-west-1:333333333333:secret:stackseal/prod/payments/stripe-AbCdEf because no policy allows it" }), null, 5]);
    writeFileSync(join(logs, "bomb.json.gz"), gzipSync(Buffer.alloc(200 << 20, " ")));
    symlinkSync("/dev/zero", join(logs, "zero.json"));
    execFileSync("mkfifo", [join(logs, "pipe.json.gz")]);
    const r = as(base, null, dir, ["access", "review", "--cloudtrail", "logs"]);
    expect((r.json["findings"] as { message: string }[]).map((f) => f.message)).toEqual(["b.json.gz has 3 events without a time: they are left out", ...["bomb.json.gz", "pipe.json.gz", "zero.json"].map((f) => `${f} is no CloudTrail log file`)]);
    expect((r.json["reads"] as { at: string; denied: boolean; flags: string[] }[]).map((x) => [x.at, x.denied, x.flags])).toEqual([["2026-11-01T09:00:00Z", false, []], ["2026-11-01T09:30:00Z", false, ["other-account"]], ["2026-11-01T10:00:00Z", true, []]]);
    expect(r.json["review"]).toMatchObject({ lines: expect.arrayContaining([expect.objectContaining({ name: "deployer-prod-payments" })]) });
  });
  it("applies no review that was copied, is about who they were, gives a line twice, or the word of somebody who left", () => {
    const dir = copyOf(base);
    as(base, "super-admin-1", dir, ["access", "review"]);
    const made = review(dir);
    const lines = made.lines.map((l) => ({ ...l, decision: "keep" as const, reason: "reviewed", reviewedBy: l.name === "super-admin-1" ? "super-admin-2" : "super-admin-1" }));
    const apply = (day: string, change: Partial<Review> = {}, by = "super-admin-1"): string => {
      const file = `stacks/reviews/${day}.yaml`;
      write(dir, file, stringify({ ...made, lines, ...change }, { aliasDuplicateObjects: false }));
      for (const who of ["super-admin-2", "engineer-1"]) as(base, who, dir, ["access", "review", "--sign", file]);
      const r = as(base, by, dir, ["access", "apply", file], "", day);
      return (r.json["findings"] as { message: string }[]).map((f) => f.message).join("; ");
    };
    expect(apply("2026-11-24")).toBe("");
    expect(apply("2027-02-24")).toContain("another review was copied here");
    expect(apply("2026-11-24", { lines: lines.map((l) => (l.name === "engineer-1" ? { ...l, tiers: ["development", "production"] } : l)) })).toContain("and was reviewed as engineer in development, production");
    expect(apply("2026-11-24", { lines: [...lines, { ...lines.find((l) => l.name === "engineer-1")!, decision: "remove" }] })).toContain("engineer-1: stands there twice");
    const with1 = (name: string, change: Partial<Review["lines"][number]>): Partial<Review> => ({ lines: lines.map((l) => (l.name === name ? { ...l, ...change } : l)) });
    expect(apply("2026-11-24", with1("engineer-1", { decision: "" }))).toBe("engineer-1: not decided yet");
    expect(apply("2026-11-24", with1("engineer-1", { reason: "" }))).toBe("engineer-1: no reason is given");
    expect(apply("2026-11-24", with1("engineer-1", { reviewedBy: "engineer-1" }))).toBe("engineer-1: nobody reviews themself");
    for (const reviewedBy of ["deployer-dev", "nobody-1"]) expect(apply("2026-11-24", with1("engineer-1", { reviewedBy }))).toContain("engineer-1: reviewedBy is nobody in people.yaml");
    expect(apply("2026-11-24", with1("super-admin-1", { decision: "remove" }))).toBe("super-admin-1: another Super Admin must apply your own removal");
    expect(apply("2026-11-24", { lines: lines.filter((l) => l.name !== "auditor-1") })).toBe("auditor-1 isn't in the review: they came after it");
    write(dir, "stacks/people.yaml", read(dir, "stacks/people.yaml").replace(/(    engineer-1:\n)/, '$1        until: "2026-11-20"\n'));
    expect(apply("2026-11-24", { lines: lines.map((l) => (l.name === "deployer-dev" ? { ...l, reviewedBy: "engineer-1" } : l)) })).toContain("engineer-1, who reviewed it, is not active");
  });
});
