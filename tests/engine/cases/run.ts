import { Deployment } from "../../../engine/embedded/deployment.ts";
import { runInProcess } from "../../../engine/embedded/inline.ts";
import { readDeployment, snapshotRows, type Operation, type State } from "../../../engine/state/deployment.ts";
import type { PlannedStep } from "../../../engine/embedded/step.ts";
import { SECRET, SIGNATURE } from "../../../lib/pulumi-value.ts";
import { PolicyPack } from "../../../engine/embedded/policy.ts";
import { analyzerOf } from "../../../engine/embedded/sdk-hooks.ts";
import { policies } from "./policies.ts";
import { declare, type ProgramData } from "./program.ts";
import { worldProvider, type World } from "./world.ts";

type Row = Readonly<Record<string, unknown>>;
/** One update of one stack from a given state, and what it leads to: steps by operation, URN and what changed; resources with secrets shown; what the provider was asked. */
export interface Case {
  readonly op: "preview" | "up" | "refresh" | "destroy";
  readonly program: ProgramData;
  readonly config: Readonly<Record<string, string>>; readonly secretKeys: readonly string[];
  readonly targets: readonly string[]; readonly targetDependents: boolean; readonly refresh: boolean;
  readonly world: Omit<World, "calls">;
  readonly previous: readonly Row[];
  /** Whether the pack of policies.ts judges. */
  readonly policies?: boolean;
}
export interface Ended { readonly ok: boolean; readonly steps: readonly string[]; readonly rows: readonly Row[]; readonly calls: readonly string[]; readonly violations?: readonly string[] }

/** The other stack that programs refer to. */
export const OTHER = { plain: "p", deep: { a: [1, 2] }, hidden: { [SIGNATURE]: SECRET, value: "hush" } };
const short = (urn: string): string => urn.split("::").slice(2).join("::");
/** Default providers aren't shown. */
export const isShown = (urn: string): boolean => !/::pulumi:providers:[^:]+::default(_|$)/.test(urn);
/** `update fz:index:Res::a keys:rep diffs:rep,v detailed:rep=update-replace,v=add` */
export function line(m: { readonly op: string; readonly urn: string; readonly keys?: readonly string[] | null; readonly diffs?: readonly string[] | null; readonly detailed?: Readonly<Record<string, string>> }): string {
  const d = Object.entries(m.detailed ?? {}).map(([k, v]) => `${k}=${v}`).sort();
  return [m.op, short(m.urn), ...(m.keys?.length ? [`keys:${[...m.keys].sort().join(",")}`] : []), ...(m.diffs?.length ? [`diffs:${[...m.diffs].sort().join(",")}`] : []), ...(d.length ? [`detailed:${d.join(",")}`] : [])].join(" ");
}
function linesOf(s: PlannedStep, alone: boolean, preview: boolean): string[] {
  const custom = (s.new ?? s.old)?.custom === true, r = s.refreshed;
  const kinds = (d: PlannedStep["detailed"]): Record<string, string> => Object.fromEntries(Object.entries(custom ? (d ?? {}) : {}).map(([k, v]) => [k, v.kind]));
  return [
    line({ op: s.op, urn: s.urn, keys: s.keys ?? [], diffs: custom ? (s.diffs ?? []) : [], detailed: kinds(s.detailed) }),
    ...(s.ok !== false && r ? [`refreshed ${line({ op: alone ? r.op : "refresh", urn: s.urn, diffs: r.diff?.diffs ?? [], keys: r.diff?.replaces ?? [], detailed: kinds(r.diff?.detailed) })}`] : []),
    ...(s.ok === false && !preview ? [`failed ${s.op} ${short(s.urn)}`] : []),
  ];
}

/** Runs the case on the embedded engine. */
export async function runCase(c: Case): Promise<Ended & { readonly errors: readonly string[]; readonly operations: readonly Operation[] }> {
  const world: World = { ...structuredClone(c.world), calls: [] }, preview = c.op === "preview";
  const { resources } = readDeployment({ manifest: { time: "", magic: "", version: "" }, resources: structuredClone(c.previous) as Record<string, unknown>[] }, { encrypt: (t) => t, decrypt: (t) => t });
  let saved: { resources: readonly State[]; operations: readonly Operation[] } = { resources: structuredClone(resources), operations: [] };
  const d = new Deployment({
    project: "cases", stack: "dev", preview, config: c.config, secretKeys: c.secretKeys, parallel: 1, targets: c.targets, targetDependents: c.targetDependents, packs: c.policies && (c.op === "up" || preview) ? [new PolicyPack("cases", "0.0.1", analyzerOf("cases", "0.0.1", policies))] : [], callTimeoutMs: 20_000, previous: resources,
    load: (pkg) => worldProvider(() => world, pkg), sink: (r, operations) => { saved = structuredClone({ resources: [...r], operations: [...operations] }); return Promise.resolve(); },
    stackOutputs: (name) => Promise.resolve(name === "organization/cases/other" ? OTHER : null),
  });
  if (c.refresh || c.op === "refresh") await d.refresh();
  if (c.op === "refresh") await d.context.registry.close();
  else await d.finish(c.op === "destroy" || await runInProcess(d, () => declare(c.program), { timeoutMs: 30_000 }));
  const ctx = d.context;
  return {
    ok: !ctx.failed, steps: ctx.steps.filter((s) => isShown(s.urn)).flatMap((s) => linesOf(s, c.op === "refresh", preview)), calls: world.calls, errors: ctx.diagnostics.filter((x) => x.severity === "error").map((x) => x.message),
    rows: preview ? c.previous : snapshotRows(saved.resources), operations: saved.operations,
    violations: ctx.violations.map((v) => `${v.level} ${v.policy} ${short(v.urn)}: ${v.message}`),
  };
}

const IGNORED = new Set(["created", "modified", "sourcePosition", "stackTrace"]), UNORDERED = new Set(["dependencies", "replaceWith"]);
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const sorted = (v: unknown, at = ""): unknown =>
  Array.isArray(v) ? (UNORDERED.has(at) || at.startsWith("propertyDependencies.") ? [...(v as string[])].sort() : v.map((e) => sorted(e)))
    : typeof v === "object" && v !== null ? Object.fromEntries(Object.entries(v).filter(([k]) => at !== "" || !IGNORED.has(k)).sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, x]) => [k, sorted(x, at === "" ? k : at === "propertyDependencies" ? `${at}.${k}` : "-")])) : v;
/** What two engines must have in common: order, times, places and random ids left out. Configuring a provider again is nobody's business. */
export const comparable = (e: Ended): { ok: boolean; steps: string[]; rows: string[]; calls: string[]; violations: string[] } => ({
  ok: e.ok, steps: [...e.steps].sort(), rows: e.rows.map((r) => JSON.stringify(sorted(r)).replace(UUID, "UUID")).sort(), calls: e.calls.filter((x) => !x.startsWith("Configure ")).map((x) => x.replace(UUID, "UUID")).sort(), violations: [...(e.violations ?? [])].map((v) => v.trim()).sort(),
});
