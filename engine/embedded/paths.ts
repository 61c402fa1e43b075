import type { DiffKind, DiffResult } from "../../lib/provider.ts";
import type { Props, Value } from "../../lib/pulumi-value.ts";
import { equal, isMap, isSecret, secret } from "../values.ts";

// Property paths: `a.b[0]["c.d"].*`.

export type Path = readonly (string | number)[];

/** Null where the text is no path. */
export function parsePath(text: string): Path | null {
  const out: (string | number)[] = [];
  const part = /\.?([^.[\]"]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\[(\*)\]/gy;
  while (part.lastIndex < text.length) {
    const m = part.exec(text);
    if (!m) return null;
    out.push(m[1] ?? (m[2] !== undefined ? Number(m[2]) : m[3] !== undefined ? m[3].replace(/\\(.)/g, "$1") : "*"));
  }
  return out;
}
/** Whether `inner` is at or below `outer`; `*` stands for any one part. */
export const pathContains = (outer: Path, inner: Path): boolean => outer.length <= inner.length && outer.every((s, i) => s === "*" || s === inner[i]);

/** Whether one of the paths covers the key or path that a provider named. */
export function covers(paths: readonly string[], text: string): boolean {
  const inner = parsePath(text);
  return inner !== null && paths.some((p) => { const outer = parsePath(p); return outer !== null && pathContains(outer, inner); });
}

/** The leaves in which two values differ, by path: what a provider that can't tell is taken to mean. */
export function changedPaths(olds: Value, news: Value, at = ""): NonNullable<DiffResult["detailed"]> {
  const here = (kind: DiffKind, path = at): NonNullable<DiffResult["detailed"]> => ({ [path]: { kind, inputDiff: true } });
  const kindOf = (o: Value | undefined, n: Value | undefined): DiffKind => ((o ?? null) === null ? "add" : (n ?? null) === null ? "delete" : "update");
  const parts: [string, Value | undefined, Value | undefined][] = Array.isArray(olds) && Array.isArray(news)
    ? Array.from({ length: Math.max(olds.length, news.length) }, (_, i) => [`${at}[${String(i)}]`, olds[i], news[i]])
    : isMap(olds) && isMap(news) ? [...new Set([...Object.keys(olds), ...Object.keys(news)])].map((k) => [/^[A-Za-z_$][\w$]*$/.test(k) ? `${at}${at && "."}${k}` : `${at}["${k.replace(/["\\]/g, "\\$&")}"]`, olds[k], news[k]]) : [[at, olds, news]];
  return Object.assign({}, ...parts.filter(([, o, n]) => !equal(o, n)).map(([path, o, n]) => ((Array.isArray(o) && Array.isArray(n)) || (isMap(o) && isMap(n)) ? changedPaths(o, n, path) : here(kindOf(o, n), path)))) as NonNullable<DiffResult["detailed"]>;
}
/** Resets what is at each path in `news` to what it is in `olds` (ignoreChanges); `failed` are the paths of added or removed elements. */
export function resetPaths(news: Props, olds: Props, paths: readonly string[]): { readonly props: Props; readonly failed: readonly string[] } {
  if (paths.length === 0) return { props: news, failed: [] };
  const props = structuredClone(news);
  const failed = paths.filter((p) => { const path = parsePath(p); return path !== null && !reset(path, olds, props, false, false); });
  return { props, failed };
}
function reset(path: Path, old: Value | undefined, now: Value | undefined, oldSecret: boolean, newSecret: boolean): boolean {
  while (old !== undefined && isSecret(old)) { old = old.value; oldSecret = true; }
  while (now !== undefined && isSecret(now)) { now = now.value; newSecret = true; }
  const [key, ...rest] = path;
  if (key === undefined) return false;
  /** What's under `k`, or what's below it, as it was. */
  const from = <K extends string | number>(o: Record<K, Value>, n: Record<K, Value>, k: K): boolean => {
    if (rest.length) return reset(rest, o[k], n[k], oldSecret, newSecret);
    n[k] = structuredClone(oldSecret && !newSecret ? secret(o[k]) : o[k]);
    return true;
  };
  if (Array.isArray(old) || Array.isArray(now) || typeof key === "number") {
    if (key !== "*" && typeof key !== "number") return rest.length === 0 || (Array.isArray(old) && Array.isArray(now));
    if (!Array.isArray(old) || !Array.isArray(now)) return key === "*" ? rest.length === 0 && now !== undefined : !Array.isArray(old) && !Array.isArray(now);
    const [o, n] = [old, now];
    if (typeof key === "number") return key < o.length && key < n.length ? from(o, n, key) : rest.length === 0 && key >= o.length && key >= n.length;
    return o.slice(0, n.length).every((_, i) => from(o, n, i)) && o.length === n.length;
  }
  const o = isMap(old) ? old : undefined, n = isMap(now) ? now : undefined;
  if (key === "*") {
    if (!n || !o) return rest.length === 0 && n !== undefined;
    if (rest.length === 0) for (const k of Object.keys(n)) if (!(k in o)) Reflect.deleteProperty(n, k);
    return Object.keys(o).every((k) => (rest.length === 0 || k in n) && from(o, n, k));
  }
  if (rest.length === 0) {
    if (o && key in o) return n !== undefined && from(o, n, key);
    if (n) Reflect.deleteProperty(n, key);
    return true;
  }
  if (!o || !n) return !o && !n;
  if (!(key in n)) return !(key in o);
  return from(o, n, key);
}
