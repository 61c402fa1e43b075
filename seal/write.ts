import { randomBytes } from "node:crypto";
import { claimsSchema, type Claims } from "../schemas/claims.ts";
import { ageSeal } from "./age.ts";
import { pathData, sealLeaf } from "./cipher.ts";
import { MacHash, macText } from "./mac.ts";

/** A value to be written, or the ciphertext of one that stays as it is. */
export interface Entry {
  readonly path: string;
  readonly value: string;
  /** Kept byte for byte where the value, the place and the data key are the same. */
  readonly leaf?: string;
  /** Absent for a bare leaf, as peppers are. */
  readonly claims?: Claims;
}
export interface SealedKey {
  readonly dataKey: Uint8Array;
  readonly recipients: readonly { readonly recipient: string; readonly enc: string }[];
}
const SOPS_VERSION = "3.13.3";
const CLAIM_ORDER = Object.keys(claimsSchema.shape) as (keyof Claims)[];

/** A fresh data key, sealed to every recipient on its own, as sops does. */
export async function newSealedKey(recipients: readonly string[]): Promise<SealedKey> {
  const dataKey = new Uint8Array(randomBytes(32));
  return { dataKey, recipients: await Promise.all(recipients.map(async (recipient) => ({ recipient, enc: await ageSeal([recipient], dataKey) }))) };
}
/** The ciphertext leaf of a value at its place; claims are signed over it. */
export const sealValue = (key: Pick<SealedKey, "dataKey">, path: string, value: string): string => sealLeaf(key.dataKey, value, pathData([...path.split("."), "value"]));
/** The same of a bare leaf, which has no claims beside it. */
export const sealBare = (key: Pick<SealedKey, "dataKey">, path: string, value: string): string => sealLeaf(key.dataKey, value, pathData(path.split(".")));

/**
 * The text of a sealed file: block style, four spaces, dates quoted, so that sops keeps it as it is and a later change of one value
 * touches only that value, the mac and lastmodified. Entries stand sorted by path.
 */
export function renderSealed(entries: readonly (Entry & { readonly leaf: string })[], key: SealedKey, now: Date): string {
  const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : 1));
  const mac = new MacHash();
  const lines: string[] = [];
  let open: string[] = [];
  for (const e of sorted) {
    const keys = e.path.split(".");
    let shared = 0;
    while (shared < keys.length - 1 && open[shared] === keys[shared]) shared++;
    const bare = e.claims === undefined;
    keys.forEach((k, depth) => { if (depth >= shared) lines.push(`${indent(depth)}${scalar(k)}:${bare && depth === keys.length - 1 ? ` ${e.leaf}` : ""}`); });
    open = keys;
    if (e.claims === undefined) {
      mac.add(e.value);
      continue;
    }
    lines.push(`${indent(keys.length)}value: ${e.leaf}`, `${indent(keys.length)}claims:`);
    mac.add(e.value);
    lines.push(...claimLines(e.claims).map((l) => `${indent(keys.length + 1)}${l}`));
    for (const name of CLAIM_ORDER) if (e.claims[name] !== undefined) mac.add(macText(e.claims[name]));
  }
  const lastmodified = instant(now);
  lines.push("sops:", ...ageLines(key.recipients).map((l) => `    ${l}`));
  lines.push(`    lastmodified: "${lastmodified}"`, `    mac: ${sealLeaf(key.dataKey, mac.digest(), lastmodified)}`, "    unencrypted_regex: ^claims$", `    version: ${SOPS_VERSION}`);
  return `${lines.join("\n")}\n`;
}
/** The claims' lines in the order of the schema, without indentation. */
export const claimLines = (claims: Claims): string[] => CLAIM_ORDER.flatMap((name) => {
  const v = claims[name];
  return v === undefined ? [] : [`${name}: ${typeof v === "number" ? String(v) : scalar(v)}`];
});
/** The `age` list of the sops part, without indentation. */
export const ageLines = (recipients: SealedKey["recipients"]): string[] => ["age:", ...recipients.flatMap((r) => ["    - enc: |", ...r.enc.trimEnd().split("\n").map((l) => `        ${l}`), `      recipient: ${r.recipient}`])];
/** As sops writes lastmodified: to the second, UTC. */
export const instant = (at: Date): string => `${at.toISOString().slice(0, 19)}Z`;
const indent = (n: number): string => "    ".repeat(n);
/** Plain where YAML 1.1 reads it back as the same text; else in double quotes, as go-yaml writes it. */
export function scalar(text: string): string {
  const plain = /^[A-Za-z_+/][A-Za-z0-9_+/=.:@-]*$|^[0-9][A-Za-z0-9]*[G-Zg-z][A-Za-z0-9]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n|inf|nan)$/i.test(text) && !text.endsWith(":") && !/^\d[\d_]*[eE]\d+$/.test(text);
  return plain ? text : JSON.stringify(text);
}
