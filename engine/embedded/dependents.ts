import { UNKNOWN, type Props } from "../../lib/pulumi-value.ts";
import { dependenciesOf, referencesOf, type Context } from "./context.ts";
import { applyReplaceOnChanges, diffResource, replaces } from "./diff.ts";
import type { State } from "../state/deployment.ts";
import { parseRef } from "../urn.ts";

export interface Dependent { readonly state: State; readonly keys: readonly string[] }

/**
 * What must go before `root` can be deleted and made anew, dependencies first: dependents whose own provider says that an unknown in place of what comes from the
 * doomed ones would replace them, users of a doomed provider, and what is deleted or replaced with it.
 */
export async function dependentsToReplace(c: Context, root: State, urn: string): Promise<Dependent[]> {
  const doomed = new Set([root.urn]), reached = new Set([root.urn]), out: Dependent[] = [];
  for (const r of c.previous.slice(c.previous.indexOf(root) + 1)) {
    // What has been registered already can't depend on the root any more.
    if (c.hasStep(r.urn)) continue;
    const needs = [...dependenciesOf(r), ...(r.provider ? [parseRef(r.provider).urn] : [])];
    if (!needs.some((u) => reached.has(u))) continue;
    reached.add(r.urn);
    const keys = await replacedBy(c, r, doomed);
    if (keys === null) continue;
    doomed.add(r.urn);
    out.push({ state: r, keys });
  }
  for (const r of c.previous)
    if (!r.delete && !out.some((d) => d.state === r) && !c.news.has(r.urn) && (r.deletedWith === urn || r.replaceWith?.includes(urn))) out.push({ state: r, keys: [] });
  return out;
}
/** The keys that would replace it; null where it would stay. */
async function replacedBy(c: Context, r: State, doomed: ReadonlySet<string>): Promise<readonly string[] | null> {
  if (!r.custom || r.external) return null;
  if ((r.provider && doomed.has(parseRef(r.provider).urn)) || (r.deletedWith && doomed.has(r.deletedWith))) return [];
  const touched = Object.keys(r.inputs).filter((k) => r.propertyDependencies?.[k]?.some((u) => doomed.has(u)));
  if (!touched.length) return null;
  const news: Props = { ...r.inputs, ...Object.fromEntries(touched.map((k) => [k, UNKNOWN])) };
  const d = applyReplaceOnChanges(await diffResource(c, await c.handler(r), r.urn, r, news, r.ignoreChanges ?? []), r.replaceOnChanges ?? [], false);
  return replaces(d) ? d.replaces : null;
}

/** Deletions in groups: what a group holds can go at once, after everything in the groups before it. */
export function deletionOrder(previous: readonly State[], doomed: readonly State[]): State[][] {
  const at = new Map(previous.map((r, i) => [r, i])), left = new Set(doomed), groups: State[][] = [];
  const dependencies = new Map(doomed.map((r) => {
    const refs = new Set(referencesOf(r));
    return [r, doomed.filter((d) => d !== r && refs.has(d.urn) && (at.get(d) ?? 0) < (at.get(r) ?? 0))] as const;
  }));
  while (left.size) {
    const group = [...left].filter((r) => !dependencies.get(r)?.some((d) => left.has(d)));
    if (group.length === 0) break; // a checkpoint with a circle: verified against when it was read
    for (const r of group) left.delete(r);
    groups.unshift(group);
  }
  return groups;
}
