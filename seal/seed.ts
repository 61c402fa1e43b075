import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeAtomic } from "../lib/atomic.ts";
import type { SecretClass, Tier } from "../schemas/access.ts";
import type { Claims } from "../schemas/claims.ts";
import type { ExpectedSecret } from "../schemas/integrations/index.ts";
import { LOCAL, LOCAL_PEOPLE_FILE, pepperFile, sealedFile, WORK_DIR } from "../schemas/layout.ts";
import { expand } from "../schemas/template.ts";
import { newIdentity, recipientOf } from "./age.ts";
import type { Peppers } from "./fingerprint.ts";
import { newClaims } from "./new-claims.ts";
import { canonicalClaims, newSigningKey, readSigningKey, signText, type SigningKey } from "./signature.ts";
import { newSealedKey, renderSealed, sealBare, sealValue } from "./write.ts";

export interface Signer {
  readonly name: string;
  readonly key: SigningKey;
}
/** Seals sample values in the providers' true formats, signed; the text of a sealed file. */
export async function sealSamples(expected: readonly ExpectedSecret[], environment: string, recipients: readonly string[], peppers: Peppers, signer: Signer, now: Date): Promise<string> {
  const key = await newSealedKey(recipients);
  const entries = await Promise.all(expected.map(async (e) => {
    const value = expand(e.sample);
    const leaf = sealValue(key, e.path, value);
    const unsigned: Claims = await newClaims(e.spec, e.kind, value, peppers, signer.name, "initial", now, e.spec.maxAgeDays);
    return { path: e.path, value, leaf, claims: { ...unsigned, signature: signText(signer.key, canonicalClaims(environment, e.path, unsigned, leaf)) } };
  }));
  return renderSealed(entries, key, now);
}
/** A pepper file's text. */
export async function sealPeppers(peppers: Readonly<Record<string, Buffer>>, recipients: readonly string[], now: Date): Promise<string> {
  const key = await newSealedKey(recipients);
  return renderSealed(Object.entries(peppers).map(([path, b]) => ({ path, value: b.toString("base64"), leaf: sealBare(key, path, b.toString("base64")) })), key, now);
}
export const newPepper = (): Buffer => randomBytes(32);

/** The names under which `local`'s throwaway people and machine go. */
const PERSON = "super-admin-local";

/**
 * Makes what `local` needs in `.stackseal/`, once: identities, a signing key, people, peppers of generation 0 and sealed, signed samples.
 * Answers whether anything was made. What is there already stays; a half-made seed (no people file yet) is made anew.
 */
export async function seedLocal(root: string, tier: Tier, expected: readonly ExpectedSecret[], now: Date): Promise<boolean> {
  const work = join(root, WORK_DIR);
  const done = [LOCAL_PEOPLE_FILE, pepperFile(LOCAL), sealedFile(LOCAL, "standard"), sealedFile(LOCAL, "payments")].every((f) => existsSync(join(root, f)));
  if (done) return false;
  mkdirSync(join(work, "identities"), { recursive: true, mode: 0o700 });
  chmodSync(work, 0o700);
  const identity = await newIdentity();
  const recipient = await recipientOf(identity);
  const signing = newSigningKey(PERSON);
  writeAtomic(join(work, "identities", "local.age"), `# throwaway identity of local\n${identity}\n`, 0o600);
  writeAtomic(join(work, "identities", "local.ssh"), signing.file, 0o600);
  const pepper = newPepper();
  const peppers: Peppers = { g: new Map([[0, pepper]]), h: new Map([[0, pepper]]) };
  writeAtomic(join(root, pepperFile(LOCAL)), await sealPeppers({ g0: pepper, h0: pepper }, [recipient], now), 0o600);
  const signer: Signer = { name: PERSON, key: readSigningKey(signing.file) as SigningKey };
  for (const cls of ["standard", "payments"] as const satisfies readonly SecretClass[])
    writeAtomic(join(root, sealedFile(LOCAL, cls)), await sealSamples(expected.filter((e) => e.spec.class === cls), LOCAL, [recipient], peppers, signer, now), 0o600);
  writeAtomic(join(root, LOCAL_PEOPLE_FILE), `people:\n    ${PERSON}:\n        role: super-admin\n        tiers: [${tier}]\n        recipients: [${recipient}]\n        signing: ["${signing.publicLine}"]\n`, 0o600);
  return true;
}
/** `local`'s throwaway writer; null before the seed. */
export function localSigner(root: string): Signer | null {
  const file = join(root, WORK_DIR, "identities", "local.ssh");
  const key = existsSync(file) ? readSigningKey(readFileSync(file, "utf8")) : null;
  return key && { name: PERSON, key };
}
