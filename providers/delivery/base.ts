import type { DiffKind, DiffResult, Provider } from "../../lib/provider.ts";
import type { Props, Value } from "../../lib/pulumi-value.ts";

/** What every provider of ours answers alike; a resource fills in the rest. */
export const base: Pick<Provider, "checkConfig" | "diffConfig" | "configure" | "invoke" | "cancel" | "close"> = {
  checkConfig: (_urn, _olds, news) => Promise.resolve({ inputs: news, failures: [] }),
  diffConfig: () => Promise.resolve({ changes: "none", replaces: [], diffs: [], deleteBeforeReplace: false }),
  configure: () => Promise.resolve({ acceptSecrets: false, supportsPreview: true }),
  invoke: (token) => Promise.reject(new Error(`no function ${token}`)),
  cancel: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

/** Compares inputs property by property; `same` says when two values mean the same. */
export function diffProps(olds: Props, news: Props, keys: readonly string[], replaces: readonly string[], same: (key: string, a: Value | undefined, b: Value | undefined) => boolean, ignore: readonly string[]): DiffResult {
  const diffs = keys.filter((k) => !ignore.includes(k) && !same(k, olds[k], news[k]));
  const replacing = diffs.filter((k) => replaces.includes(k));
  const kind = (k: string): DiffKind => {
    const base = olds[k] === undefined ? "add" : news[k] === undefined ? "delete" : "update";
    return replacing.includes(k) ? `${base}-replace` : base;
  };
  return { changes: diffs.length ? "some" : "none", diffs, replaces: replacing, detailed: Object.fromEntries(diffs.map((k) => [k, { kind: kind(k), inputDiff: true }])), deleteBeforeReplace: false };
}
export const jsonSame = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b);
const canonical = (v: unknown): string => JSON.stringify(v, (_k, x: unknown) => (typeof x === "object" && x !== null && !Array.isArray(x) ? Object.fromEntries(Object.entries(x).sort(([a], [b]) => (a < b ? -1 : 1))) : x)) ?? "";
