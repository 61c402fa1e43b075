import { armor, Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";

/** An age secret key, `AGE-SECRET-KEY-1…` or, post-quantum, `AGE-SECRET-KEY-PQ-1…`. Never printed. */
export type Identity = string;

export const newIdentity = (): Promise<Identity> => generateX25519Identity();
export const recipientOf = (identity: Identity): Promise<string> => identityToRecipient(identity);

export async function ageSeal(recipients: readonly string[], plaintext: Uint8Array): Promise<string> {
  const e = new Encrypter();
  for (const r of recipients) e.addRecipient(r);
  return armor.encode(await e.encrypt(plaintext));
}
/** Null where none of the identities is a recipient, or the text is no age file. */
export async function ageOpen(identities: readonly Identity[], armored: string): Promise<Uint8Array | null> {
  try {
    const d = new Decrypter();
    for (const i of identities) d.addIdentity(i);
    return await d.decrypt(armor.decode(armored));
  } catch {
    return null;
  }
}
/** The identities in an age key file: its lines save comments. Null where one of them is no age identity. */
export function parseIdentities(text: string): Identity[] | null {
  const lines = text.split(/\r?\n/).map((l) => l.trim()).filter((l) => l !== "" && !l.startsWith("#"));
  return lines.every((l) => /^AGE-SECRET-KEY-(?:1[02-9AC-HJ-NP-Z]{58}|PQ-1[02-9AC-HJ-NP-Z]+)$/.test(l)) ? lines : null;
}
