import { createHmac, scrypt } from "node:crypto";

/** Generation → pepper, for one kind of fingerprint. */
export interface Peppers {
  readonly g: ReadonlyMap<number, Buffer>;
  readonly h: ReadonlyMap<number, Buffer>;
}
export const latest = (m: ReadonlyMap<number, Buffer>): number => Math.max(-1, ...m.keys());

/** `gN:` for generated values: HMAC-SHA-256(pepper, value), first 16 bytes, base64url. */
export const fingerprintGenerated = (generation: number, pepper: Buffer, value: string): string => `g${generation}:${digest(pepper, Buffer.from(value))}`;

/** `hN:` for values that a person may have chosen: HMAC over scrypt(value, salt = pepper), N = 2^15, r = 8, p = 1, so that a guess costs. About 60 ms. */
export async function fingerprintHuman(generation: number, pepper: Buffer, value: string): Promise<string> {
  const slow = await new Promise<Buffer>((done, fail) => {
    scrypt(value, pepper, 32, { N: 1 << 15, r: 8, p: 1, maxmem: 64 << 20 }, (e, key) => { if (e) fail(e); else done(key); });
  });
  return `h${generation}:${digest(pepper, slow)}`;
}
const digest = (pepper: Buffer, data: Buffer): string => createHmac("sha256", pepper).update(data).digest().subarray(0, 16).toString("base64url");

/** The value's fingerprint in the generation and kind of another one; null where that pepper isn't at hand. */
export async function fingerprintLike(like: string, peppers: Peppers, value: string): Promise<string | null> {
  const m = /^([gh])(\d+):/.exec(like);
  if (!m) return null;
  const generation = Number(m[2]);
  const pepper = peppers[m[1] as "g" | "h"].get(generation);
  if (!pepper) return null;
  return m[1] === "g" ? fingerprintGenerated(generation, pepper, value) : fingerprintHuman(generation, pepper, value);
}
