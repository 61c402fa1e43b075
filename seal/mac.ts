import { createHash } from "node:crypto";

// sops's MAC: SHA-512 over the text of every value in the order of the file, in capitals; comments don't count. With mac_only_encrypted
// only the encrypted values count and the hash begins with fixed bytes. Source: getsops/sops, sops.go.
const ONLY_ENCRYPTED = Buffer.from("8a3fd2ad54ce66527b1034f3d147be0b0b975b3bf44f72c6fdadec8176f27d69", "hex");

export class MacHash {
  private readonly hash = createHash("sha512");
  readonly onlyEncrypted: boolean;
  constructor(onlyEncrypted = false) {
    this.onlyEncrypted = onlyEncrypted;
    if (onlyEncrypted) this.hash.update(ONLY_ENCRYPTED);
  }
  add(text: string | Uint8Array, encrypted = true): void {
    if (encrypted || !this.onlyEncrypted) this.hash.update(text);
  }
  digest(): string {
    return this.hash.digest("hex").toUpperCase();
  }
}
/** How sops spells a clear scalar for the MAC: booleans capitalised, as in its Go source. */
export const macText = (v: unknown): string => (typeof v === "boolean" ? (v ? "True" : "False") : v === null ? "" : typeof v === "string" ? v : JSON.stringify(v));
