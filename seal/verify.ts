import type { Finding } from "../lib/finding.ts";
import { allows, type SecretClass, type Tier } from "../schemas/access.ts";
import { members, type People } from "../schemas/people.ts";
import type { ClearCredential } from "./clear.ts";
import { sealCodes } from "./codes.ts";
import { canonicalClaims, verifyText } from "./signature.ts";

export interface Where {
  readonly environment: string;
  readonly tier: Tier;
  readonly class: SecretClass;
  /** The rotation that holds the values, where one does: they are signed for that place. */
  readonly rotation?: string;
}
/** The path that a value's signature is over: a held value can't be moved to another rotation, nor into force. */
export const signedPath = (where: Pick<Where, "rotation">, path: string): string => (where.rotation === undefined ? path : `rotations/${where.rotation}/${path}`);
/** What a signature covers of ciphertext: the value's leaf, and the bare one beside it where there is one. A leaf has no line break. */
export const signedLeaf = (c: Pick<ClearCredential, "leaf" | "beside">): string => (c.beside === undefined ? c.leaf : `${c.leaf}\n${c.beside}`);

/** Verifies each value's signature without a key: over this environment, path, claims and ciphertext, by the writer that the claims name, in a role that may seal it. */
export function verifySignatures(credentials: readonly ClearCredential[], where: Where, people: People): Finding[] {
  const byName = new Map(members(people).map((m) => [m.name, m]));
  return credentials.flatMap((c) => {
    if (!c.claims) return [];
    const place = { at: c.claimsAt, path: c.path };
    const { signature, sealedBy } = c.claims;
    if (signature === undefined) return [sealCodes.finding("SEAL_UNSIGNED", { message: "nobody signed this value", ...place, hint: `stackseal secret sign ${c.path} --env ${where.environment}` })];
    const writer = byName.get(sealedBy);
    if (!writer) return [sealCodes.finding("SEAL_WRITER_UNKNOWN", { message: `"${sealedBy}" is nobody in people.yaml`, ...place, hint: "who seals must stand in people.yaml first" })];
    if (verifyText(signature, canonicalClaims(where.environment, signedPath(where, c.path), c.claims, signedLeaf(c)), writer.entry.signing) === null)
      return [sealCodes.finding("SEAL_SIGNATURE_INVALID", { message: `the signature is not ${sealedBy}'s over this value, these claims and this place`, ...place, hint: `restore it from git, or set it again: stackseal secret set ${c.path} --env ${where.environment}` })];
    if (!allows(writer.entry.role, where.class, where.tier, "seal") || !writer.entry.tiers.includes(where.tier))
      return [sealCodes.finding("SEAL_WRITER_NOT_ALLOWED", { message: `${sealedBy} (${writer.entry.role}) may not seal ${where.class} credentials of ${where.tier}`, ...place, hint: "somebody whom the access matrix allows must set it: stackseal access matrix" })];
    // A value sealed while the writer was active stays theirs after they left; who re-seals an older issue may have joined after it was issued.
    const { from, until } = writer.entry;
    if ((until !== undefined && c.claims.issuedAt >= until) || (from !== undefined && from > (c.sealedOn > c.claims.issuedAt ? c.sealedOn : c.claims.issuedAt)))
      return [sealCodes.finding("SEAL_WRITER_NOT_ALLOWED", { message: `${sealedBy} was not active on ${c.claims.issuedAt}`, ...place })];
    return [];
  });
}
