import { resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { embedded, type StepState } from "../../engine/index.ts";
import { fixedClock } from "../../lib/clock.ts";
import { partsOf, runOf, StackLinks } from "../../scripts/deployment.ts";
import { reminders } from "../../stacks/access/reminders.ts";
import { readProject, type DeclaredCredential } from "../../stacks/read.ts";

// What the program declares, seen without a cloud: what is protected, what it is called, what is reminded of.

const root = resolve(import.meta.dirname, "../..");
const clock = fixedClock(new Date("2026-11-25"));
const graphs = new Map<string, StepState[]>();
beforeAll(async () => {
  const engine = await embedded({ root, env: {}, clock });
  const declared = readProject(root, { clock }).environments;
  // `local` keeps its values in files, and so does this one, which has credentials without a first start.
  const files = declared.filter((d) => d.name === "dev").map((d) => ({ ...d, environment: { ...d.environment, store: { kind: "file" as const } }, as: "files" }));
  for (const d of [...declared.map((x) => ({ ...x, as: x.name })), ...files]) {
    const links = new StackLinks(), all: StepState[] = [];
    for (const part of partsOf(d)) {
      const run = await runOf(root, d, part, () => null, null);
      const o = await engine.preview(run, { against: "nothing", stackOutputs: links.get });
      links.note(run.stack, o);
      all.push(...o.steps.flatMap((s) => s.new ?? []));
    }
    graphs.set(d.as, all);
  }
}, 120_000);
const of = (environment: string, ...types: string[]): StepState[] => (graphs.get(environment) ?? []).filter((r) => types.includes(r.type));
const KEY = "aws:kms/key:Key", SECRET = "aws:secretsmanager/secret:Secret", BUCKET = "aws:s3/bucket:Bucket", REPLICA = "aws:kms/replicaKey:ReplicaKey", SCHEDULE = "aws:scheduler/schedule:Schedule";

describe("what holds data", () => {
  it("is protected in production, and deleted with a window to get it back", () => {
    const held = of("prod", KEY, SECRET, BUCKET, REPLICA);
    expect(held.length).toBeGreaterThan(15);
    expect(held.filter((r) => r.protect !== true).map((r) => r.urn)).toEqual([]);
    expect(of("dev", KEY, SECRET, BUCKET).filter((r) => r.protect === true)).toEqual([]);
    for (const e of ["dev", "staging", "prod"]) {
      expect(of(e, SECRET).filter((r) => !(Number(r.inputs["recoveryWindowInDays"]) >= 7)).map((r) => r.urn)).toEqual([]);
      expect(of(e, KEY, REPLICA).filter((r) => r.inputs["deletionWindowInDays"] !== 30).map((r) => r.urn)).toEqual([]);
      expect(of(e, BUCKET).filter((r) => r.inputs["forceDestroy"] === true).map((r) => r.urn)).toEqual([]);
    }
  });
  // A key under another name is another key, and what was under the old one is gone with it: these names never change.
  it.each(["dev", "staging", "prod"])("of %s has names of its own, whatever a file of the program is called", (e) => {
    expect(of(e, KEY).map((r) => r.urn).sort()).toEqual(["payments", "standard"].map((c) => `urn:pulumi:${e}-foundation::stackseal::stackseal:index:ClassKey$${KEY}::key-${c}`));
    expect(of(e, "aws:kms/alias:Alias").map((r) => r.inputs["name"]).sort()).toEqual([`alias/stackseal/${e}/payments`, `alias/stackseal/${e}/standard`]);
    const twilio = of(e, SECRET).find((r) => r.inputs["name"] === `stackseal/${e}/twilio`);
    expect(twilio?.urn).toBe(`urn:pulumi:${e}-foundation::stackseal::stackseal:index:SecretShell$${SECRET}::twilio`);
    for (const r of of(e, KEY, SECRET, BUCKET)) expect(r.inputs["tags"], r.urn).toMatchObject({ "managed-by": "stackseal", environment: e });
  });
});

describe("due dates", () => {
  const credential = (issuedAt: string, maxAgeDays = 90, issueId = "01JD00000000000000000000AA", path = "twilio.authToken") => ({ path, kind: path, claims: { issuedAt, maxAgeDays, issueId } }) as unknown as DeclaredCredential;
  const at = (issuedAt: string, asOf = "2026-11-25", days = 90): string[] => reminders({ asOf }, [credential(issuedAt, days)]).map((r) => `${r.name} ${r.severity} ${r.expression}`);
  it("are reminded of 30, 14 and 1 days before, and not of what is over", () => {
    expect(at("2026-11-25")).toEqual(["twilio.authToken-30 notice at(2027-01-24T09:00:00)", "twilio.authToken-14 notice at(2027-02-09T09:00:00)", "twilio.authToken-1 warning at(2027-02-22T09:00:00)"]);
    expect(at("2026-11-25", "2027-01-24").map((x) => x.split(" ")[0])).toEqual(["twilio.authToken-14", "twilio.authToken-1"]);
    expect(at("2026-11-25", "2027-02-22")).toEqual([]);
  });
  it("of other claims are another time under the same name: the schedule is replaced in place", () => {
    const [was, is] = [at("2026-11-25"), at("2026-12-01")];
    expect(is.map((x) => x.split(" ")[0])).toEqual(was.map((x) => x.split(" ")[0]));
    expect(is.filter((x) => was.includes(x))).toEqual([]);
    expect(at("2026-11-25", "2026-11-25", 60)).not.toEqual(was);
  });
  it("have schedules in each environment of AWS, in names that AWS takes, and none where values are kept in files, as local's are", () => {
    for (const e of ["dev", "staging", "prod"]) {
      expect(of(e, SCHEDULE).length).toBeGreaterThan(10);
      const names = of(e, SCHEDULE).map((r) => `${r.inputs["groupName"] as string}/${r.inputs["name"] as string}`);
      expect(new Set(names).size).toBe(names.length);
      expect(names.filter((n) => !/^stackseal-[a-z]+-(standard|payments)\/[0-9a-zA-Z-_.]{1,64}$/.test(n))).toEqual([]);
    }
    expect(of("files", "stackseal:index:SealedVersion").length).toBeGreaterThan(5);
    for (const e of ["local", "files"]) expect(graphs.get(e)?.filter((r) => r.type.startsWith("aws:"))).toEqual([]);
    const long = ["a", "b"].map((x) => credential("2026-11-25", 90, `01JD0000000000000000000${x}AAA`, `outbound-webhooks.${"very-long-name-".repeat(4)}${x}.signingSecret`));
    const names = reminders({ asOf: "2026-11-25" }, long).map((r) => r.name);
    expect([new Set(names).size, Math.max(...names.map((n) => n.length)) <= 64]).toEqual([6, true]);
  });
});
