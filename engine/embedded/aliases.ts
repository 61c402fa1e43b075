import type { Context } from "./context.ts";
import type { Alias } from "../index.ts";
import type { Goal } from "./goal.ts";
import type { State } from "../state/deployment.ts";
import { isRoot, makeUrn, parseUrn } from "../urn.ts";

/** The old state of a registration: under its URN, else under the first alias that has one. Remembers which old URN became which. */
export function findOld(c: Context, urn: string, goal: Goal, isTaken: (urn: string) => boolean): { readonly old?: State; readonly alias?: string } {
  const claimed = c.renamed.get(urn);
  if (claimed !== undefined) throw new Error(`Duplicate resource URN '${urn}' conflicting with alias on resource with URN '${claimed}'`);
  const direct = c.olds.get(urn);
  if (direct) return { old: direct };
  const alias = aliasUrns(c, goal).find((a) => c.olds.has(a));
  if (alias === undefined || alias === urn) return {};
  const other = isTaken(alias) ? alias : c.renamed.get(alias);
  if (other !== undefined) throw new Error(`Duplicate resource alias '${alias}' applied to resource with URN '${urn}' conflicting with resource with URN '${other}'`);
  c.renamed.set(alias, urn);
  c.oldUrnOf.set(urn, alias);
  return { old: c.olds.get(alias) as State, alias };
}

/** What is renamed already, new URN → old, and where. */
export interface Renamed { readonly oldUrnOf: ReadonlyMap<string, string>; readonly settings: { readonly stack: string; readonly project: string } }
export type Named = Pick<Goal, "type" | "name" | "aliases"> & { readonly parent?: string | undefined };
/** Every URN that a resource's own aliases and its parent's renaming stand for. */
export function aliasUrns(c: Renamed, goal: Named): string[] {
  const own = goal.aliases.map((a) => collapse(c, goal, a)), before = goal.parent && c.oldUrnOf.get(goal.parent);
  if (!goal.parent || !before) return own;
  const now = parseUrn(goal.parent).name, was = parseUrn(before).name;
  // A child that is named after its parent was named after the parent's old name.
  const inherited = (type: string, name: string): string => makeUrn(c.settings.stack, c.settings.project, before, type, name.startsWith(now) ? was + name.slice(now.length) : name);
  return [...own, inherited(goal.type, goal.name), ...own.map((u) => inherited(parseUrn(u).type, parseUrn(u).name))];
}
function collapse(c: Renamed, goal: Named, a: Alias): string {
  if (a.urn) return a.urn;
  const parent = a.parent ? (c.oldUrnOf.get(a.parent) ?? a.parent) : goal.parent;
  const above = a.noParent === true || (parent !== undefined && isRoot(parent)) ? undefined : parent;
  return makeUrn(a.stack ?? c.settings.stack, a.project ?? c.settings.project, above, a.type ?? goal.type, a.name ?? goal.name);
}
