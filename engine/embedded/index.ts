import type { Provider } from "../../lib/provider.ts";
import { runInline } from "./inline.ts";
import { unplugged } from "./unplugged.ts";
import type { Violation } from "./policy.ts";
import type { StateStore } from "./state-store.ts";
import type { Step } from "./steps.ts";

export type { Step, Violation };
export { StateStore } from "./state-store.ts";
export { runInline } from "./inline.ts";

export interface Run {
  readonly project: string;
  readonly stack: string;
  readonly program: () => unknown;
  readonly config: Record<string, string>;
  readonly policies: readonly unknown[];
  /** Null where this machine has no plugin of that name: previews go on without it. */
  readonly providerFor: (pkg: string) => Provider | null;
  readonly onStep?: (step: Step) => void;
}
export interface Outcome {
  readonly ok: boolean;
  readonly steps: readonly Step[];
  readonly violations: readonly Violation[];
  readonly outputs: Record<string, unknown>;
  readonly diagnostics: readonly { readonly severity: string; readonly message: string; readonly urn?: string | undefined }[];
}

/** Previews one stack in this process. Without state everything is new. */
export const preview = (run: Run, state: StateStore | null): Promise<Outcome> => go(run, state, true);

/** Deploys one stack that lives on this machine; each step is checkpointed. The caller holds the lock. */
export const up = (run: Run, state: StateStore): Promise<Outcome> => go(run, state, false);

/** Deletes everything of a stack, dependents first. */
export const destroy = (run: Run, state: StateStore, dryRun: boolean): Promise<Outcome> => go({ ...run, program: () => undefined, policies: [] }, state, dryRun, true);

async function go(run: Run, state: StateStore | null, isPreview: boolean, destroying = false): Promise<Outcome> {
  const previous = state ? await state.read() : [];
  if (!isPreview && state) {
    await state.ready();
    state.keepCopy();
  }
  const { engine, diagnostics } = await runInline({
    ...run, preview: isPreview, previous,
    load: (pkg) => {
      const p = run.providerFor(pkg);
      if (p) return Promise.resolve(p);
      return isPreview ? Promise.resolve(unplugged(pkg)) : Promise.reject(new Error(`ENGINE_REFUSES: no ${pkg} provider on this machine; deploy with the Pulumi CLI`));
    },
    ...(state && !isPreview && { save: (rs) => { state.save(rs); } }),
  });
  const root = engine.state(engine.rootUrn);
  if (destroying && !isPreview && !engine.failed && state) state.save([]);
  return { ok: !engine.failed, steps: engine.steps, violations: engine.violations, outputs: (root?.outputs ?? {}), diagnostics };
}
