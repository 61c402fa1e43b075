import * as sdk from "@pulumi/policy";
import type { Policies, PolicyResource, ResourceValidationArgs, ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { isUnknown } from "./unknown.ts";

/** The SDK's own proxy (exported, without a type): reading an unknown property of the answer throws. */
const { unknownCheckingProxy } = sdk as unknown as { readonly unknownCheckingProxy: <T extends object>(props: T) => T };

/** A resource of a stack export, or of a sample. */
export interface GraphResource {
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly protect: boolean;
  readonly from: Readonly<Record<string, readonly string[]>>;
}
export interface GraphViolation {
  readonly policy: string;
  readonly level: "advisory" | "mandatory";
  readonly urn: string;
  readonly message: string;
}
const notApplicable = (): never => {
  throw new Error("not applicable");
};
/** Settings come with the policies themselves. */
const getConfig = (() => ({})) as ResourceValidationArgs["getConfig"];
const options = (protect: boolean): PolicyResource["opts"] => ({ protect, ignoreChanges: [], aliases: [], customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 }, additionalSecretOutputs: [] });

/** Runs policies over a graph that is at hand, as an engine does: each resource's inputs, then the stack's outputs. */
export async function judgeGraph(policies: Policies, graph: readonly GraphResource[]): Promise<GraphViolation[]> {
  const out: GraphViolation[] = [];
  const run = async (policy: { readonly name: string; readonly enforcementLevel?: string }, fallback: string, judge: (report: (m: string, urn?: string) => void) => Promise<void> | void): Promise<void> => {
    const level = policy.enforcementLevel === "advisory" ? "advisory" : "mandatory";
    try {
      await judge((message, urn) => { out.push({ policy: policy.name, level, urn: urn ?? fallback, message }); });
    } catch (e) {
      if (!isUnknown(e)) throw e;
      out.push({ policy: policy.name, level: "advisory", urn: fallback, message: e.message });
    }
  };
  const active = policies.filter((p) => p.enforcementLevel !== "disabled");
  const ofResources = active.filter((p): p is ResourceValidationPolicy => "validateResource" in p);
  const stackTags = new Map<string, string>();
  for (const r of graph) {
    const args = { type: r.type, name: r.name, urn: r.urn, props: unknownCheckingProxy(r.inputs), opts: options(r.protect), stackTags, isType: () => false, asType: () => undefined, getConfig, notApplicable };
    for (const p of ofResources) for (const validate of [p.validateResource].flat()) if (validate) await run(p, r.urn, (report) => validate(args, report));
  }
  const all = graph.map((r): PolicyResource => ({ type: r.type, name: r.name, urn: r.urn, props: unknownCheckingProxy({ ...r.inputs, ...r.outputs }), opts: options(r.protect), dependencies: [], propertyDependencies: {}, isType: () => false, asType: () => undefined }));
  const byUrn = new Map(all.map((r) => [r.urn, r]));
  graph.forEach((r, i) => {
    const own = all[i] as PolicyResource;
    for (const [k, from] of Object.entries(r.from)) own.propertyDependencies[k] = from.flatMap((u) => byUrn.get(u) ?? []);
  });
  const root = graph.find((r) => r.type === "pulumi:pulumi:Stack")?.urn ?? "";
  for (const p of active.filter((x): x is StackValidationPolicy => "validateStack" in x)) await run(p, root, (report) => p.validateStack({ resources: all, stackTags, getConfig, notApplicable }, report));
  return out;
}
