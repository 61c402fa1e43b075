import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isoDate } from "../lib/clock.ts";
import { FindingError, hasErrors } from "../lib/finding.ts";
import type { SecretClass } from "../schemas/access.ts";
import type { Claims } from "../schemas/claims.ts";
import { HELD_BARE, HELD_NEXT, LOCAL, rotationSealedFile } from "../schemas/layout.ts";
import { readClear } from "../seal/clear.ts";
import { fingerprintLike } from "../seal/fingerprint.ts";
import { openSealed } from "../seal/open.ts";
import { recipientsFor } from "../seal/recipients.ts";
import { canonicalClaims, signText } from "../seal/signature.ts";
import { signedLeaf, signedPath, verifySignatures } from "../seal/verify.ts";
import { newSealedKey, renderSealed, sealBare, sealValue, type Entry } from "../seal/write.ts";
import { rotationCodes } from "./codes.ts";
import type { Rotator } from "./context.ts";

/** A value with its claims, their signature left out. */
export interface Slot {
  readonly value: string;
  readonly claims: Claims;
}
export interface Minted {
  readonly id?: string;
  /** The provider's id of what is replaced. */
  readonly old?: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** What strategies took from answers for later steps. */
  readonly taken?: Readonly<Record<string, unknown>>;
  /** The changed settings as they were. */
  readonly formerly?: Readonly<Record<string, string>>;
}
/** What an open rotation keeps beside its record, sealed as the environment's credentials are: the new value, and the one that it replaces. */
export interface Held {
  readonly next: Slot | null;
  readonly previous: Slot | null;
  /** What the provider told of the new one: its id, and settings that change with it. */
  readonly minted: Minted;
}
/** Seals in one atomic write, to whom the access matrix says. */
export async function hold(r: Rotator, id: string, cls: SecretClass, held: Held): Promise<void> {
  const now = r.clock.now();
  const key = await newSealedKey(recipientsFor(r.people, r.declared.tier, cls, isoDate(now)).map((x) => x.recipient));
  const minted = JSON.stringify(held.minted);
  const bare = sealBare(key, HELD_BARE, minted);
  const slot = (name: "next" | "previous", s: Slot | null): (Entry & { leaf: string })[] => {
    if (!s) return [];
    const { signature: _old, ...rest } = s.claims;
    const leaf = sealValue(key, name, s.value);
    // Who holds a value here is its writer here: the record tells who sealed the one that is replaced.
    const claims: Claims = { ...rest, sealedBy: r.signer.name };
    const signed = signedLeaf({ leaf, ...(name === HELD_NEXT && { beside: bare }) });
    return [{ path: name, value: s.value, leaf, claims: { ...claims, signature: signText(r.signer.key, canonicalClaims(r.declared.name, signedPath({ rotation: id }, name), claims, signed)) } }];
  };
  const entries = [{ path: HELD_BARE, value: minted, leaf: bare }, ...slot("next", held.next), ...slot("previous", held.previous)];
  r.write(join(r.root, rotationSealedFile(r.declared.name, id, cls)), renderSealed(entries, key, now), r.declared.name === LOCAL ? 0o600 : 0o644);
}

/** Opens what is held. Throws FindingError where the file was tampered with, or somebody wrote it who may not seal here. */
export function held(r: Opener, id: string, cls: SecretClass): Promise<Held> {
  const file = rotationSealedFile(r.declared.name, id, cls);
  if (!existsSync(join(r.root, file))) return Promise.resolve({ next: null, previous: null, minted: {} });
  // Proving costs, and every step looks: what was opened is known by the file's text.
  const text = `${r.root}\n${id}\n${readFileSync(join(r.root, file), "utf8")}`;
  const mine = opened.get(r.identities) ?? new Map<string, Promise<Held>>();
  opened.set(r.identities, mine);
  const known = mine.get(text) ?? openHeld(r, id, cls, file);
  mine.set(text, known);
  known.catch(() => mine.delete(text));
  return known;
}
type Opener = Pick<Rotator, "root" | "declared" | "people" | "identities" | "peppers">;
const opened = new WeakMap<object, Map<string, Promise<Held>>>();
async function openHeld(r: Opener, id: string, cls: SecretClass, file: string): Promise<Held> {
  const bad = (message: string): FindingError => new FindingError(rotationCodes.finding("ROTATION_SEALED_INVALID", { message, at: { file, line: 1, column: 1 }, path: id, hint: `restore it from git, or give the rotation up: stackseal rotate abort ${id} --env ${r.declared.name}` }));
  const { sealed, findings } = readClear(r.root, file);
  if (!sealed || hasErrors(findings)) throw new FindingError(findings);
  const nobodys = verifySignatures(sealed.credentials, { environment: r.declared.name, tier: r.declared.tier, class: cls, rotation: id }, r.people);
  if (nobodys.length) throw bad(`the ${nobodys[0]?.path ?? ""} value isn't signed by somebody who may seal ${cls} credentials here: ${nobodys[0]?.message ?? ""}`);
  const { values } = await openSealed(sealed, r.identities);
  // Its signature is the new value's: without that one nobody vouches for it.
  if (values.has(HELD_BARE) && !sealed.credentials.some((c) => c.path === HELD_NEXT)) throw bad(`${HELD_BARE} stands there without the new value that signs it`);
  const slot = async (name: "next" | "previous"): Promise<Slot | null> => {
    const c = sealed.credentials.find((x) => x.path === name);
    const value = values.get(name);
    if (!c?.claims || value === undefined) return null;
    const { signature: _here, ...claims } = c.claims;
    if ((await fingerprintLike(claims.fingerprint, r.peppers, value)) !== claims.fingerprint) throw bad(`the ${name} value isn't the one that its claims say`);
    return { value, claims };
  };
  return { next: await slot("next"), previous: await slot("previous"), minted: JSON.parse(values.get(HELD_BARE) ?? "{}") as Held["minted"] };
}
export const forget = (r: Rotator, id: string, cls: SecretClass): void => { r.remove(join(r.root, rotationSealedFile(r.declared.name, id, cls))); };
