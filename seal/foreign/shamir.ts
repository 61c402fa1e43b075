import { randomBytes } from "node:crypto";

// Shamir's secret sharing over GF(2^8) with AES's polynomial, as sops shares a data key among key groups: a share is the values and, last, its x.

function multiply(a: number, b: number): number {
  let out = 0;
  for (let i = 7; i >= 0; i--) out = ((out << 1) ^ (out & 0x80 ? 0x11b : 0) ^ ((b >> i) & 1 ? a : 0)) & 0xff;
  return out;
}
function inverse(a: number): number {
  let out = 1;
  for (let i = 0; i < 254; i++) out = multiply(out, a); // a^254 is a's inverse in a group of 255
  return out;
}
/** The secret of at least two shares of equal length; null where they can't belong together. */
export function combine(shares: readonly Uint8Array[]): Uint8Array | null {
  const length = shares[0]?.length ?? 0;
  const xs = shares.map((s) => s[length - 1] as number);
  if (shares.length < 2 || length < 2 || shares.some((s) => s.length !== length) || new Set(xs).size !== xs.length || xs.includes(0)) return null;
  const weights = xs.map((x, i) => xs.reduce((w, other, j) => (i === j ? w : multiply(w, multiply(other, inverse(x ^ other)))), 1));
  return Uint8Array.from({ length: length - 1 }, (_, n) => shares.reduce((sum, s, i) => sum ^ multiply(s[n] as number, weights[i] as number), 0));
}
/** Shares of a secret, any `threshold` of which give it back; fewer say nothing. At most 255. */
export function split(secret: Uint8Array, parts: number, threshold: number): Uint8Array[] {
  if (threshold < 2 || parts < threshold || parts > 255) throw new RangeError("a threshold of at least 2, and at least as many parts");
  const coefficients = Array.from({ length: threshold - 1 }, () => randomBytes(secret.length));
  return Array.from({ length: parts }, (_, p) => {
    const x = p + 1;
    const share = new Uint8Array(secret.length + 1);
    share[secret.length] = x;
    // Horner's rule: the polynomial whose value at 0 is the secret.
    for (let n = 0; n < secret.length; n++) share[n] = [...coefficients].reverse().reduce((y, c) => multiply(y, x) ^ (c[n] as number), 0);
    for (let n = 0; n < secret.length; n++) share[n] = multiply(share[n] as number, x) ^ (secret[n] as number);
    return share;
  });
}
