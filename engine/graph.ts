import type { Provider } from "../lib/provider.ts";
import { SIGNATURE, UNKNOWN, type Props, type Value } from "../lib/pulumi-value.ts";
import { sha256 } from "../lib/sha256.ts";
import { aliasUrns } from "./embedded/aliases.ts";
import { isProviderType, parseUrn } from "./urn.ts";
import { isMap, isSecret } from "./values.ts";
import type { Alias, ExportedDeployment, Step, StepState } from "./index.ts";

// What a pull request changes is the difference of two resource graphs. A graph is what a program declares: no ids, no outputs, no state.

/** A declared resource, in the order in which the program declares it (what it depends on comes first). */
export interface GraphResource {
  readonly urn: string;
  readonly type: string;
  readonly custom: boolean;
  readonly parent?: string | undefined;
  readonly protect?: boolean | undefined;
  readonly inputs: Props;
  /** Names that it had before, as the program says. */
  readonly formerly?: readonly Alias[] | undefined;
  readonly propertyDependencies?: Readonly<Record<string, readonly string[]>> | undefined;
}
export type Graph = readonly GraphResource[];

/** The graph that a preview against nothing declared. */
export const graphOf = (steps: readonly Step[]): Graph =>
  steps.flatMap(({ new: s }) => (s ? [{ urn: s.urn, type: s.type, custom: s.custom, inputs: visible(s.inputs), ...(s.parent !== undefined && { parent: s.parent }), ...(s.protect === true && { protect: true }), ...(s.formerly?.length && { formerly: s.formerly }), ...(s.propertyDependencies && { propertyDependencies: s.propertyDependencies }) }] : []));

/** The graph of what is deployed, from `pulumi stack export` or a file backend's checkpoint. Null where the document is neither. */
export function graphOfDeployment(document: unknown): Graph | null {
  const d = deploymentIn(document);
  if (!d) return null;
  const rows = d.deployment["resources"] ?? [];
  if (!Array.isArray(rows)) return null;
  const graph: GraphResource[] = [];
  for (const r of rows as unknown[]) {
    if (!isMap(r as Value) || typeof (r as Props)["urn"] !== "string" || typeof (r as Props)["type"] !== "string") return null;
    const row = r as Props & { urn: string; type: string };
    if (row["delete"] === true) continue;
    const inputs = isMap(row["inputs"]) ? row["inputs"] : {};
    graph.push({ urn: row.urn, type: row.type, custom: row["custom"] === true, inputs: withoutDefaults(inputs), ...(typeof row["parent"] === "string" && { parent: row["parent"] }), ...(row["protect"] === true && { protect: true }) });
  }
  return graph;
}
/** `{ version, deployment }` of an export, also out of the file backend's wrapper `{ version, checkpoint: { latest } }`. Null where it is neither. */
export function deploymentIn(document: unknown): ExportedDeployment | null {
  const top = document as { version?: unknown; deployment?: unknown; checkpoint?: { latest?: unknown } } | null;
  if (typeof top !== "object" || top === null || typeof top.version !== "number") return null;
  const deployment = top.deployment ?? top.checkpoint?.latest;
  // A stack that was made and never deployed has no `latest`.
  if (deployment === undefined && top.checkpoint !== undefined) return { version: top.version, deployment: {} };
  return isMap(deployment as Value) ? { version: top.version, deployment: deployment as Props } : null;
}
const visible = (p: Props): Props => Object.fromEntries(Object.entries(p).filter(([k, v]) => k !== "__internal" && (v as Value | undefined) !== undefined));
/** What a bridged provider filled in itself, and says so in `__defaults`, no program declared. */
function withoutDefaults(p: Props): Props {
  const filled = Array.isArray(p["__defaults"]) ? p["__defaults"].map(String) : [];
  return Object.fromEntries(Object.entries(p).filter(([k]) => k !== "__defaults" && k !== "__internal" && !filled.includes(k)).map(([k, v]) => [k, nested(v)]));
}
const nested = (v: Value): Value => (Array.isArray(v) ? v.map(nested) : isMap(v) && !(SIGNATURE in v) ? withoutDefaults(v) : v);

/** Deeply equal, whatever the order of keys. */
export const sameValue = (a: Value | undefined, b: Value | undefined): boolean => canonical(a) === canonical(b);
/** JSON with sorted keys. */
export function canonical(v: Value | undefined): string {
  if (Array.isArray(v)) return `[${v.map(canonical).join(",")}]`;
  if (isMap(v)) return `{${Object.keys(v).filter((k) => (v[k]) !== undefined).sort().map((k) => `${JSON.stringify(k)}:${canonical(v[k])}`).join(",")}}`;
  return JSON.stringify(v ?? null);
}
export const digestOf = (v: unknown): string => sha256(canonical(v as Value));

/**
 * The steps that lead from one graph to the other: create, update, replace, same in the new program's order, then deletes in reverse.
 * `differ` gives the provider of a package: its Diff tells which change replaces. A value that only the deployment knows counts as unchanged
 * unless what it comes from is created or replaced; secrets, whose values nobody here can read, count as unchanged.
 */
export async function diffGraphs(old: Graph, now: Graph, differ: (pkg: string) => Provider): Promise<Step[]> {
  const olds = new Map(old.map((r) => [r.urn, r]));
  const fresh = new Set<string>();
  const steps: Step[] = [];
  const oldUrnOf = new Map<string, string>();
  const declared = new Set(now.map((r) => r.urn));
  const taken = new Set<string>();
  /** What it was: under its own URN, else under one that it, or its parent, had before. */
  const formerly = (r: GraphResource): GraphResource | undefined => {
    const { stack, project, name } = parseUrn(r.urn);
    const alias = aliasUrns({ oldUrnOf, settings: { stack, project } }, { type: r.type, name, parent: r.parent, aliases: r.formerly ?? [] }).find((u) => olds.has(u) && !declared.has(u) && !taken.has(u));
    if (alias === undefined) return undefined;
    oldUrnOf.set(r.urn, alias);
    taken.add(alias);
    return olds.get(alias);
  };
  for (const r of now) {
    const before = olds.get(r.urn) ?? formerly(r);
    if (!before) {
      fresh.add(r.urn);
      steps.push({ op: "create", urn: r.urn, new: stateOf(r) });
      continue;
    }
    const changed = await changesOf(before, r, fresh, differ);
    const op = changed.keys.length ? "replace" : changed.diffs.length ? "update" : "same";
    if (op === "replace") fresh.add(r.urn);
    steps.push({ op, urn: r.urn, old: stateOf(before), new: stateOf({ ...r, inputs: changed.inputs }), ...(op !== "same" && { diffs: changed.diffs }), ...(op === "replace" && { keys: changed.keys }) });
  }
  for (const r of [...old].reverse()) if (!declared.has(r.urn) && !taken.has(r.urn)) steps.push({ op: "delete", urn: r.urn, old: stateOf(r) });
  return steps;
}

async function changesOf(before: GraphResource, r: GraphResource, fresh: ReadonlySet<string>, differ: (pkg: string) => Provider): Promise<{ inputs: Props; diffs: readonly string[]; keys: readonly string[] }> {
  if (before === r) return { inputs: r.inputs, diffs: [], keys: [] };
  const renewed = (k: string): boolean => (r.propertyDependencies?.[k] ?? []).some((u) => fresh.has(u));
  const inputs = Object.fromEntries(Object.entries(r.inputs).map(([k, v]) => [k, renewed(k) ? v : settle(before.inputs[k], v)]));
  const forced = Object.keys(inputs).filter((k) => renewed(k) && hasUnknown(inputs[k]));
  if (!r.custom || isProviderType(r.type)) return { inputs, diffs: [...new Set([...changedKeys(before.inputs, inputs), ...forced])], keys: [] };
  const d = await differ(r.type.split(":")[0] ?? "").diff(r.urn, "", before.inputs, before.inputs, inputs, []);
  return { inputs, diffs: [...new Set([...d.diffs, ...forced])].sort(), keys: d.replaces };
}
const changedKeys = (a: Props, b: Props): string[] => [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((k) => !sameValue(a[k], b[k])).sort();
/** The new value with what only the old side knows (an output of another resource, a secret's ciphertext) taken from there. */
function settle(old: Value | undefined, now: Value): Value {
  if (old === undefined) return now;
  if (now === UNKNOWN || (isSecret(now) && isSecret(old))) return old;
  if (Array.isArray(now) && Array.isArray(old)) return now.map((v, i) => settle(old[i], v));
  if (isMap(now) && isMap(old)) return Object.fromEntries(Object.entries(now).map(([k, v]) => [k, settle(old[k], v)]));
  return now;
}
const hasUnknown = (v: Value | undefined): boolean => v === UNKNOWN || (Array.isArray(v) ? v.some(hasUnknown) : isMap(v) && Object.values(v).some(hasUnknown));
const stateOf = (r: GraphResource): StepState => ({ urn: r.urn, type: r.type, custom: r.custom, inputs: r.inputs, outputs: {}, ...(r.parent !== undefined && { parent: r.parent }), ...(r.protect === true && { protect: true }) });
