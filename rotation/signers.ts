import { allows, type Role, type SecretClass, type Tier } from "../schemas/access.ts";
import { members, type People } from "../schemas/people.ts";
import { isOpen, type RotationRecord, type RotationStep } from "../schemas/rotation-record.ts";
import type { Rotator } from "./context.ts";
import { keyOfSignature, verifyText } from "../seal/signature.ts";

export const NAMESPACE = "stackseal-rotation";
/** Steps that are signed in every record, however old: what a rotation claims, and what somebody vouches for. An open record's are signed one and all. */
export const SIGNED = ["proposed", "attested", "closed", "aborted"] as const satisfies readonly RotationStep["step"][];

interface Standing { readonly role: Role; readonly tiers: readonly Tier[] }
/** What a step's signature claims to be allowed to. */
export type Right = "rotate" | "attest";
export const entitled = (who: Standing, right: Right, cls: SecretClass, tier: Tier): boolean => who.tiers.includes(tier) && (right === "attest" ? who.role === "super-admin" : allows(who.role, cls, tier, "seal"));

/** Whose signatures count in an environment's records. */
export interface Signers {
  readonly people: People;
  readonly tier: Tier;
  /** Whether the protected branch ever said that this name had this key (an SSH public line) and that right. Absent where no history tells. */
  readonly once?: (name: string, key: string, right: Right, cls: SecretClass) => boolean;
}
export const signersIn = (r: Pick<Rotator, "people" | "declared" | "once">): Signers => ({ people: r.people, tier: r.declared.tier, ...(r.once && { once: r.once }) });
/**
 * `entitled`: by somebody who may do it. `left`: by somebody who could once, as history shows. `unknown`: nobody here can tell any more whether they
 * might, so it proves nothing to a departure. Else what is wrong.
 */
export type Judged = "entitled" | "left" | "unknown" | { readonly wrong: string };

/** Judges a step's signature over its text. */
export function judgeSigner(record: RotationRecord, step: Pick<RotationStep, "step" | "actor" | "signature">, text: string, s: Signers): Judged {
  const open = isOpen(record);
  const { signature, actor } = step;
  const unsigned = { wrong: `isn't signed by ${actor}` };
  if (signature === undefined) return open || (SIGNED as readonly string[]).includes(step.step) ? unsigned : "entitled";
  const right: Right = step.step === "attested" ? "attest" : "rotate";
  const now = members(s.people).find((m) => m.name === actor);
  const own = now !== undefined && verifyText(signature, text, now.entry.signing, NAMESPACE) !== null;
  if (own && entitled(now.entry, right, record.class, s.tier) && !(right === "attest" && now.machine)) return "entitled";
  const key = keyOfSignature(signature, text, NAMESPACE);
  if (key === null) return unsigned;
  if (s.once?.(actor, key, right, record.class) === true && !(open && right === "attest")) return "left";
  if (now && !own) return unsigned;
  // What is still to be decided wants somebody of whom it is known that they may.
  if (open && now) return { wrong: `is signed by ${actor} (${now.entry.role}), who may not ${right} ${record.class} credentials of ${s.tier}` };
  if (s.once || (open && right === "attest")) return { wrong: `is signed by ${actor}, ${now ? `who may not ${right}` : "whom nobody ever allowed to"} ${record.class} credentials of ${s.tier}` };
  return "unknown";
}
