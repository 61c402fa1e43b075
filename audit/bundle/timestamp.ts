import { createHash } from "node:crypto";

/** What an RFC 3161 time stamp says: of which digest, when. Whether its authority's signature is good is another question. */
export interface TimeStamp {
  readonly algorithm: "sha256" | "sha384" | "sha512";
  readonly digest: Buffer;
  /** ISO, UTC. */
  readonly at: string;
}
/** A day's grace for what is stamped or locked by hand afterwards, in milliseconds. */
export const LATE = 86_400_000;
/** Clocks differ by this much. */
export const SKEW = 3_600_000;
/** Beside the manifest, which can't name what is made of it. */
export const STAMP = "manifest.json.tsr";
/** Beside it too: where a locked bucket keeps a copy of it, and since when by the bucket's own clock. */
export const LOCK = "manifest.json.lock.json";
/** What may lie in a bundle's folder and is no part of it. */
export const BESIDE: readonly string[] = [STAMP, LOCK];
const HASHES: Readonly<Record<string, TimeStamp["algorithm"]>> = { "608648016503040201": "sha256", "608648016503040202": "sha384", "608648016503040203": "sha512" };
const SIGNED_DATA = "2a864886f70d010702";
const TST_INFO = "2a864886f70d0109100104";

interface Node { readonly tag: number; readonly body: Buffer }
/** The elements of a DER sequence's body. Throws RangeError where it is none. */
function elements(b: Buffer): Node[] {
  const out: Node[] = [];
  for (let at = 0; at < b.length; ) {
    const tag = b.readUInt8(at++);
    let size = b.readUInt8(at++);
    if (size > 0x84 || size === 0x80) throw new RangeError("no DER");
    if (size > 0x80) {
      const n = size & 0x7f;
      size = b.readUIntBE(at, n);
      at += n;
    }
    if (at + size > b.length) throw new RangeError("no DER");
    out.push({ tag, body: b.subarray(at, at + size) });
    at += size;
  }
  return out;
}
const child = (n: Node | undefined, i: number): Node => {
  const c = n && elements(n.body)[i];
  if (!c) throw new RangeError("no DER");
  return c;
};
/** Reads a response (`.tsr`) or a bare token; null where it is neither, or was refused, or is over a digest that is none of SHA-2. */
export function readTimeStamp(bytes: Buffer): TimeStamp | null {
  try {
    const [outer, more] = elements(bytes);
    if (outer?.tag !== 0x30 || more) return null;
    const first = child(outer, 0);
    const content = first.tag === 0x30 ? child(outer, 1) : outer;
    if (first.tag === 0x30 && child(first, 0).body.readUInt8(0) > 1) return null;
    if (child(content, 0).body.toString("hex") !== SIGNED_DATA) return null;
    const encapsulated = child(child(child(content, 1), 0), 2);
    if (child(encapsulated, 0).body.toString("hex") !== TST_INFO) return null;
    const info = child(child(child(encapsulated, 1), 0), 0);
    const imprint = child(info, 2);
    const algorithm = HASHES[child(child(imprint, 0), 0).body.toString("hex")];
    const time = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d+)?Z$/.exec(child(info, 4).body.toString("latin1"));
    return algorithm && time ? { algorithm, digest: child(imprint, 1).body, at: new Date(Date.UTC(Number(time[1]), Number(time[2]) - 1, Number(time[3]), Number(time[4]), Number(time[5]), Number(time[6]))).toISOString() } : null;
  } catch {
    return null;
  }
}
export const isOver = (t: TimeStamp, bytes: Buffer): boolean => createHash(t.algorithm).update(bytes).digest().equals(t.digest);
