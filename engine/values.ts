import { ARCHIVE, ASSET, OUTPUT_VALUE, RESOURCE_REFERENCE, SECRET, SIGNATURE, UNKNOWN, type Props, type Value } from "../lib/pulumi-value.ts";

export const isMap = (v: Value | undefined): v is Props => typeof v === "object" && v !== null && !Array.isArray(v);
export const isSecret = (v: Value | undefined): v is { value: Value } & Props => isMap(v) && v[SIGNATURE] === SECRET;
const isOutput = (v: Value): v is Props & { value?: Value; dependencies?: Value; secret?: Value } => isMap(v) && v[SIGNATURE] === OUTPUT_VALUE;
export const secret = (value: Value): Value => (isSecret(value) ? value : { [SIGNATURE]: SECRET, value });

function some(v: Value, test: (v: Value) => boolean): boolean {
  if (test(v)) return true;
  if (Array.isArray(v)) return v.some((e) => some(e, test));
  return isMap(v) && Object.values(v).some((e) => some(e, test));
}
export const hasSecret = (v: Value): boolean => some(v, isSecret);
export const hasUnknown = (v: Value): boolean => some(v, (x) => x === UNKNOWN);

export function mapValue(v: Value, f: (v: Value) => Value | undefined): Value {
  const direct = f(v);
  if (direct !== undefined) return direct;
  if (Array.isArray(v)) return v.map((e) => mapValue(e, f));
  if (isMap(v)) return Object.fromEntries(Object.entries(v).map(([k, e]) => [k, mapValue(e, f)]));
  return v;
}
/** Deeply removes secret and output wrappers: what a comparison or a provider without secret support sees. */
export const plain = (v: Value): Value =>
  mapValue(v, (x) => (isSecret(x) ? plain(x.value) : isOutput(x) ? plain(x.value ?? UNKNOWN) : undefined));
export const plainProps = (p: Props): Props => plain(p) as Props;
/** Resource references become the id of a custom resource (unknown while it's being created), the URN of a component: what policies and providers without references take. */
export const lowerReferences = (v: Value): Value =>
  mapValue(v, (x) => (isMap(x) && x[SIGNATURE] === RESOURCE_REFERENCE ? (typeof x["id"] === "string" ? (x["id"] === "" ? UNKNOWN : x["id"]) : (x["urn"] ?? null)) : undefined));
export const redact = (v: Value): Value => mapValue(v, (x) => (isSecret(x) ? "[secret]" : undefined));

/** Turns output values into secret/unknown values and collects the URNs they depend on. */
export function lowerOutputs(v: Value, deps: Set<string>): Value {
  return mapValue(v, (x) => {
    if (isMap(x) && x[SIGNATURE] === RESOURCE_REFERENCE) return { packageVersion: "", ...x };
    if (!isOutput(x)) return undefined;
    for (const urn of (x.dependencies ?? []) as string[]) deps.add(urn);
    const inner = x.value === undefined ? UNKNOWN : lowerOutputs(x.value, deps);
    return x.secret ? secret(inner) : inner;
  });
}

/** Deep equality as Pulumi has it: an absent key and a null one are the same; a secret equals only a secret. */
export function equal(a: Value | undefined, b: Value | undefined): boolean {
  const x = a ?? null, y = b ?? null;
  if (x === y) return true;
  if (Array.isArray(x) && Array.isArray(y)) return x.length === y.length && x.every((e, i) => equal(e, y[i]));
  if (!isMap(x) || !isMap(y)) return false;
  return Object.keys(x).every((k) => equal(x[k], y[k])) && Object.keys(y).every((k) => k in x || y[k] === null);
}
/** Top-level keys whose values differ. */
export const changedKeys = (olds: Props, news: Props): string[] =>
  [...new Set([...Object.keys(olds), ...Object.keys(news)])].filter((k) => !equal(olds[k], news[k])).sort();

/** Copies secretness of inputs onto equally named outputs, for providers that can't take secrets. */
export function annotateSecrets(outs: Props, ins: Props): void {
  for (const [k, v] of Object.entries(ins)) {
    const out = outs[k];
    if (out === undefined || isSecret(out)) continue;
    if (isMap(out) && isMap(v) && !(SIGNATURE in v)) {
      const inner = { ...out };
      annotateSecrets(inner, v);
      outs[k] = inner;
    } else if (hasSecret(v)) outs[k] = secret(out);
  }
}
/** The name of something that this engine doesn't handle, if the value holds one. */
export function unsupported(v: Value): string | null {
  let found: string | null = null;
  some(v, (x) => {
    if (isMap(x) && x[SIGNATURE] === ASSET) found ??= "assets";
    if (isMap(x) && x[SIGNATURE] === ARCHIVE) found ??= "archives";
    return found !== null;
  });
  return found;
}
