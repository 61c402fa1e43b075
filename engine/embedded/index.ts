import type { Diagnostic, Engine, EngineContext, Options, Outcome, Run, Step, Violation } from "../index.ts";
import { FindingError } from "../../lib/finding.ts";
import { engineCodes } from "../codes.ts";
import { runInline } from "./inline.ts";
import { unplugged } from "./unplugged.ts";
import { StateStore } from "./state-store.ts";

/** The engine in this process. */
export function embeddedEngine(context: EngineContext): Engine {
  const store = (stack: string): StateStore => new StateStore(context.root, stack, context.env["PULUMI_CONFIG_PASSPHRASE"]);
  const locked = async (stack: string, f: (s: StateStore) => Promise<Outcome>): Promise<Outcome> => {
    const s = store(stack), release = s.lock(context.clock.now());
    try {
      return await f(s);
    } finally {
      release();
    }
  };
  const soon = (what: string) => (): Promise<never> => Promise.reject(new FindingError(engineCodes.finding("ENGINE_UNSUPPORTED", { message: `the embedded engine has no ${what} yet` }), 2));
  return {
    name: "embedded",
    preview: (run, o) => go(run, o.against === "state" ? store(run.stack) : null, true, o),
    up: (run, o = {}) => locked(run.stack, (s) => go(run, s, o.dryRun === true, o)),
    destroy: (run, o = {}) => locked(run.stack, (s) => go({ ...run, program: () => undefined, policies: [] }, s, o.dryRun === true, o, true)),
    refresh: soon("refresh"), export: soon("export"), import: soon("import"), history: soon("history"), cancel: soon("cancel"),
  };
}

async function go(run: Run, state: StateStore | null, isPreview: boolean, o: Options, destroying = false): Promise<Outcome> {
  const previous = state ? await state.read() : [];
  if (!isPreview && state) {
    await state.ready();
    state.keepCopy();
  }
  const { engine, diagnostics } = await runInline({
    ...run, secretKeys: run.secretKeys ?? [], config: { ...run.config }, preview: isPreview, previous, ...(o.onStep && { onStep: o.onStep }),
    load: async (pkg) => {
      const p = await run.providerFor(pkg);
      if (p) return p;
      if (isPreview) return unplugged(pkg);
      throw new Error(`ENGINE_REFUSES: no ${pkg} provider on this machine; deploy with the Pulumi CLI`);
    },
    ...(state && !isPreview && { save: (rs) => { state.save(rs); } }),
  });
  const root = engine.state(engine.rootUrn);
  if (destroying && !isPreview && !engine.failed && state) state.save([]);
  const violations: Violation[] = engine.violations.map((v) => ({ ...v, severity: "unspecified" }));
  return { ok: !engine.failed, cancelled: false, steps: engine.steps satisfies readonly Step[], violations, outputs: root?.outputs ?? {}, diagnostics: diagnostics as readonly Diagnostic[] };
}
