import { allows } from "../schemas/access.ts";
import { members } from "../schemas/people.ts";
import type { MergeOptions } from "../seal/merge.ts";
import { canonicalClaims, signText } from "../seal/signature.ts";
import { verifySignatures } from "../seal/verify.ts";
import type { Context } from "./command.ts";
import { peopleAt, placeOf } from "./sealed-place.ts";
import { signerOf } from "./signer.ts";

/** Signs for who merges, where the matrix lets them seal the file and the value was validly signed before; null where nobody can sign here. */
export function signerFor(context: Context, file: string): MergeOptions["sign"] {
  const place = placeOf(context.root, file);
  const people = peopleAt(context.root, file);
  if (!place || !people) return null;
  try {
    const signer = signerOf(context, place.environment, people);
    const who = members(people).find((m) => m.name === signer.name)?.entry;
    if (!who || !who.tiers.includes(place.tier) || !allows(who.role, place.class, place.tier, "seal")) return null;
    return (path, claims, leaf, from) => {
      const was = from.file.credentials.filter((c) => c.path === path);
      if (verifySignatures(was, place, people).length > 0) return claims;
      const own = { ...claims, sealedBy: signer.name };
      return { ...own, signature: signText(signer.key, canonicalClaims(place.environment, path, own, leaf)) };
    };
  } catch {
    return null;
  }
}
