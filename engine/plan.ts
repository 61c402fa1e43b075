import { SECRET, SIGNATURE, UNKNOWN, type Props, type Value } from "../lib/pulumi-value.ts";
import { canonical, digestOf, type Graph } from "./graph.ts";
import type { Step } from "./index.ts";

// What was reviewed, in a form that says no value: digests of what each resource is to be, the issue ids, the verdicts of the policies, the
// toolchain. Neither a commit nor a state is in it: after a rebase that leaves all of it equal, the plan is the same plan.

/** URN → property → digest; "" stands for the resource itself (its type, parent and protection). */
export type ResourceDigests = Readonly<Record<string, Readonly<Record<string, string>>>>;
export interface PlanEnvironment {
  readonly name: string;
  readonly tier: string;
  readonly resources: ResourceDigests;
  /** Path of each sealed credential → its issue id. */
  readonly issues: Readonly<Record<string, string>>;
  readonly policies: readonly { readonly policy: string; readonly level: string; readonly urn: string }[];
  /** URN → what the reviewed difference does to it; what stays the same isn't there. */
  readonly changes: Readonly<Record<string, string>>;
  /** A payment credential is added, changed or removed, or a resource of the payments' stack changes. */
  readonly payments: boolean;
}
export interface Plan {
  readonly version: 1;
  /** Of what is to be: environments without their changes, and the toolchain. */
  readonly digest: string;
  /** Of `digest` and of what is done to get there: what people approve. */
  readonly approval: string;
  readonly toolchain: Readonly<Record<string, string>>;
  /** The access matrix or people.yaml differs from the base's. */
  readonly access: boolean;
  readonly environments: readonly PlanEnvironment[];
}

/** The digest of a property that only the deployment will know, or that a state holds sealed. */
export const NOT_KNOWN_YET = "unknown";
const isUnknown = (v: Value): boolean => v === UNKNOWN || (typeof v === "object" && v !== null && !Array.isArray(v) && v[SIGNATURE] === SECRET && typeof v["ciphertext"] === "string");
const hasUnknown = (v: Value): boolean => isUnknown(v) || (Array.isArray(v) ? v.some(hasUnknown) : typeof v === "object" && v !== null && Object.values(v).some(hasUnknown));
const short = (v: unknown): string => digestOf(v).slice(0, 20);
const byProperty = (inputs: Props): Record<string, string> => Object.fromEntries(Object.keys(inputs).sort().map((k) => [k, hasUnknown(inputs[k] as Value) ? NOT_KNOWN_YET : short(inputs[k])]));

export const digestsOf = (graph: Graph): ResourceDigests =>
  Object.fromEntries([...graph].sort((a, b) => (a.urn < b.urn ? -1 : 1)).map((r) => [r.urn, { "": short([r.type, r.parent ?? null, r.protect === true]), ...byProperty(r.inputs) }]));
/** Whether a step changes anything: reading what another stack left doesn't. */
export const isChange = (s: Step): boolean => s.op !== "same" && s.op !== "read" && !s.urn.includes("::pulumi:providers:");
/** URN → op of every step that changes something; halves of replacements count as the replacement. */
export const changesOf = (steps: readonly Step[]): Record<string, string> =>
  Object.fromEntries(steps.filter(isChange).map((s): [string, string] => [s.urn, s.op === "create-replacement" || s.op === "delete-replaced" ? "replace" : s.op]).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Makes the plan of environments that were previewed. */
export function planOf(environments: readonly PlanEnvironment[], toolchain: Readonly<Record<string, string>>, access: boolean): Plan {
  const sorted = [...environments].sort((a, b) => (a.name < b.name ? -1 : 1));
  const digest = digestOf({ toolchain, environments: sorted.map(({ name, tier, resources, issues, policies }) => ({ name, tier, resources, issues, policies })) });
  const approval = digestOf({ digest, access, environments: sorted.map(({ name, changes, payments }) => ({ name, changes, payments })) });
  return { version: 1, digest, approval, toolchain, access, environments: sorted };
}
/** A plan out of its file's JSON. Null where it is none, or where its digests aren't those of what it says. */
export function readPlan(document: unknown): Plan | null {
  try {
    const p = document as Plan;
    const again = planOf(p.environments, p.toolchain, p.access);
    return (p.version as number) === 1 && canonical(again as unknown as Value) === canonical(p as unknown as Value) ? p : null;
  } catch {
    return null;
  }
}

/** In words, what is otherwise than approved: resources, properties, credentials, verdicts, tools. */
export function planDifferences(approved: PlanEnvironment, now: PlanEnvironment, tools: { readonly approved: Plan["toolchain"]; readonly now: Plan["toolchain"] }): string[] {
  const keys = (a: object, b: object): string[] => [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
  const out: string[] = keys(tools.approved, tools.now).filter((k) => tools.approved[k] !== tools.now[k]).map((k) => `${k} was ${tools.approved[k] ?? "absent"} and is ${tools.now[k] ?? "absent"}`);
  for (const urn of keys(approved.resources, now.resources)) {
    const [a, b] = [approved.resources[urn], now.resources[urn]];
    if (!a) out.push(`${urn} was not part of the plan`);
    else if (!b) out.push(`${urn} is gone`);
    else {
      const differ = keys(a, b).filter((k) => a[k] !== b[k]);
      if (differ.length) out.push(`${urn} differs in ${differ.map((k) => (k === "" ? "its parent or protection" : k)).join(", ")}`);
    }
  }
  for (const path of keys(approved.issues, now.issues)) if (approved.issues[path] !== now.issues[path]) out.push(`${path} is ${now.issues[path] === undefined ? "gone" : approved.issues[path] === undefined ? "new" : "another issue"}`);
  const verdicts = (e: PlanEnvironment): Set<string> => new Set(e.policies.map((v) => `${v.policy} (${v.level}) on ${v.urn}`));
  const [a, b] = [verdicts(approved), verdicts(now)];
  return [...out, ...[...b].filter((v) => !a.has(v)).map((v) => `newly violated: ${v}`), ...[...a].filter((v) => !b.has(v)).map((v) => `no longer violated: ${v}`)];
}
