import { FindingError } from "../lib/finding.ts";
import { activeOn, members } from "../schemas/people.ts";
import { isAborted, reached, type RotationRecord } from "../schemas/rotation-record.ts";
import { isoDate } from "../lib/clock.ts";
import { rotationCodes } from "./codes.ts";
import type { Rotator } from "./context.ts";
import { Journal, mustRead, withRotationLock } from "./machine.ts";

/**
 * Vouches that the old credential is dead where no probe can tell: a Super Admin who took no step of this rotation, with evidence, signed into the record.
 * Throws FindingError ROTATION_ATTEST_NOT_ALLOWED.
 */
export async function attest(r: Pick<Rotator, "root" | "declared" | "people" | "once" | "signer" | "clock" | "write">, id: string, evidence: string): Promise<RotationRecord> {
  const { path } = mustRead(r, id).record;
  return withRotationLock(r.root, r.declared.name, path, () => {
    const { record } = mustRead(r, id);
    const refuse = (message: string): FindingError => new FindingError(rotationCodes.finding("ROTATION_ATTEST_NOT_ALLOWED", { message, path, hint: "stackseal people list shows who is a Super Admin" }));
    const who = members(r.people).find((m) => m.name === r.signer.name);
    if (who?.machine !== false || who.entry.role !== "super-admin" || !who.entry.tiers.includes(r.declared.tier) || !activeOn(who, isoDate(r.clock.now()))) throw refuse(`${r.signer.name} is no active Super Admin of ${r.declared.tier}`);
    if (record.steps.some((s) => s.actor === r.signer.name && s.step !== "attested")) throw refuse(`${r.signer.name} took part in this rotation: somebody else must vouch for it`);
    if (!reached(record, "promoted") || isAborted(record)) throw refuse("the new credential isn't in force yet: there is nothing to vouch for");
    const j = new Journal(r, record);
    j.write("attested", { evidence, ...(record.previous && { fingerprint: record.previous.fingerprint }) });
    return Promise.resolve(j.record);
  });
}
