import { OUTPUT_VALUE, SECRET, SIGNATURE, UNKNOWN, type Props, type Value } from "../lib/pulumi-value.ts";

export const isMap = (v: Value | undefined): v is Props => typeof v === "object" && v !== null && !Array.isArray(v);

function some(v: Value, test: (v: Value) => boolean): boolean {
  if (test(v)) return true;
  return Array.isArray(v) ? v.some((e) => some(e, test)) : isMap(v) && Object.values(v).some((e) => some(e, test));
}
export const hasSecret = (v: Value): boolean => some(v, (x) => isMap(x) && x[SIGNATURE] === SECRET);
export const hasUnknown = (v: Value): boolean => some(v, (x) => x === UNKNOWN || (isMap(x) && x[SIGNATURE] === OUTPUT_VALUE && x["value"] === undefined));

/** Without wrappers of secrets and outputs, deeply. */
export function plain(v: Value): Value {
  if (Array.isArray(v)) return v.map(plain);
  if (!isMap(v)) return v;
  if (v[SIGNATURE] === SECRET) return plain(v["value"] ?? null);
  if (v[SIGNATURE] === OUTPUT_VALUE) return v["value"] === undefined ? UNKNOWN : plain(v["value"]);
  return Object.fromEntries(Object.entries(v).map(([k, e]) => [k, plain(e)]));
}
/** Without wrappers, and without absent and internal keys. */
export const plainProps = (p: Props): Props => Object.fromEntries(Object.entries(p).filter(([k, v]) => !k.startsWith("__") && v !== null).map(([k, v]) => [k, plain(v)]));

export function equal(a: Value | undefined, b: Value | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((e, i) => equal(e, b[i]));
  if (!isMap(a) || !isMap(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((k) => equal(a[k], b[k]));
}

/** A property as text; empty where it is absent or no scalar. */
export const asText = (v: Value | undefined): string => (typeof v === "string" ? v : typeof v === "number" || typeof v === "boolean" ? String(v) : "");

/** What isn't there counts as empty: a resource's nested inputs and lists. */
export const map = (v: Value | undefined): Props => (isMap(v) ? v : {});
export const texts = (v: Value | undefined): string[] => (Array.isArray(v) ? v.map(String) : []);
export const asSet = (v: readonly string[]): string[] => [...new Set(v)].sort();

