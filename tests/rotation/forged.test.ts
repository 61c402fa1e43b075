import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { systemClock } from "../../lib/clock.ts";
import { FileStore } from "../../providers/stores/file.ts";
import type { Rotator } from "../../rotation/context.ts";
import { settingsOf, unsealed, versionOf } from "../../rotation/deliver.ts";
import { append, newRecord, newRotationId, renderRecord } from "../../rotation/record.ts";
import type { RotationRecord, RotationStep } from "../../schemas/rotation-record.ts";
import { expand } from "../../schemas/template.ts";
import { readClear } from "../../seal/clear.ts";
import { identitiesFor } from "../../seal/identity.ts";
import { newSigningKey, readSigningKey, type SigningKey } from "../../seal/signature.ts";
import { readProject } from "../../stacks/read.ts";
import { as, clean, commit, copyOf, DAY, makeBase, read, write, type Base, type Ran } from "../people/fixture.ts";

// Records that somebody made or changed by hand, their chain of hashes made anew: whoever can push to the repository can do that much.

let base: Base;
let list = "";
beforeAll(async () => {
  base = await makeBase();
  const file = join(base.dir, "stacks/dev/environment.yaml");
  writeFileSync(file, readFileSync(file, "utf8").replace(/store: .*/, "store: { kind: file }"));
  commit(base.dir, "Keep the values here");
  const removed = as(base, "super-admin-1", base.dir, ["people", "remove", "engineer-1"]);
  list = (removed.json["written"] as string[]).find((f) => f.includes("exposures"))!;
  // Set anew, so that another value is in force, and nothing proves the exposed one dead.
  expect(as(base, "super-admin-1", base.dir, ["secret", "set", "vapi.token", "--env", "dev", "--reason", "departure"], expand("{uuid}")).codes).toEqual([]);
  await deliver(base.dir);
  commit(base.dir, "Remove");
}, 120_000);
afterAll(() => { clean(base); });

async function deliver(dir: string): Promise<void> {
  const env = { SOPS_AGE_KEY_FILE: join(base.keys, "super-admin-1.age") };
  const declared = readProject(dir, { clock: systemClock }).environments.find((e) => e.name === "dev")!;
  const store = new FileStore(dir, "dev", env, systemClock);
  const r = { root: dir, declared, env, identities: identitiesFor(dir, "dev", env) } as unknown as Rotator;
  const seen = new Set<string>();
  for (const e of declared.expected.filter((x) => !seen.has(`${x.spec.class}/${x.integration}`) && seen.add(`${x.spec.class}/${x.integration}`))) {
    const v = versionOf(r, e, await unsealed(r, e.spec.class), null, settingsOf(r, e));
    await store.put({ name: v.name, versionId: v.id, values: v.values, notes: v.notes, tags: {} });
  }
}
function project(): string {
  const dir = copyOf(base);
  cpSync(join(base.dir, ".stackseal"), join(dir, ".stackseal"), { recursive: true });
  return dir;
}
const keyOf = (name: string): SigningKey => readSigningKey(readFileSync(join(base.keys, `${name}.ssh`), "utf8"))!;
const exposedVapi = (dir: string): { issueId: string; fingerprint: string } => (parse(read(dir, list)) as { lines: { path: string; environment: string; issueId: string; fingerprint: string }[] }).lines.find((l) => l.path === "vapi.token" && l.environment === "dev")!;
const at = (minute: number): string => `${DAY}T11:${String(minute).padStart(2, "0")}:00.000Z`;

type Steps = readonly (readonly [step: RotationStep["step"], more?: Partial<RotationStep>])[];
const WHOLE: Steps = [["proposed"], ["sealed"], ["staged"], ["tested", { verdict: "valid" }], ["promoted"], ["buried", { verdict: "invalid", code: "CREDENTIAL_REFUSED" }], ["swept"], ["closed", { verdict: "invalid" }]];
/** A rotation that made what the leaver could know, and was given up. */
const GIVEN_UP = (verdict: "valid" | "invalid" | "inconclusive"): Steps => [["proposed"], ["sealed", { issueId: "the exposed one" }], ["aborting"], ["aborted", { verdict }]];
/** A record of a rotation that never was: of the value that the leaver could know. */
function forge(dir: string, actor: string, key: SigningKey, steps: Steps, attester?: { name: string; key: SigningKey }): void {
  const { issueId, fingerprint } = exposedVapi(dir);
  const head = { rotation: newRotationId(new Date(at(0))), environment: "dev", path: "vapi.token", kind: "vapi.token", class: "standard" as const, strategy: "guided", reason: "departure" as const, overlap: "none", graceSeconds: 0, previous: { issueId, fingerprint, issuedAt: "2026-11-01", sealedBy: actor }, after: null };
  let record: RotationRecord | null = null;
  for (const [i, [step, more]] of steps.entries()) {
    const next = { step, at: at(i), actor: step === "attested" ? attester!.name : actor, ...more, ...(more?.issueId !== undefined && { issueId }) };
    const by = step === "attested" ? attester!.key : key;
    record = record ? append(record, next, by) : newRecord(head, next, by);
  }
  write(dir, `stacks/dev/rotations/${record!.rotation}.yaml`, renderRecord(record!));
}
const line = (dir: string): { ran: Ran; state: string; proof: string | null; why: string } => {
  const ran = as(base, null, dir, ["rotate", "departure", "--exposure", list, "--status", "--env", "dev"]);
  return { ran, ...(ran.json["lines"] as { path: string; state: string; proof: string | null; why: string }[]).find((l) => l.path === "vapi.token")! };
};
const stranger = (): SigningKey => readSigningKey(newSigningKey("stranger").file)!;

describe("a forged record closes no line of a departure", () => {
  it("is held against one that somebody who may has signed", () => {
    const dir = project();
    expect(line(dir).state).toBe("open");
    forge(dir, "admin-1", keyOf("admin-1"), WHOLE);
    expect(line(dir)).toMatchObject({ state: "closed", proof: "refused" });
    const other = project();
    forge(other, "admin-1", keyOf("admin-1"), GIVEN_UP("invalid"));
    expect(line(other)).toMatchObject({ state: "closed", proof: "taken back" });
  });
  type Forgery = readonly [name: string, actor: string, key: () => SigningKey, steps: Steps, attester: (() => { name: string; key: SigningKey }) | null];
  const FORGERIES: readonly Forgery[] = [
    ["of somebody who never was", "ghost", stranger, WHOLE, null],
    ["under the leaver's name by another key", "engineer-1", stranger, WHOLE, null],
    ["of an auditor, who may not rotate", "auditor-1", () => keyOf("auditor-1"), WHOLE, null],
    ["that is open, its burial written by one who may not", "auditor-1", () => keyOf("auditor-1"), WHOLE.slice(0, -1), null],
    ["closed without a proof, attested by somebody who never was", "admin-1", () => keyOf("admin-1"), [...WHOLE.slice(0, 5), ["closed"], ["attested", { evidence: "x" }]], () => ({ name: "ghost", key: stranger() })],
    ["closed without a proof, attested by an admin", "super-admin-1", () => keyOf("super-admin-1"), [...WHOLE.slice(0, 5), ["closed"], ["attested", { evidence: "x" }]], () => ({ name: "admin-1", key: keyOf("admin-1") })],
    ["closed without a proof, attested under a name that another key has", "super-admin-1", () => keyOf("super-admin-1"), [...WHOLE.slice(0, 5), ["closed"], ["attested", { evidence: "x" }]], () => ({ name: "admin-1", key: stranger() })],
    ["open, not yet closed by whoever may", "admin-1", () => keyOf("admin-1"), WHOLE.slice(0, -1), null],
    ["given up, with the new one alive", "admin-1", () => keyOf("admin-1"), GIVEN_UP("valid"), null],
    ["given up, the new one's state not known", "admin-1", () => keyOf("admin-1"), GIVEN_UP("inconclusive"), null],
  ];
  it.each(FORGERIES)("%s", (_name, actor, key, steps, attester) => {
    const dir = project();
    forge(dir, actor, key(), steps, attester?.());
    expect(line(dir)).toMatchObject({ state: "open", proof: null });
  });
  it("of somebody who could when they signed, and has left since, still counts", () => {
    const dir = project();
    forge(dir, "engineer-1", keyOf("engineer-1"), WHOLE);
    expect(line(dir)).toMatchObject({ state: "closed", proof: "refused" });
    expect(as(base, null, dir, ["rotations", "--env", "dev"]).codes).toContain("ROTATION_SIGNER_LEFT");
  });
  it("an attestation of a Super Admin who took no part closes it", () => {
    const dir = project();
    forge(dir, "admin-1", keyOf("admin-1"), [...WHOLE.slice(0, 5), ["closed"], ["attested", { evidence: "OPS-1" }]], { name: "super-admin-2", key: keyOf("super-admin-2") });
    expect(line(dir)).toMatchObject({ state: "closed", proof: "attested by super-admin-2" });
  });
});

describe("an open rotation goes on from nothing that nobody signed", () => {
  const SANDBOX = ["--env", "dev", "--sandbox", "--yes"];
  const start = (dir: string): { id: string; file: string; record: RotationRecord } => {
    // Waits for somebody who tells Vapi.
    expect(as(base, "super-admin-1", dir, ["rotate", "start", "twilio.authToken", "--reason", "scheduled", ...SANDBOX, "--grace", "1h", "--wait", "0s"]).codes).toContain("ROTATION_GRACE");
    const id = (as(base, null, dir, ["rotations", "--env", "dev"]).json["rotations"] as { rotation: string }[])[0]!.rotation;
    const file = `stacks/dev/rotations/${id}.yaml`;
    return { id, file, record: parse(read(dir, file)) as RotationRecord };
  };
  /** The record with its steps changed, its hashes made anew, its signatures as they were. */
  async function remade(record: RotationRecord, change: (steps: RotationStep[]) => RotationStep[]): Promise<string> {
    const { sha256 } = await import("../../lib/sha256.ts");
    const sorted = (v: unknown): unknown => (Array.isArray(v) ? v.map(sorted) : typeof v === "object" && v !== null ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, x]) => [k, sorted(x)])) : v);
    let before = record.hash;
    const steps = change(record.steps).map(({ hash: _h, ...s }) => {
      before = `sha256:${sha256(`${before}\n${JSON.stringify(sorted(s))}`)}`;
      return { ...s, hash: before };
    });
    return renderRecord({ ...record, steps });
  }
  it.each<readonly [string, (s: RotationStep[]) => RotationStep[]]>([
    ["nothing changed", (s) => s],
    ["the overlap's end moved", (s) => s.map((x) => (x.step === "promoted" ? { ...x, until: `${DAY}T00:00:00.000Z` } : x))],
    ["a step taken out", (s) => s.filter((x) => x.step !== "tested")],
    ["a step put in", (s) => [...s, { step: "revoked", at: s.at(-1)!.at, actor: "super-admin-1", hash: "" }]],
    ["what the provider listed emptied", (s) => s.map((x) => (x.step === "minting" ? { ...x, before: [], providerId: "x" } : x))],
    ["given up by nobody", (s) => [...s, { step: "aborted", at: s.at(-1)!.at, actor: "super-admin-1", hash: "" }]],
  ])("%s", async (name, change) => {
    const dir = project();
    const { id, file, record } = start(dir);
    const held = `stacks/dev/rotations/${id}.secrets.sops.yaml`;
    const sealed = read(dir, held);
    write(dir, file, await remade(record, change));
    const expected = name === "nothing changed" ? "ROTATION_GRACE" : "ROTATION_SIGNATURE";
    expect(as(base, "super-admin-1", dir, ["rotate", "resume", id, ...SANDBOX, "--wait", "0s"]).codes).toContain(expected);
    expect(as(base, null, dir, ["rotations", "--env", "dev"]).codes.includes("ROTATION_SIGNATURE")).toBe(expected === "ROTATION_SIGNATURE");
    expect(read(dir, held)).toBe(sealed);
  });
  it("nor by somebody whose time is over, or who may not", () => {
    const dir = project();
    const { id } = start(dir);
    const people = read(dir, "stacks/people.yaml");
    write(dir, "stacks/people.yaml", people.replace(/(^ {4}admin-1:\n(?: {8}.*\n)*?)( {8}role:)/m, `$1        until: "2026-11-20"\n$2`));
    expect(read(dir, "stacks/people.yaml")).not.toBe(people);
    for (const who of ["admin-1", "auditor-1"]) for (const args of [["rotate", "resume", id], ["rotate", "abort", id], ["rotate", "start", "vonage.apiSecret", "--reason", "scheduled"]]) {
      const ran = as(base, who, dir, [...args, ...SANDBOX]);
      expect([who, args[1], ran.status === 0, ran.codes.some((c) => ["SEAL_WRITER_NOT_ALLOWED", "SEAL_NOT_RECIPIENT", "IDENTITY_MISSING"].includes(c))]).toEqual([who, args[1], false, true]);
    }
    expect(readClear(dir, "stacks/dev/secrets.sops.yaml").sealed!.credentials.every((c) => c.claims!.sealedBy !== "admin-1" || c.claims!.issuedAt < "2026-11-20")).toBe(true);
  });
});
