import type { Opened } from "../seal/open.ts";
import { newSealedKey, renderSealed, sealBare, sealValue } from "../seal/write.ts";

/** The values of an opened file, sealed to other recipients under a fresh key. Claims stay as they were; their signatures hold for the original's ciphertext, not for this. */
export async function sealAnew(o: Opened, recipients: readonly string[], now: Date): Promise<string> {
  const key = await newSealedKey(recipients);
  const claims = new Map(o.file.credentials.map((c) => [c.path, c.claims]));
  return renderSealed([...o.values].map(([path, value]) => {
    const own = claims.get(path) ?? undefined;
    return own ? { path, value, leaf: sealValue(key, path, value), claims: own } : { path, value, leaf: sealBare(key, path, value) };
  }), key, now);
}
