import { StringDecoder } from "node:string_decoder";

/** Text of two or four bytes a character. */
export interface Wide {
  readonly width: 2 | 4;
  readonly big: boolean;
  /** Bytes of the mark in front. */
  readonly mark: 0 | 2 | 4;
}
const MARKS: readonly (readonly [string, Wide])[] = [
  // Before UTF-16's own, with which it begins.
  ["fffe0000", { width: 4, big: false, mark: 4 }], ["0000feff", { width: 4, big: true, mark: 4 }],
  ["fffe", { width: 2, big: false, mark: 2 }], ["feff", { width: 2, big: true, mark: 2 }],
];

/** UTF-16 and UTF-32 by their marks, or without one by where the zero bytes of Latin text stand; null where the first bytes are neither. */
export function wideOf(front: Buffer): Wide | null {
  const hex = front.toString("hex", 0, 4);
  const marked = MARKS.find(([mark]) => hex.startsWith(mark));
  if (marked) return marked[1];
  const length = front.length - (front.length % 4);
  const zeros = [0, 0, 0, 0];
  for (let i = 0; i < length; i++) if (front[i] === 0) (zeros[i % 4] as number)++;
  const [a, b, c, d] = zeros.map((n) => (length < 8 ? 0 : n / (length / 4))) as [number, number, number, number];
  if (a === 0 && c === 1 && d === 1) return { width: 4, big: false, mark: 0 };
  if (d === 0 && a === 1 && b === 1) return { width: 4, big: true, mark: 0 };
  if (a + c === 0 && b + d > 1.4) return { width: 2, big: false, mark: 0 };
  if (b + d === 0 && a + c > 1.4) return { width: 2, big: true, mark: 0 };
  return null;
}

/** Makes UTF-8 of it, bit by bit; each part has whole units of `width`. It may turn the bytes around in their place. */
export function wideDecoder(w: Wide): (part: Buffer) => Buffer {
  const units = new StringDecoder("utf16le");
  if (w.width === 2) return (part) => Buffer.from(units.write(w.big ? part.swap16() : part), "utf8");
  return (part) => {
    const out: string[] = [];
    for (let i = 0; i < part.length; i += 4) {
      const point = w.big ? part.readUInt32BE(i) : part.readUInt32LE(i);
      out.push(point > 0x10ffff ? "\ufffd" : String.fromCodePoint(point));
    }
    return Buffer.from(out.join(""), "utf8");
  };
}
