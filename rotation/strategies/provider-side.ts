import { mailNames } from "../../schemas/integrations/mail-names.ts";
import type { ApiRotation } from "../../schemas/rotation.ts";
import type { Calls, Listed } from "../calls.ts";
import { at, fill, type Variables } from "../template.ts";

// What every interpreter of a strategy's data needs of the provider before it makes or ends anything.

export const text = (v: unknown): string => (typeof v === "string" ? v : typeof v === "number" ? String(v) : "");

/** The names under which settings go in a strategy: as they are, as they were, and what is derived from them. */
export function oldNames(s: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const old = Object.fromEntries(Object.entries(s).map(([k, v]) => [`old${k[0]?.toUpperCase() ?? ""}${k.slice(1)}`, v]));
  return { ...s, ...old, ...mailNames(s) };
}
/** Runs a strategy's preparing calls and its list. */
export async function lookAround(spec: ApiRotation, c: Calls, vars: Variables): Promise<{ readonly taken: Record<string, unknown>; readonly listed: Listed[] | null }> {
  const taken: Record<string, unknown> = {};
  for (const step of spec.prepare ?? []) {
    const { json } = await c.run(step, { ...vars, ...taken });
    for (const [name, path] of Object.entries(step.take ?? {})) taken[name] = at(json, path);
    for (const [name, f] of Object.entries(step.find ?? {})) {
      const list = at(json, f.in);
      taken[name] = Array.isArray(list) ? at(list.find((x) => at(x, f.where) === fill(f.is, { ...vars, ...taken })), f.take) : undefined;
    }
  }
  return { taken, listed: spec.list ? await c.list(spec.list, { ...vars, ...taken }) : null };
}
/** What an interrupted run made: by its name, or because it wasn't there before; nothing where neither tells. */
export const orphansOf = (listed: readonly Listed[], marker: string, before: readonly string[] | null): Listed[] =>
  listed.filter((l) => (l.name !== null ? l.name.startsWith(marker) : before !== null && !before.includes(l.id)));
