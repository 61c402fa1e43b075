import { OUTPUT_VALUE, RESOURCE_REFERENCE, SECRET, SIGNATURE, UNKNOWN, type Props, type Value } from "../../lib/pulumi-value.ts";

const isMap = (v: Value | undefined): v is Props => typeof v === "object" && v !== null && !Array.isArray(v);
export const isSecret = (v: Value | undefined): v is { value: Value } & Props => isMap(v) && v[SIGNATURE] === SECRET;
const isOutput = (v: Value): v is Props => isMap(v) && v[SIGNATURE] === OUTPUT_VALUE;
export const secret = (value: Value): Value => (isSecret(value) ? value : { [SIGNATURE]: SECRET, value });

function some(v: Value, test: (v: Value) => boolean): boolean {
  if (test(v)) return true;
  if (Array.isArray(v)) return v.some((e) => some(e, test));
  return isMap(v) && Object.values(v).some((e) => some(e, test));
}
export const hasSecret = (v: Value) => some(v, isSecret);
export const hasUnknown = (v: Value) => some(v, (x) => x === UNKNOWN);

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
/** Resource references become the id where there is one, else the URN: what policies and providers without reference support take. */
export const lowerReferences = (v: Value): Value =>
  mapValue(v, (x) => (isMap(x) && x[SIGNATURE] === RESOURCE_REFERENCE ? ((typeof x["id"] === "string" && x["id"] !== "" ? x["id"] : x["urn"])) : undefined));
export const redact = (v: Value): Value => mapValue(v, (x) => (isSecret(x) ? "[secret]" : undefined));

/** Turns output values into secret/unknown values and collects the URNs they depend on. */
export function lowerOutputs(v: Value, deps: Set<string>): Value {
  return mapValue(v, (x) => {
    if (!isOutput(x)) return undefined;
    for (const urn of (x.dependencies as string[] | undefined) ?? []) deps.add(urn);
    const inner = x.value === undefined ? UNKNOWN : lowerOutputs(x.value, deps);
    return x.secret ? secret(inner) : inner;
  });
}

export function equal(a: Value | undefined, b: Value | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((e, i) => equal(e, b[i]));
  if (!isMap(a) || !isMap(b)) return false;
  const ka = Object.keys(a).filter((k) => a[k] !== undefined), kb = Object.keys(b).filter((k) => b[k] !== undefined);
  return ka.length === kb.length && ka.every((k) => equal(a[k], b[k]));
}
export const changedKeys = (olds: Props, news: Props): string[] =>
  [...new Set([...Object.keys(olds), ...Object.keys(news)])].filter((k) => !equal(olds[k], news[k])).sort();

/** Copies secretness of inputs onto equally named outputs, for providers that cannot take secrets. */
export function annotateSecrets(outs: Props, ins: Props): void {
  for (const [k, v] of Object.entries(ins)) {
    const out = outs[k];
    if (out === undefined || isSecret(out)) continue;
    if (isMap(out) && isMap(v) && !isSecret(v)) annotateSecrets(out, v);
    else if (hasSecret(v)) outs[k] = secret(out);
  }
}

// ---- property paths: a.b[0]["c.d"].* -------------------------------------------------------------------
export function parsePath(text: string): (string | number)[] {
  const out: (string | number)[] = [];
  const re = /\.?([^.[\]"]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\[(\*)\]/gy;
  for (let m: RegExpExecArray | null; re.lastIndex < text.length; ) {
    if (!(m = re.exec(text))) throw new Error(`invalid property path ${text}`);
    out.push(m[1] ?? (m[2] !== undefined ? Number(m[2]) : m[3] !== undefined ? JSON.parse(`"${m[3]}"`) : "*"));
  }
  return out;
}
export const pathContains = (outer: (string | number)[], inner: (string | number)[]) =>
  outer.length <= inner.length && outer.every((s, i) => s === "*" || s === inner[i]);

/** ignoreChanges: resets the value at each path in `news` to what it is in `olds`. */
export function resetPaths(news: Props, olds: Props, paths: string[]): Props {
  const result = structuredClone(news);
  const walk = (n: any, o: any, path: (string | number)[]): void => {
    if (isSecret(n)) { walk(n.value, isSecret(o) ? o.value : o, path); return; }
    if (isSecret(o)) o = o.value;
    if (n === null || typeof n !== "object" || o === null || typeof o !== "object") return;
    const [head, ...rest] = path;
    for (const key of head === "*" ? Object.keys(n as object) : [head!]) {
      if (rest.length) walk(n[key], o[key], rest);
      else if (key in o) n[key] = structuredClone(o[key]);
      else if (!Array.isArray(n)) delete n[key];
    }
  };
  for (const p of paths) walk(result, olds, parsePath(p));
  return result;
}
