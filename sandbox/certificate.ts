import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

// A self-signed certificate for 127.0.0.1 and localhost in plain DER (X.509, RFC 5280): node signs, and has no call that makes one.

const tlv = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  const n = body.length;
  const length = n < 0x80 ? [n] : n < 0x100 ? [0x81, n] : [0x82, n >> 8, n & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
};
const sequence = (...p: readonly Uint8Array[]): Buffer => tlv(0x30, ...p);
const text = (tag: number, s: string): Buffer => tlv(tag, Buffer.from(s, "latin1"));
const oid = (hex: string): Buffer => tlv(0x06, Buffer.from(hex, "hex"));
const ECDSA_SHA256 = sequence(oid("2a8648ce3d040302"));
const COMMON_NAME = oid("550403");
const SUBJECT_ALT_NAME = oid("551d11");
const BASIC_CONSTRAINTS = oid("551d13");
const utc = (d: Date): Buffer => text(0x17, `${d.toISOString().slice(2, 19).replace(/[-:T]/g, "")}Z`);

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}
/** PEM certificate, its own authority, and key, for 127.0.0.1 and these names; valid from a day ago for `days`. */
export function selfSigned(name: string, now: Date, days = 825, hosts: readonly string[] = ["localhost"]): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const who = sequence(tlv(0x31, sequence(COMMON_NAME, text(0x0c, name))));
  const serial = tlv(0x02, Buffer.concat([Buffer.from([0x40]), randomBytes(15)]));
  const extensions = sequence(
    sequence(BASIC_CONSTRAINTS, tlv(0x01, Buffer.from([0xff])), tlv(0x04, sequence(tlv(0x01, Buffer.from([0xff]))))),
    sequence(SUBJECT_ALT_NAME, tlv(0x04, sequence(...hosts.map((h) => text(0x82, h)), tlv(0x87, Buffer.from([127, 0, 0, 1]))))),
  );
  const validity = sequence(utc(new Date(now.getTime() - 86_400_000)), utc(new Date(now.getTime() + days * 86_400_000)));
  const tbs = sequence(tlv(0xa0, tlv(0x02, Buffer.from([2]))), serial, ECDSA_SHA256, who, validity, who, publicKey.export({ type: "spki", format: "der" }), tlv(0xa3, extensions));
  const signature = sign("sha256", tbs, privateKey);
  const der = sequence(tbs, ECDSA_SHA256, tlv(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const cert = `-----BEGIN CERTIFICATE-----\n${(der.toString("base64").match(/.{1,64}/g) ?? []).join("\n")}\n-----END CERTIFICATE-----\n`;
  return { cert, key: privateKey.export({ type: "pkcs8", format: "pem" }) as string };
}
