import type { Settings } from "../../engine/embedded/context.ts";
import { Deployment } from "../../engine/embedded/deployment.ts";
import { runInProcess } from "../../engine/embedded/inline.ts";
import type { PolicyPack } from "../../engine/embedded/policy.ts";
import { runSpawned } from "./spawned/spawned.ts";
import type { Operation, State } from "../../engine/state/deployment.ts";
import type { PlannedStep } from "../../engine/embedded/step.ts";
import type { Load } from "../../engine/embedded/registry.ts";
import type { Violation } from "../../engine/index.ts";

export interface Program { readonly inline: () => unknown; readonly dir?: string; readonly env?: Readonly<Record<string, string | undefined>> }
export interface Ran {
  readonly ok: boolean;
  readonly steps: readonly PlannedStep[];
  /** `create sample:index:Hook::a`, sorted; providers and halves of replacements left out. */
  readonly told: readonly string[];
  readonly resources: State[];
  readonly operations: readonly Operation[];
  readonly errors: readonly string[];
  readonly codes: readonly string[];
  readonly violations: readonly Violation[];
  readonly outputs: Record<string, unknown>;
}
export type Way = "in process" | "over gRPC";

/** Runs a program against the engine, in either way, on `previous`. */
export async function runEngine(way: Way, program: Program, load: Load, o: Partial<Settings> & { readonly previous?: State[]; readonly preview?: boolean; readonly refresh?: boolean; readonly destroy?: boolean; readonly timeoutMs?: number; readonly packs?: readonly PolicyPack[] } = {}): Promise<Ran> {
  let saved: { resources: State[]; operations: readonly Operation[] } | null = null;
  const previous = structuredClone(o.previous ?? []);
  const d = new Deployment({
    project: "scenarios", stack: "dev", preview: false, config: {}, secretKeys: [], parallel: 16, targets: [], targetDependents: false, packs: [], callTimeoutMs: 20_000,
    sink: (resources, operations) => { saved = structuredClone({ resources: [...resources], operations: [...operations] }); return Promise.resolve(); }, ...o, previous, load,
  });
  const limits = { timeoutMs: o.timeoutMs ?? 60_000 };
  if (o.refresh) await d.refresh();
  if (o.destroy) await d.finish(true);
  else if (way === "in process") await d.finish(await runInProcess(d, program.inline, limits));
  else await runSpawned(d, { dir: program.dir ?? "", env: program.env ?? {} }, limits);
  const c = d.context;
  return {
    ok: !c.failed, steps: c.steps, violations: c.violations, errors: c.diagnostics.filter((x) => x.severity === "error").map((x) => x.message), codes: c.diagnostics.map((x) => x.code ?? ""),
    told: c.steps.filter((s) => !s.urn.includes("pulumi:providers:") && !["create-replacement", "delete-replaced", "refresh"].includes(s.op)).map((s) => `${s.op} ${s.urn.split("::").slice(2).join("::")}`).sort(),
    resources: o.preview ? c.snapshot.resources() : ((saved as { resources: State[] } | null)?.resources ?? []), operations: (saved as { operations: readonly Operation[] } | null)?.operations ?? [], outputs: c.news.get(d.rootUrn)?.outputs ?? {},
  };
}
