import { diffOf, type DiffResult } from "../../lib/provider.ts";
import type { Props } from "../../lib/pulumi-value.ts";
import type { Context } from "./context.ts";
import { UNKNOWN_CONFIG, type Handler } from "./host.ts";
import { changedPaths, covers, resetPaths } from "./paths.ts";
import { visible } from "./registry.ts";
import type { State } from "../state/deployment.ts";
import { parseRef } from "../urn.ts";
import { changedKeys, plainProps } from "../values.ts";

/** The provider's own diff; where it can't tell, inputs are compared with secrets unwrapped. */
export async function diffResource(c: Context, host: Handler, urn: string, old: State, inputs: Props, ignoreChanges: readonly string[]): Promise<DiffResult> {
  if (!host.known) {
    c.say("warning", UNKNOWN_CONFIG, urn);
    return diffOf("some");
  }
  const d = await host.diff(urn, old, inputs, ignoreChanges);
  if (d.changes !== "unknown") return d;
  const before = plainProps(old.inputs), now = plainProps(resetPaths(inputs, old.inputs, ignoreChanges).props), diffs = changedKeys(before, now);
  return { ...d, changes: diffs.length ? "some" : "none", ...(diffs.length && { diffs, detailed: changedPaths(before, now) }) };
}
/** What `replaceOnChanges` names becomes a reason to replace; it can't where the provider names neither changed keys nor paths. */
export function applyReplaceOnChanges(d: DiffResult, paths: readonly string[], hasInitErrors: boolean): DiffResult {
  if (paths.length === 0 || (d.changes !== "some" && !hasInitErrors)) return d;
  const detailed = d.detailed && Object.fromEntries(Object.entries(d.detailed).map(([k, v]) => [k, covers(paths, k) && !v.kind.endsWith("-replace") ? { ...v, kind: `${v.kind}-replace` as typeof v.kind } : v]));
  const initError = hasInitErrors && covers(paths, "#initerror");
  const replaces = [...new Set([...d.replaces, ...d.diffs.filter((k) => covers(paths, k)), ...(initError ? ["#initerror"] : [])])];
  return { ...d, replaces, ...(detailed && { detailed: { ...detailed, ...(initError && { "#initerror": { kind: "update-replace", inputDiff: false } }) } }), ...(initError && { changes: "some" }) };
}
export const replaces = (d: DiffResult): boolean => d.replaces.length > 0 || Object.values(d.detailed ?? {}).some((v) => v.kind.endsWith("-replace"));
/** A resource whose provider changed is replaced only if the new provider says that its configuration asks for it. */
export async function providerForcesReplace(c: Context, old: State, s: State): Promise<boolean> {
  if (!old.provider || !s.provider) return true;
  const before = parseRef(old.provider).urn, now = parseRef(s.provider).urn;
  if (c.renamed.get(before) === now) return false;
  const oldRes = c.olds.get(before), newRes = c.providers.get(now) ?? c.olds.get(now);
  if (!oldRes || !newRes) return true;
  const d = await (await c.host(s.provider, s.urn)).diffConfig(now, visible(oldRes.inputs), oldRes.outputs, visible(newRes.inputs));
  return replaces(d);
}
