import { createHash } from "node:crypto";

/**
 * What an RFC 3161 token was given over: the first of the contents whose SHA-256, SHA-384 or SHA-512 stands in it; null where none does.
 * Whether the authority's signature is good isn't judged here: openssl ts -verify does.
 */
export function tokenOver(token: Buffer, contents: Readonly<Record<string, Buffer>>, digests: Readonly<Record<string, string>> | null): string | null {
  for (const [name, bytes] of Object.entries(contents)) for (const a of ["sha256", "sha384", "sha512"]) if (token.includes(createHash(a).update(bytes).digest())) return name;
  for (const [name, hex] of Object.entries(digests ?? {})) if (token.includes(Buffer.from(hex, "hex"))) return name;
  return null;
}
