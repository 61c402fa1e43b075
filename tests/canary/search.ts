import { gunzipSync, inflateRawSync, inflateSync } from "node:zlib";

// Finds a marker in whatever form something may have written it down.

export interface Marker {
  /** What a report calls it; never the value. */
  readonly name: string;
  readonly value: string;
  /** How many characters at the front are the kind's own and no secret: `sk_test_`. */
  readonly fixed: number;
}
export interface Found {
  readonly marker: string;
  readonly form: string;
}
const HALF = 12;

/** Each form of a value that is searched for, by name. */
export function formsOf(m: Marker): { readonly form: string; readonly bytes: Buffer }[] {
  const bytes = Buffer.from(m.value, "utf8");
  const core = m.value.slice(m.fixed);
  const half = Math.floor(core.length / 2);
  const halves = core.length >= 2 * HALF ? [core.slice(0, half), core.slice(half)] : [];
  const all = [
    { form: "raw", text: m.value },
    ...(m.fixed > 0 && core.length >= HALF ? [{ form: "raw without its prefix", text: core }] : []),
    ...halves.map((text, i) => ({ form: `half ${i + 1}`, text })),
    ...[0, 1, 2].flatMap((shift) => base64(bytes, shift).flatMap((text) => [{ form: `base64 at ${shift}`, text }, { form: `base64url at ${shift}`, text: text.replaceAll("+", "-").replaceAll("/", "_") }])),
    { form: "hex", text: bytes.toString("hex") }, { form: "HEX", text: bytes.toString("hex").toUpperCase() },
    { form: "URL-encoded", text: encodeURIComponent(m.value) }, { form: "URL-encoded in small letters", text: encodeURIComponent(m.value).replace(/%[0-9A-F]{2}/g, (x) => x.toLowerCase()) },
    { form: "percent-encoded throughout", text: [...bytes].map((b) => `%${b.toString(16).toUpperCase().padStart(2, "0")}`).join("") },
    { form: "JSON-escaped", text: JSON.stringify(m.value).slice(1, -1) }, { form: "JSON-escaped with slashes", text: JSON.stringify(m.value).slice(1, -1).replaceAll("/", "\\/") },
    ];
  const wide = { form: "UTF-16", bytes: Buffer.from(m.value, "utf16le") };
  return [...[...new Map(all.filter((f) => f.text.length >= 8).map((f) => [f.text, f])).values()].map((f) => ({ form: f.form, bytes: Buffer.from(f.text, "utf8") })), wide];
}
/** The base64 text that stands for these bytes wherever they begin in a group of three, without the characters that neighbours touch. */
function base64(bytes: Buffer, shift: number): string[] {
  const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64").replace(/=+$/, "");
  const from = [0, 2, 3][shift] as number;
  const to = Math.floor(((shift + bytes.length) * 8) / 6);
  const inner = text.slice(from, to);
  return inner.length >= HALF ? [inner] : [];
}

export class Search {
  // First four bytes → needles: one pass over the text, however many markers there are.
  private readonly first = new Uint8Array(65_536);
  private readonly byStart = new Map<number, { bytes: Buffer; found: Found }[]>();
  constructor(markers: readonly Marker[]) {
    for (const m of markers) for (const f of formsOf(m)) {
      const { bytes } = f;
      this.first[bytes.readUInt16BE(0)] = 1;
      const key = bytes.readUInt32BE(0);
      this.byStart.set(key, [...(this.byStart.get(key) ?? []), { bytes, found: { marker: m.name, form: f.form } }]);
    }
  }
  /** Every marker in these bytes, and in what is packed inside of them. */
  in(bytes: Buffer, depth = 0): Found[] {
    const out: Found[] = [];
    for (let i = 0; i + 4 <= bytes.length; i++) {
      const two = (bytes[i] as number) * 256 + (bytes[i + 1] as number);
      if (this.first[two] === 1) for (const n of this.byStart.get(bytes.readUInt32BE(i)) ?? []) if (bytes.compare(n.bytes, 0, n.bytes.length, i, Math.min(i + n.bytes.length, bytes.length)) === 0) out.push(n.found);
      if (depth < 3 && ((two === 0x1f8b && bytes[i + 2] === 8) || [0x7801, 0x785e, 0x789c, 0x78da].includes(two))) {
        const inner = unpacked(bytes.subarray(i), two === 0x1f8b);
        if (inner) out.push(...this.in(inner, depth + 1).map((f) => ({ ...f, form: `packed, ${f.form}` })));
      }
    }
    // gzip in base64, as a log line or a data URL carries it.
    if (depth < 3) for (const m of bytes.toString("latin1").matchAll(/(?:H4sI|e(?:A|F|J|N)[A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{20,}={0,2}/g)) {
      const inner = unpacked(Buffer.from(m[0], "base64"), m[0].startsWith("H4sI"));
      if (inner) out.push(...this.in(inner, depth + 1).map((f) => ({ ...f, form: `packed in base64, ${f.form}` })));
    }
    return [...new Map(out.map((f) => [`${f.marker} ${f.form}`, f])).values()];
  }
}
function unpacked(bytes: Buffer, gzip: boolean): Buffer | null {
  const o = { maxOutputLength: 64 << 20, finishFlush: 2 };
  try {
    return gzip ? gunzipSync(bytes, o) : inflateSync(bytes, o);
  } catch {
    try {
      return gzip ? inflateRawSync(bytes.subarray(10), o) : null;
    } catch {
      return null;
    }
  }
}
