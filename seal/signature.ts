import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, verify, type JsonWebKey, type KeyObject } from "node:crypto";
import type { Claims } from "../schemas/claims.ts";

// OpenSSH signatures (PROTOCOL.sshsig): `ssh-keygen -Y verify -n stackseal-claims` checks them too.

export const NAMESPACE = "stackseal-claims";
const MAGIC = "SSHSIG";

/** The text that a writer signs: environment, path, the claims without their signature, and the ciphertext leaf. */
export function canonicalClaims(environment: string, path: string, claims: Claims, leaf: string): string {
  const { signature: _without, ...rest } = claims;
  return `${JSON.stringify(["stackseal-claims-v1", environment, path, Object.fromEntries(Object.entries(rest).filter(([, v]) => v !== undefined).sort(([a], [b]) => (a < b ? -1 : 1))), leaf])}\n`;
}

const str = (b: Uint8Array | string): Buffer => {
  const bytes = Buffer.from(b as string);
  const n = Buffer.alloc(4);
  n.writeUInt32BE(bytes.length);
  return Buffer.concat([n, bytes]);
};
class Reader {
  private at = 0;
  private readonly b: Buffer;
  constructor(b: Buffer) {
    this.b = b;
  }
  bytes(n: number): Buffer {
    if (n < 0 || this.at + n > this.b.length) throw new RangeError("short");
    this.at += n;
    return this.b.subarray(this.at - n, this.at);
  }
  u32(): number {
    return this.bytes(4).readUInt32BE();
  }
  str(): Buffer {
    return this.bytes(this.u32());
  }
  text(): string {
    return this.str().toString("utf8");
  }
}
const signedData = (namespace: string, hash: string, message: string | Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(MAGIC), str(namespace), str(""), str(hash), str(createHash(hash).update(message).digest())]);

/** The SSH wire form of a public key line (`ssh-ed25519 AAAA… comment`). */
export const publicBlob = (line: string): Buffer => Buffer.from(line.trim().split(/\s+/)[1] ?? "", "base64");

export interface SigningKey {
  readonly publicLine: string;
  /** Signs a text in a namespace; the answer is the SSH signature's base64 without armor. */
  readonly sign: (message: string, namespace: string) => string;
}
/** A new Ed25519 key: the OpenSSH private key file's text and the public line. */
export function newSigningKey(comment: string): { readonly file: string; readonly publicLine: string } {
  const { privateKey } = generateKeyPairSync("ed25519");
  const jwk = privateKey.export({ format: "jwk" });
  const seed = Buffer.from(jwk.d as string, "base64url");
  const pub = Buffer.from(jwk.x as string, "base64url");
  const blob = Buffer.concat([str("ssh-ed25519"), str(pub)]);
  const check = randomBytes(4);
  let inner = Buffer.concat([check, check, blob, str(Buffer.concat([seed, pub])), str(comment)]);
  for (let i = 1; inner.length % 8 !== 0; i++) inner = Buffer.concat([inner, Buffer.from([i])]);
  const one = Buffer.alloc(4);
  one.writeUInt32BE(1);
  const body = Buffer.concat([Buffer.from("openssh-key-v1\0"), str("none"), str("none"), str(""), one, str(blob), str(inner)]).toString("base64");
  const label = "OPENSSH PRIVATE KEY";
  return { file: `-----BEGIN ${label}-----\n${(body.match(/.{1,70}/g) ?? []).join("\n")}\n-----END ${label}-----\n`, publicLine: `ssh-ed25519 ${blob.toString("base64")} ${comment}` };
}
/** Reads an unencrypted OpenSSH Ed25519 private key. Null where it is another kind or has a passphrase: `ssh-keygen -Y sign` serves there. */
export function readSigningKey(text: string): SigningKey | null {
  try {
    const m = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+?)-----END/.exec(text);
    const r = new Reader(Buffer.from((m?.[1] ?? "").replace(/\s/g, ""), "base64"));
    if (r.bytes(15).toString() !== "openssh-key-v1\0" || r.text() !== "none" || r.text() !== "none") return null;
    r.str();
    if (r.u32() !== 1) return null;
    const blob = r.str();
    const inner = new Reader(r.str());
    if (inner.u32() !== inner.u32() || inner.text() !== "ssh-ed25519") return null;
    const pub = inner.str();
    const seed = inner.str().subarray(0, 32);
    const privateKey = createPrivateKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", d: seed.toString("base64url"), x: pub.toString("base64url") } });
    return { publicLine: `ssh-ed25519 ${blob.toString("base64")}`, sign: (message, namespace) => envelope(blob, namespace, sign(null, signedData(namespace, "sha512", message), privateKey)) };
  } catch {
    return null;
  }
}
/** Signs a text; the answer is the signature's base64 without armor, as claims carry it. */
export const signText = (key: SigningKey, message: string, namespace = NAMESPACE): string => key.sign(message, namespace);
function envelope(blob: Buffer, namespace: string, sig: Buffer): string {
  const version = Buffer.alloc(4);
  version.writeUInt32BE(1);
  return Buffer.concat([Buffer.from(MAGIC), version, str(blob), str(namespace), str(""), str("sha512"), str(Buffer.concat([str("ssh-ed25519"), str(sig)]))]).toString("base64");
}
/** The armored form that ssh-keygen reads. */
export const armorSignature = (base64: string): string => `-----BEGIN SSH SIGNATURE-----\n${(base64.match(/.{1,70}/g) ?? []).join("\n")}\n-----END SSH SIGNATURE-----\n`;

/** Which of the public key lines made this signature over the message; null where none did. */
export function verifyText(base64: string, message: string | Uint8Array, publicLines: readonly string[], namespace = NAMESPACE): string | null {
  try {
    const r = new Reader(Buffer.from(base64, "base64"));
    if (r.bytes(6).toString() !== MAGIC || r.u32() !== 1) return null;
    const blob = r.str();
    const ns = r.text();
    r.str();
    const hash = r.text();
    if (ns !== namespace || (hash !== "sha512" && hash !== "sha256")) return null;
    const line = publicLines.find((l) => publicBlob(l).equals(blob));
    if (line === undefined) return null;
    const outer = new Reader(r.str());
    const algorithm = outer.text();
    const sig = outer.str();
    return check(algorithm, blob, signedData(ns, hash, message), sig, outer) ? line : null;
  } catch {
    return null;
  }
}
/** The public line of the key that a signature carries, where it is sound under it; whose that is must be known otherwise. Null where it isn't sound. */
export function keyOfSignature(base64: string, message: string | Uint8Array, namespace = NAMESPACE): string | null {
  try {
    const blob = new Reader(Buffer.from(base64, "base64").subarray(10)).str();
    return verifyText(base64, message, [`${new Reader(blob).text()} ${blob.toString("base64")}`], namespace);
  } catch {
    return null;
  }
}
function check(algorithm: string, blob: Buffer, data: Buffer, sig: Buffer, rest: Reader): boolean {
  const k = new Reader(blob);
  const type = k.text();
  const jwk = (key: JsonWebKey): KeyObject => createPublicKey({ format: "jwk", key });
  const ed = (): KeyObject => jwk({ kty: "OKP", crv: "Ed25519", x: k.str().toString("base64url") });
  const ec = (): { key: KeyObject; hash: string; size: number } => {
    const curve = k.text();
    const size = { nistp256: 32, nistp384: 48, nistp521: 66 }[curve] ?? 0;
    const point = k.str();
    return { key: jwk({ kty: "EC", crv: { nistp256: "P-256", nistp384: "P-384", nistp521: "P-521" }[curve] ?? "", x: point.subarray(1, 1 + size).toString("base64url"), y: point.subarray(1 + size).toString("base64url") }), hash: { nistp256: "sha256", nistp384: "sha384", nistp521: "sha512" }[curve] ?? "", size };
  };
  const p1363 = (size: number): Buffer => {
    const r = new Reader(sig);
    const fixed = (b: Buffer): Buffer => Buffer.concat([Buffer.alloc(size), b]).subarray(-size);
    return Buffer.concat([fixed(r.str()), fixed(r.str())]);
  };
  // Hardware keys sign the hash of the application, a byte of flags, a counter and the hash of the data (PROTOCOL.u2f).
  const hardware = (application: string): Buffer => Buffer.concat([createHash("sha256").update(application).digest(), rest.bytes(1), rest.bytes(4), createHash("sha256").update(data).digest()]);
  if (type === "ssh-ed25519" && algorithm === type) return verify(null, data, ed(), sig);
  if (type === "ssh-rsa" && (algorithm === "rsa-sha2-512" || algorithm === "rsa-sha2-256")) {
    const e = k.str();
    const n = k.str();
    return verify(algorithm === "rsa-sha2-512" ? "sha512" : "sha256", data, jwk({ kty: "RSA", e: e.toString("base64url"), n: (n[0] === 0 ? n.subarray(1) : n).toString("base64url") }), sig);
  }
  if (type.startsWith("ecdsa-sha2-") && algorithm === type) {
    const { key, hash, size } = ec();
    return verify(hash, data, { key, dsaEncoding: "ieee-p1363" }, p1363(size));
  }
  if (type === "sk-ssh-ed25519@openssh.com" && algorithm === type) {
    const key = ed();
    return verify(null, hardware(k.text()), key, sig);
  }
  if (type === "sk-ecdsa-sha2-nistp256@openssh.com" && algorithm === type) {
    const { key, size } = ec();
    return verify("sha256", hardware(k.text()), { key, dsaEncoding: "ieee-p1363" }, p1363(size));
  }
  return false;
}
