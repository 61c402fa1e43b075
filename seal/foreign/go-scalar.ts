import type { ScalarType } from "./tree.ts";

// How go-yaml reads a plain scalar (YAML 1.2 with the octals and underscores of 1.1), and how Go spells numbers and times. Source: go.yaml.in/yaml/v3, resolve.go.

export interface Resolved {
  readonly type: ScalarType;
  readonly text: string;
}
const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;

/** The Go type and the MAC's text of a plain scalar. Null for an unsigned integer beyond int64, which sops doesn't take. */
export function resolvePlain(text: string): Resolved | null {
  if (/^(?:|~|null|Null|NULL)$/.test(text)) return { type: "null", text: "" };
  if (/^(?:true|True|TRUE)$/.test(text)) return { type: "bool", text: "True" };
  if (/^(?:false|False|FALSE)$/.test(text)) return { type: "bool", text: "False" };
  if (/^\.(?:nan|NaN|NAN)$/.test(text)) return { type: "float", text: "NaN" };
  if (/^\+?\.(?:inf|Inf|INF)$/.test(text)) return { type: "float", text: "+Inf" };
  if (/^-\.(?:inf|Inf|INF)$/.test(text)) return { type: "float", text: "-Inf" };
  if (/^\.[0-9]+(?:[eE][-+]?[0-9]+)?$/.test(text)) return { type: "float", text: floatText(Number(text)) };
  if (!/^[-+0-9]/.test(text)) return { type: "str", text };
  const time = timeText(text);
  if (time !== null) return { type: "time", text: time };
  const plain = text.replaceAll("_", "");
  const int = integer(plain);
  if (int !== null) return int >= MIN && int <= MAX ? { type: "int", text: int.toString() } : int > MAX && int < 2n ** 64n && !plain.startsWith("+") ? null : { type: "float", text: floatText(Number(plain)) };
  if (/^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(plain)) return { type: "float", text: floatText(Number(plain)) };
  return { type: "str", text };
}
/** As strconv.ParseInt with base 0: decimal, 0x, 0o, 0b, and a leading zero for octal. */
function integer(text: string): bigint | null {
  const m = /^([-+]?)(?:(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)|0([0-7]+)|(0|[1-9][0-9]*))$/.exec(text);
  if (!m) return null;
  const n = BigInt(m[2]?.toLowerCase() ?? (m[3] !== undefined ? `0o${m[3]}` : (m[4] as string)));
  return m[1] === "-" ? -n : n;
}
/** As strconv.FormatFloat(f, 'f', -1, 64): the shortest digits that read back, never an exponent. */
export function floatText(n: number): string {
  if (Number.isNaN(n)) return "NaN";
  if (!Number.isFinite(n)) return n > 0 ? "+Inf" : "-Inf";
  if (Object.is(n, -0)) return "-0";
  const m = /^(-?)(\d+)(?:\.(\d+))?e([-+]\d+)$/.exec(String(n));
  if (!m) return String(n);
  const [, sign = "", whole = "", fraction = "", exponent = ""] = m;
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return point >= digits.length ? `${sign}${digits}${"0".repeat(point - digits.length)}` : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}
const TIME = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:([Tt])(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,](\d{1,9}))?(Z|[-+]\d{2}:\d{2}))|(?: (\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,](\d{1,9}))?))?$/;
/** A timestamp in the forms that go-yaml takes, as Go's MarshalText spells it; null where it is none. */
export function timeText(text: string): string | null {
  const m = TIME.exec(text);
  if (!m) return null;
  const two = (s: string | undefined): string => (s ?? "0").padStart(2, "0");
  const [year, month, day] = [m[1] as string, two(m[2]), two(m[3])];
  const [hour, minute, second] = [two(m[5] ?? m[10]), two(m[6] ?? m[11]), two(m[7] ?? m[12])];
  const fraction = (m[8] ?? m[13] ?? "").replace(/0+$/, "");
  const zone = m[9] ?? "Z";
  const date = new Date(Date.UTC(2000, Number(month) - 1, Number(day)));
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day) || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  return `${year}-${month}-${day}T${hour}:${minute}:${second}${fraction ? `.${fraction}` : ""}${/^[-+]00:00$/.test(zone) ? "Z" : zone}`;
}
