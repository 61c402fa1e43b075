import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeAtomic } from "../../lib/atomic.ts";
import { fixedClock } from "../../lib/clock.ts";
import type { Rotator } from "../../rotation/context.ts";
import { newRecord, newRotationId, renderRecord } from "../../rotation/record.ts";
import { held, hold } from "../../rotation/sealed.ts";
import type { SecretClass } from "../../schemas/access.ts";
import { specOf } from "../../schemas/integrations/index.ts";
import { rotationFile, rotationSealedFile, sealedFile } from "../../schemas/layout.ts";
import { expand } from "../../schemas/template.ts";
import { parseIdentities } from "../../seal/age.ts";
import { readClear } from "../../seal/clear.ts";
import { readPeople } from "../../seal/deploy.ts";
import { editSealed } from "../../seal/edit.ts";
import { newClaims } from "../../seal/new-claims.ts";
import { openSealed } from "../../seal/open.ts";
import { openPeppers } from "../../seal/pepper.ts";
import { readSigningKey } from "../../seal/signature.ts";
import { verifySignatures } from "../../seal/verify.ts";
import { sealBare } from "../../seal/write.ts";
import { readProject } from "../../stacks/read.ts";
import { as, clean, commit, copyOf, DAY, makeBase, read, write, type Base } from "./fixture.ts";

let base: Base;
beforeAll(async () => { base = await makeBase(); }, 60_000);
afterAll(() => { clean(base); });
const identities = (who: string) => parseIdentities(readFileSync(join(base.keys, `${who}.age`), "utf8"))!;

/** An open rotation of dev as a killed run leaves it: proposed, the new value sealed beside the one in force. */
async function openRotation(dir: string, by: string, path: string): Promise<{ id: string; file: string; cls: SecretClass }> {
  const clock = fixedClock(new Date(`${DAY}T11:00:00Z`));
  const declared = readProject(dir, { clock }).environments.find((e) => e.name === "dev")!;
  const people = readPeople(dir, "dev");
  const c = declared.credentials.find((x) => x.path === path)!;
  const id = newRotationId(clock.now());
  const signer = { name: by, key: readSigningKey(readFileSync(join(base.keys, `${by}.ssh`), "utf8"))! };
  const peppers = await openPeppers(dir, "dev", "development", identities(by));
  const value = expand(specOf(c.kind)!.accepts[0]!);
  const inForce = (await openSealed(readClear(dir, sealedFile("dev", c.spec.class)).sealed!, identities(by))).values;
  const { signature: _s, ...claims } = await newClaims(c.spec, c.kind, value, peppers, by, "scheduled", clock.now(), 90);
  const { issueId, fingerprint, issuedAt, sealedBy } = c.claims;
  const record = newRecord({ rotation: id, environment: "dev", path, kind: c.kind, class: c.spec.class, strategy: "guided", reason: "scheduled", overlap: "both", graceSeconds: 60, previous: { issueId, fingerprint, issuedAt, sealedBy }, after: null }, { step: "proposed", at: clock.now().toISOString(), actor: by }, signer.key);
  writeAtomic(join(dir, rotationFile("dev", id)), renderRecord(record));
  const r = { root: dir, clock, declared, people, signer, write: writeAtomic } as unknown as Rotator;
  await hold(r, id, c.spec.class, { next: { value, claims }, previous: { value: inForce.get(path)!, claims: c.claims }, minted: { id: "made-1" } });
  return { id, file: rotationSealedFile("dev", id, c.spec.class), cls: c.spec.class };
}
const recipients = (dir: string, file: string): string[] => readClear(dir, file).sealed!.sops.recipients.map((r) => r.recipient).sort();
const opens = async (dir: string, file: string, who: string): Promise<boolean> => openSealed(readClear(dir, file).sealed!, identities(who)).then(() => true, () => false);
const stale = (r: { codes: string[] }): string[] => r.codes.filter((c) => c.startsWith("SEAL_"));

describe("what an open rotation holds sealed", () => {
  it("is sealed to the people of its class, by a rule that the sops CLI has too, and check is content", async () => {
    const dir = copyOf(base);
    const [standard, payments] = [await openRotation(dir, "super-admin-1", "twilio.authToken"), await openRotation(dir, "super-admin-1", "stripe.secretKey")];
    expect(recipients(dir, standard.file)).toEqual(recipients(dir, "stacks/dev/secrets.sops.yaml"));
    expect(recipients(dir, payments.file)).toEqual(recipients(dir, "stacks/dev/payments.sops.yaml"));
    expect(await opens(dir, payments.file, "engineer-1")).toBe(false);
    const rules = [...read(dir, ".sops.yaml").matchAll(/path_regex: (.+)\n[^\n]*\n\s+age: (.+)/g)].map((m) => [new RegExp(m[1]!), m[2]!.split(",").sort()] as const);
    for (const f of [standard.file, payments.file]) expect(rules.find(([regex]) => regex.test(f))?.[1]).toEqual(recipients(dir, f));
    expect(stale(as(base, null, dir, ["check", "--env", "dev"]))).toEqual([]);
    const verified = as(base, "super-admin-1", dir, ["secret", "verify", standard.file, payments.file]);
    expect([verified.codes, (verified.json["files"] as { ours: boolean; verified: boolean }[]).map((f) => f.ours && f.verified)]).toEqual([[], [true, true]]);
  });
  it("is sealed anew without a leaver, signed by who removed them, and named by the exposure list", async () => {
    const dir = copyOf(base);
    const { id, file } = await openRotation(dir, "engineer-1", "twilio.authToken");
    const before = readClear(dir, file).sealed!;
    expect(await opens(dir, file, "engineer-1")).toBe(true);
    commit(dir, "Begin a rotation");
    const r = as(base, "super-admin-1", dir, ["people", "remove", "engineer-1"]);
    expect([r.status, r.codes]).toEqual([0, []]);
    expect((r.json["files"] as { file: string }[]).map((f) => f.file)).toContain(file);
    expect(await opens(dir, file, "engineer-1")).toBe(false);
    expect(await opens(dir, file, "super-admin-1")).toBe(true);
    const after = readClear(dir, file).sealed!;
    expect(after.credentials.every((c) => !before.credentials.some((b) => b.leaf === c.leaf) && c.claims!.sealedBy === "super-admin-1")).toBe(true);
    expect(verifySignatures(after.credentials, { environment: "dev", tier: "development", class: "standard", rotation: id }, readPeople(dir, "dev"))).toEqual([]);
    expect(stale(as(base, null, dir, ["check", "--env", "dev"]))).toEqual([]);
    const list = (r.json["written"] as string[]).find((f) => f.includes("exposures"))!;
    const next = after.credentials.find((c) => c.path === "next")!.claims!;
    expect(read(dir, list)).toContain(next.issueId);
    expect(read(dir, list)).toContain(`stackseal rotate abort ${id} --env dev`);
    // It stays open while the rotation holds the value, and the leaver's record is still read.
    const open = as(base, null, dir, ["check"]);
    expect(JSON.stringify(open.json["findings"])).toContain(`rotation ${id} holds it as the new one`);
    const rotations = as(base, null, dir, ["rotations", "--env", "dev"]);
    expect(rotations.codes).toContain("ROTATION_SIGNER_LEFT");
    expect([rotations.status, (rotations.json["rotations"] as unknown[]).length]).toEqual([0, 1]);
  });
  it("is sealed anew by secret reseal, under a fresh key", async () => {
    const dir = copyOf(base);
    const { file } = await openRotation(dir, "super-admin-1", "stripe.secretKey");
    const before = read(dir, file);
    const r = as(base, "super-admin-1", dir, ["secret", "reseal", "--env", "dev"]);
    expect((r.json["files"] as { file: string; values: number }[]).find((f) => f.file === file)?.values).toBe(3);
    const leaves = (t: string): string[] => t.match(/ENC\[AES256_GCM,data:[^\]]+type:str\]/g)!;
    expect(leaves(read(dir, file)).some((l) => leaves(before).includes(l))).toBe(false);
    expect(stale(as(base, null, dir, ["check", "--env", "dev"]))).toEqual([]);
    const opened = await openSealed(readClear(dir, file).sealed!, identities("super-admin-2"));
    expect(JSON.parse(opened.values.get("minted")!)).toEqual({ id: "made-1" });
  });
  it("is refused where what the provider told was swapped, by somebody who may open it and so can make the MAC right", async () => {
    const dir = copyOf(base);
    const { id, file, cls } = await openRotation(dir, "super-admin-1", "twilio.authToken");
    const text = read(dir, file);
    const r = { root: dir, declared: { name: "dev", tier: "development" }, people: readPeople(dir, "dev"), identities: identities("super-admin-2"), peppers: await openPeppers(dir, "dev", "development", identities("super-admin-2")) } as unknown as Rotator;
    expect(await held(r, id, cls)).toMatchObject({ minted: { id: "made-1" } });
    const opened = await openSealed(readClear(dir, file).sealed!, identities("engineer-1"));
    const minted = JSON.stringify({ id: "another-key" });
    write(dir, file, editSealed(opened, { now: new Date(`${DAY}T12:00:00Z`), set: [{ path: "minted", value: minted, leaf: sealBare(opened, "minted", minted) }] }));
    // The file is whole for sops: only the signature tells.
    expect((await openSealed(readClear(dir, file).sealed!, identities("super-admin-1"))).values.get("minted")).toBe(minted);
    await expect(held(r, id, cls)).rejects.toThrow("ROTATION_SEALED_INVALID");
    expect(as(base, null, dir, ["check", "--env", "dev"]).codes).toContain("SEAL_SIGNATURE_INVALID");
    write(dir, file, editSealed(opened, { now: new Date(`${DAY}T12:00:00Z`), set: [], remove: ["minted"] }));
    await expect(held(r, id, cls)).rejects.toThrow("ROTATION_SEALED_INVALID");
    write(dir, file, editSealed(opened, { now: new Date(`${DAY}T12:00:00Z`), set: [], remove: ["next"] }));
    await expect(held(r, id, cls)).rejects.toThrow("ROTATION_SEALED_INVALID");
    write(dir, file, text);
    expect(await held(r, id, cls)).toMatchObject({ minted: { id: "made-1" } });
  });
  it("is refused where its recipients, its class, its signature or its place are wrong", async () => {
    const dir = copyOf(base);
    const { id, file } = await openRotation(dir, "super-admin-1", "stripe.secretKey");
    const text = read(dir, file);
    const check = (): string[] => stale(as(base, null, dir, ["check", "--env", "dev"]));
    // Under the name of the standard class: those people would be expected.
    const standard = rotationSealedFile("dev", id, "standard");
    write(dir, standard, text);
    expect(check()).toEqual(expect.arrayContaining(["SEAL_RECIPIENTS_STALE", "SEAL_HELD_CLASS"]));
    rmSync(join(dir, standard));
    // Taken for another rotation's.
    const other = rotationSealedFile("dev", "r20261124-0000000000", "payments");
    write(dir, other, text);
    expect(check()).toContain("SEAL_SIGNATURE_INVALID");
    rmSync(join(dir, other));
    // A recipient list that isn't the matrix's.
    const last = /\n {8}- enc: \|\n(?: {12}.*\n)+ {10}recipient: age1[0-9a-z]+(?=\n {4}last)|\n {8}- enc: \|\n(?: {12}.*\n)+ {10}recipient: age1[0-9a-z]+(?=\n)/.exec(text)![0];
    write(dir, file, text.replace(last, ""));
    expect(check()).toContain("SEAL_RECIPIENTS_STALE");
    write(dir, file, text.replace(/value: ENC\[[^\]]*\]/, `value: ${expand("{alnum:24}")}`));
    expect(check()).toContain("SEAL_PLAINTEXT");
    expect(existsSync(join(dir, file))).toBe(true);
  });
});
