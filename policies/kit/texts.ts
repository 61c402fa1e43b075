import { known, type UnknownValueError } from "./unknown.ts";

/** Something written in a resource's properties: a text, a map's key, or what a preview can't know. */
export type Written = { readonly path: string } & ({ readonly text: string } | { readonly key: string } | { readonly unknown: UnknownValueError });

const walked = new WeakMap<object, readonly Written[]>();
/** Everything written in these properties, in order; read once, however many rules ask. */
export function writtenIn(props: object): readonly Written[] {
  const before = walked.get(props);
  if (before) return before;
  const all: Written[] = [];
  const read = (path: string, get: () => unknown): void => { known(() => { walk(get(), path); }, (unknown) => { all.push({ path, unknown }); }); };
  const walk = (v: unknown, path: string): void => {
    if (typeof v === "string") all.push({ path, text: v });
    else if (Array.isArray(v)) for (let i = 0; i < v.length; i++) read(`${path}[${String(i)}]`, () => (v as unknown[])[i]);
    else if (typeof v === "object" && v !== null) for (const k of Object.keys(v)) {
      all.push({ path, key: k });
      read(path ? `${path}.${k}` : k, () => (v as Record<string, unknown>)[k]);
    }
  };
  walk(props, "");
  walked.set(props, all);
  return all;
}
