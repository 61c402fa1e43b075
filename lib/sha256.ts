import { createHash } from "node:crypto";

/** SHA-256 of bytes, or of a text as UTF-8, in lower-case hexadecimal. */
export const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");
