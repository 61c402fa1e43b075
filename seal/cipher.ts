import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

// sops's leaf format: ENC[AES256_GCM,data:…,iv:…,tag:…,type:…], AES-256-GCM with a 32-byte nonce; the associated data is the path,
// each step followed by a colon, so that a value moved to another key doesn't open. Source: getsops/sops, aes/cipher.go.

export type LeafType = "str" | "int" | "float" | "bool" | "bytes" | "time" | "comment";
export interface Leaf {
  readonly data: Buffer;
  readonly iv: Buffer;
  readonly tag: Buffer;
  readonly type: LeafType;
}
const LEAF = /^ENC\[AES256_GCM,data:([^,\]]*),iv:([^,\]]+),tag:([^,\]]+),type:(str|int|float|bool|bytes|time|comment)\]$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Null where the text is no sealed leaf. */
export function parseLeaf(text: string): Leaf | null {
  const m = LEAF.exec(text);
  if (!m || ![m[1], m[2], m[3]].every((p) => BASE64.test(p as string))) return null;
  const [data, iv, tag] = [m[1], m[2], m[3]].map((p) => Buffer.from(p as string, "base64")) as [Buffer, Buffer, Buffer];
  return tag.length === 16 && iv.length > 0 ? { data, iv, tag, type: m[4] as LeafType } : null;
}
export const isLeaf = (text: unknown): text is string => typeof text === "string" && parseLeaf(text) !== null;
export const pathData = (path: readonly string[]): string => path.map((p) => `${p}:`).join("");

export function sealLeaf(key: Uint8Array, plaintext: string, additional: string, type: LeafType = "str"): string {
  if (plaintext === "" && type === "str") return ""; // sops leaves an empty value empty
  const iv = randomBytes(32);
  const c = createCipheriv("aes-256-gcm", key, iv);
  c.setAAD(Buffer.from(additional));
  const data = Buffer.concat([c.update(plaintext, "utf8"), c.final()]);
  return `ENC[AES256_GCM,data:${data.toString("base64")},iv:${iv.toString("base64")},tag:${c.getAuthTag().toString("base64")},type:${type}]`;
}
/** The plaintext, or null where the leaf was changed or belongs to another place. */
export const openLeaf = (key: Uint8Array, leaf: Leaf, additional: string): string | null => openLeafBytes(key, leaf, additional)?.toString("utf8") ?? null;
/** The same as bytes: a binary file needn't be text. */
export function openLeafBytes(key: Uint8Array, leaf: Leaf, additional: string): Buffer | null {
  try {
    const d = createDecipheriv("aes-256-gcm", key, leaf.iv);
    d.setAAD(Buffer.from(additional));
    d.setAuthTag(leaf.tag);
    return Buffer.concat([d.update(leaf.data), d.final()]);
  } catch {
    return null;
  }
}
