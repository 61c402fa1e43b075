import { armorSignature, publicBlob, verifyText } from "../../seal/signature.ts";
import { BUNDLE_NAMESPACE } from "./manifest.ts";

/** A line of ssh-keygen's allowed signers: whose key, in which namespaces (null: all), from when until when (`YYYYMMDDHHMMSS`, UTC; "" open). */
export interface AllowedSigner { readonly principal: string; readonly line: string; readonly namespaces: readonly string[] | null; readonly after: string; readonly before: string }

const KEY = /(?:^|\s)((?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp(?:256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com)\s+[A-Za-z0-9+/=]+)/;
/** Reads allowed signers as ssh-keygen(1) describes them; certificate authorities are left out. */
export function parseSigners(text: string): AllowedSigner[] {
  return text.split("\n").flatMap((l): AllowedSigner[] => {
    const key = l.startsWith("#") ? null : KEY.exec(l);
    if (!key) return [];
    const head = l.slice(0, key.index).trim();
    const principal = head.split(/\s/)[0] ?? "";
    const options = head.slice(principal.length);
    if (principal === "" || /(^|[\s,])cert-authority([\s,]|$)/i.test(options)) return [];
    const of = (name: string): string | null => new RegExp(`(?:^|[\\s,])${name}="?([^"\\s]*)"?`, "i").exec(options)?.[1] ?? null;
    const stamp = (v: string | null, pad: string): string => (v === null ? "" : (v.replace(/Z$/i, "") + pad).slice(0, 14));
    return [{ principal, line: key[1] as string, namespaces: of("namespaces")?.split(",") ?? null, after: stamp(of("valid-after"), "000000"), before: stamp(of("valid-before"), "000000") }];
  });
}
/** Who of them signed the manifest, when the key is good on `at`; null where nobody did, or the armor isn't the one that we write. */
export function signerOfManifest(text: string, armored: string, signers: readonly AllowedSigner[], at: Date): AllowedSigner | null {
  const base64 = /-----BEGIN SSH SIGNATURE-----([\s\S]+?)-----END SSH SIGNATURE-----/.exec(armored)?.[1]?.replace(/\s/g, "") ?? "";
  if (base64 === "" || armorSignature(Buffer.from(base64, "base64").toString("base64")) !== armored) return null;
  const stamp = at.toISOString().replace(/\D/g, "").slice(0, 14);
  const usable = signers.filter((s) => (s.namespaces === null || s.namespaces.includes(BUNDLE_NAMESPACE)) && s.after <= stamp && (s.before === "" || stamp < s.before));
  const line = verifyText(base64, text, usable.map((s) => s.line), BUNDLE_NAMESPACE);
  return line === null ? null : (usable.find((s) => publicBlob(s.line).equals(publicBlob(line))) ?? null);
}
