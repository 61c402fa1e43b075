import { quickOpen } from "./age-quick.ts";

/** An age secret key, `AGE-SECRET-KEY-1…` or, post-quantum, `AGE-SECRET-KEY-PQ-1…`. Never printed. */
export type Identity = string;

// Loaded where something is opened or sealed: its tables of curves take longer to make than a check without a key may last.
const age = async () => import("age-encryption");

export const newIdentity = async (): Promise<Identity> => (await age()).generateX25519Identity();
export const recipientOf = async (identity: Identity): Promise<string> => (await age()).identityToRecipient(identity);

export async function ageSeal(recipients: readonly string[], plaintext: Uint8Array): Promise<string> {
  const { armor, Encrypter } = await age();
  const e = new Encrypter();
  for (const r of recipients) e.addRecipient(r);
  return armor.encode(await e.encrypt(plaintext));
}
/** Null where none of the identities is a recipient, or the text is no age file. */
export async function ageOpen(identities: readonly Identity[], armored: string): Promise<Uint8Array | null> {
  const { armor, Decrypter } = await age();
  try {
    const d = new Decrypter();
    for (const i of identities) d.addIdentity(i);
    return await d.decrypt(armor.decode(armored));
  } catch {
    return null;
  }
}
const recipientsKnown = new Map<Identity, Promise<string | null>>();
/** The recipient of an identity; null where it can't be told. Remembered: deriving one costs as much as opening a file. */
function knownRecipient(i: Identity): Promise<string | null> {
  const known = recipientsKnown.get(i) ?? recipientOf(i).catch(() => null);
  recipientsKnown.set(i, known);
  return known;
}
/** Opens the first of these sealed texts that the identities open, those labelled with their own recipients first; null where none opens. */
export async function ageOpenAny(identities: readonly Identity[], keys: readonly { readonly recipient: string; readonly enc: string }[]): Promise<Uint8Array | null> {
  const own = await Promise.all(identities.map(knownRecipient));
  for (const k of keys) {
    const mine = own.indexOf(k.recipient);
    const opened = mine < 0 ? null : ((await quick(identities[mine] as Identity, k.enc)) ?? (await ageOpen(identities, k.enc)));
    if (opened) return opened;
  }
  // A label needn't be true.
  for (const k of keys) {
    const opened = own.includes(k.recipient) ? null : await ageOpen(identities, k.enc);
    if (opened) return opened;
  }
  return null;
}
async function quick(identity: Identity, armored: string): Promise<Uint8Array | null> {
  const { armor } = await age();
  try {
    return identity.startsWith("AGE-SECRET-KEY-1") ? quickOpen(identity, armor.decode(armored)) : null;
  } catch {
    return null;
  }
}
/** The identities in an age key file: its lines save comments. Null where one of them is no age identity. */
export function parseIdentities(text: string): Identity[] | null {
  const lines = text.split(/\r?\n/).map((l) => l.trim()).filter((l) => l !== "" && !l.startsWith("#"));
  return lines.every((l) => /^AGE-SECRET-KEY-(?:1[02-9AC-HJ-NP-Z]{58}|PQ-1[02-9AC-HJ-NP-Z]+)$/.test(l)) ? lines : null;
}
