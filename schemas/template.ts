import { randomInt } from "node:crypto";

const SETS = {
  alnum: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
  lower: "abcdefghijklmnopqrstuvwxyz",
  digits: "0123456789",
  hex: "0123456789abcdef",
  base32: "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
  url64: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
  base64: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
} as const;

/** A whole number in [0, below). */
export type Random = (below: number) => number;
export const secureRandom: Random = (below) => randomInt(below);

/**
 * Expands a sample template: `{alnum:24}`, `{hex:32}`, `{uuid}`, `{bytes64:32}` (base64 of that many random bytes); everything else stands for itself.
 * Throws RangeError on a set that doesn't exist: templates are code, not input.
 */
export function expand(template: string, random: Random = secureRandom): string {
  return template.replace(/\{([a-z0-9]+)(?::(\d+))?\}/g, (_all, name: string, count: string | undefined) => {
    if (name === "uuid") return uuid(random);
    const n = Number(count ?? "1");
    if (name === "bytes64") return Buffer.from(Array.from({ length: n }, () => random(256))).toString("base64");
    const set = (SETS as Readonly<Record<string, string>>)[name];
    if (set === undefined) throw new RangeError(`no character set ${name}`);
    return chars(set, n, random);
  });
}
const chars = (set: string, n: number, random: Random): string => Array.from({ length: n }, () => set[random(set.length)] as string).join("");
function uuid(random: Random): string {
  const hex = (n: number): string => chars(SETS.hex, n, random);
  return `${hex(8)}-${hex(4)}-4${hex(3)}-${"89ab"[random(4)] as string}${hex(3)}-${hex(12)}`;
}
