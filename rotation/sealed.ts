import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isoDate } from "../lib/clock.ts";
import { FindingError } from "../lib/finding.ts";
import { allows, type SecretClass } from "../schemas/access.ts";
import type { Claims } from "../schemas/claims.ts";
import { LOCAL, rotationSealedFile } from "../schemas/layout.ts";
import { members } from "../schemas/people.ts";
import { readClear } from "../seal/clear.ts";
import { fingerprintLike } from "../seal/fingerprint.ts";
import { openSealed } from "../seal/open.ts";
import { recipientsFor } from "../seal/recipients.ts";
import { canonicalClaims, signText, verifyText } from "../seal/signature.ts";
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
/** Where a held value's claims are signed for: a leaf can't be moved to another rotation or slot. */
const place = (id: string, slot: "next" | "previous"): string => `rotations/${id}/${slot}`;

/** Seals in one atomic write, to whom the access matrix says. */
export async function hold(r: Rotator, id: string, cls: SecretClass, held: Held): Promise<void> {
  const now = r.clock.now();
  const key = await newSealedKey(recipientsFor(r.people, r.declared.tier, cls, isoDate(now)).map((x) => x.recipient));
  const slot = (name: "next" | "previous", s: Slot | null): (Entry & { leaf: string })[] => {
    if (!s) return [];
    const { signature: _old, ...rest } = s.claims;
    const leaf = sealValue(key, name, s.value);
    // The claims stay those of their writer; who holds them here vouches with a signature of this place.
    return [{ path: name, value: s.value, leaf, claims: { ...rest, signature: signText(r.signer.key, canonicalClaims(r.declared.name, place(id, name), rest, leaf)) } }];
  };
  const minted = JSON.stringify(held.minted);
  const entries = [{ path: "minted", value: minted, leaf: sealBare(key, "minted", minted) }, ...slot("next", held.next), ...slot("previous", held.previous)];
  r.write(join(r.root, rotationSealedFile(r.declared.name, id)), renderSealed(entries, key, now), r.declared.name === LOCAL ? 0o600 : 0o644);
}

/** Opens what is held. Throws FindingError where the file was tampered with, or somebody wrote it who may not seal here. */
export function held(r: Opener, id: string, cls: SecretClass): Promise<Held> {
  const file = rotationSealedFile(r.declared.name, id);
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
  // The bare leaf of what the provider told is ours; anything else in clear isn't.
  const wrong = findings.filter((f) => f.severity === "error" && !(f.code === "SEAL_STRUCTURE" && f.path === "minted"));
  if (!sealed || wrong.length) throw new FindingError(wrong);
  const { values } = await openSealed(sealed, r.identities);
  const writers = members(r.people).filter((m) => m.entry.tiers.includes(r.declared.tier) && allows(m.entry.role, cls, r.declared.tier, "seal")).flatMap((m) => m.entry.signing);
  const slot = async (name: "next" | "previous"): Promise<Slot | null> => {
    const c = sealed.credentials.find((x) => x.path === name);
    const value = values.get(name);
    if (!c?.claims || value === undefined) return null;
    const { signature, ...claims } = c.claims;
    if (signature === undefined || verifyText(signature, canonicalClaims(r.declared.name, place(id, name), claims, c.leaf), writers) === null) throw bad(`nobody who may seal ${cls} credentials here signed the ${name} value`);
    if ((await fingerprintLike(claims.fingerprint, r.peppers, value)) !== claims.fingerprint) throw bad(`the ${name} value isn't the one that its claims say`);
    return { value, claims };
  };
  return { next: await slot("next"), previous: await slot("previous"), minted: JSON.parse(values.get("minted") ?? "{}") as Held["minted"] };
}
export const forget = (r: Rotator, id: string): void => { r.remove(join(r.root, rotationSealedFile(r.declared.name, id))); };
