import { daysBetween, isoDate, parseDate } from "../../lib/clock.ts";
import { ATTESTATION_NAMESPACE, attestationText, type Attestation } from "../../schemas/attestations.ts";
import { activeOn, members, type People } from "../../schemas/people.ts";
import { verifyText } from "../../seal/signature.ts";
import type { Facts } from "./facts.ts";

/** Why an attestation doesn't count; null where it does. Its age is another question. */
export function fault(a: Attestation, people: People | null, now: Date): string | null {
  const who = people ? members(people).find((m) => m.name === a.by && !m.machine) : undefined;
  if (!who) return `${a.by} is nobody in people.yaml`;
  if (a.subject === `person/${a.by}`) return `${a.by} vouches for nobody but ${a.by}: it takes another person`;
  if (!activeOn(who, a.attestedAt)) return `${a.by} was not active on ${a.attestedAt}`;
  if (a.attestedAt > isoDate(now)) return `it is dated ${a.attestedAt}, which hasn't come yet`;
  if (a.signature === undefined) return "nobody signed it";
  return verifyText(a.signature, attestationText(a), who.entry.signing, ATTESTATION_NAMESPACE) === null ? `the signature is not ${a.by}'s over this subject, digest, date and evidence` : null;
}
export const ageOf = (a: Pick<Attestation, "attestedAt">, now: Date): number => daysBetween(parseDate(a.attestedAt) ?? new Date(0), now);

/** The newest attestation of a subject that counts. */
export function newest(f: Facts, kind: Attestation["kind"], subject: string, digest?: string): { readonly value: Attestation; readonly at: Facts["attestations"][number]["at"] } | null {
  const all = f.attestations.filter((a) => a.value.kind === kind && a.value.subject === subject && (digest === undefined || a.value.digest === digest) && fault(a.value, f.people, f.now) === null);
  return all.sort((x, y) => (x.value.attestedAt < y.value.attestedAt ? 1 : -1))[0] ?? null;
}
/** Whether production has a sealed file: before its first credential there is nothing that a review or a second factor could guard there; they are asked for, and nobody is stopped. */
export const guardsProduction = (f: Facts): boolean => f.sealed.some((s) => s.tier === "production");
