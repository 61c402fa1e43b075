import { FindingError } from "../../lib/finding.ts";
import type { Props } from "../../lib/pulumi-value.ts";
import { engineCodes } from "../codes.ts";
import type { Engine, EngineContext, HistoryEntry, Options, Outcome, Run, Step, UpdateOptions } from "../index.ts";
import { Deployment } from "./deployment.ts";
import { eventLog } from "./events.ts";
import { runInProcess } from "./inline.ts";
import { PolicyPack } from "./policy.ts";
import { configured } from "./policy-config.ts";
import type { Load } from "./registry.ts";
import { analyzerOf } from "./sdk-hooks.ts";
import { alive, lockOwner, removeStale, takeLock } from "../state/stack-lock.ts";
import { StateStore, type Loaded } from "../state/store.ts";
import { isLogical, type PlannedStep } from "./step.ts";
import { parseUrn } from "../urn.ts";
import { together, type Judging } from "./together.ts";
import { unplugged } from "./unplugged.ts";

type Kind = HistoryEntry["kind"] | "preview";
const PACK = { name: "stackseal", version: "0.1.0" };
const MINUTES = 60_000;

/** The engine in this process: programs, policies and providers are called, not spawned. */
export function embeddedEngine(context: EngineContext): Engine {
  const store = (stack: string): StateStore => new StateStore(context.root, stack, context.env["PULUMI_CONFIG_PASSPHRASE"]);
  const say = context.say ?? ((): void => undefined);
  /** Stacks whose lock is this engine's already, with what lets it go. */
  const held = new Map<string, () => void>();
  /** Stacks that come next, their keys begun. */
  const ahead = new Map<string, StateStore>();
  /** Runs `f` with the stack's lock, and enters what came of it into the stack's history. */
  const locked = async <T>(kind: HistoryEntry["kind"], stack: string, o: UpdateOptions, f: (state: StateStore) => Promise<{ readonly value: T; readonly ok: boolean; readonly changes: HistoryEntry["resourceChanges"] }>): Promise<T> => {
    const state = ahead.get(stack) ?? store(stack), release = held.has(stack) ? (): void => undefined : takeLock(state.lockFile, stack, kind === "update" ? "up" : kind, context.clock.now(), say);
    ahead.delete(stack);
    try {
      const started = Date.now(), { value, ok, changes } = await f(state);
      state.record({ kind, startTime: Math.floor(started / 1000), endTime: Math.floor(Date.now() / 1000), message: o.message ?? "", result: ok ? "succeeded" : "failed", resourceChanges: changes, ...(o.commit !== undefined && { commit: o.commit }) });
      return value;
    } finally {
      release();
    }
  };
  const change = async (kind: HistoryEntry["kind"], run: Run, o: UpdateOptions): Promise<Outcome> => {
    const asItIs = store(run.stack);
    if (o.dryRun) return go(context, kind, run, asItIs, await asItIs.read(), o, true);
    return locked(kind, run.stack, o, async (state) => {
      const loaded = await state.read();
      const { next } = o, ready = state.ready();
      if (next !== undefined) void ready.then(() => {
        const coming = store(next);
        coming.begin();
        ahead.set(next, coming);
      });
      state.keepCopy();
      const outcome = await go(context, kind, run, state, loaded, o, false);
      if (outcome.ok) state.keepCopy();
      else state.settle();
      return { value: outcome, ok: outcome.ok, changes: changesOf(outcome.steps) };
    });
  };
  return {
    name: "embedded",
    preview: async (run, o) => {
      const state = store(run.stack);
      const loaded = o.against === "nothing" ? { resources: [], operations: [] } : o.against === "state" ? await state.read() : await state.open(o.against, `the exported state of ${run.stack}`);
      return go(context, "preview", run, state, loaded, o, true);
    },
    up: (run, o = {}) => change("update", run, o),
    refresh: (run, o = {}) => change("refresh", run, o),
    destroy: (run, o = {}) => change("destroy", run, o),
    export: (stack, o = {}) => store(stack).export(o.showSecrets === true),
    import: (stack, document) => locked("import", stack, {}, async (state) => {
      const { resources, operations } = await state.open(document, "the deployment");
      const foreign = resources.find((r) => parseUrn(r.urn).stack !== stack);
      if (foreign) throw new FindingError(engineCodes.finding("STATE_FOREIGN", { message: `${foreign.urn} is of the stack ${parseUrn(foreign.urn).stack}, not of ${stack}`, path: stack, hint: `import it as that stack, or rename it first: pulumi stack rename ${stack}` }), 2);
      for (const p of operations) say(`${stack}: removing the pending operation '${p.type}' on '${p.resource.urn}'\n`);
      state.keepCopy();
      await state.save(resources, []);
      return { value: resources.length, ok: true, changes: {} };
    }),
    history: (stack) => Promise.resolve(store(stack).history()),
    hold: async (stacks, what, f) => {
      try {
        for (const stack of stacks) held.set(stack, takeLock(store(stack).lockFile, stack, what, context.clock.now(), say));
        return await f();
      } finally {
        for (const stack of stacks) {
          held.get(stack)?.();
          held.delete(stack);
        }
      }
    },
    cancel: async (stack) => {
      const { lockFile } = store(stack), owner = lockOwner(lockFile);
      if (!owner) return null;
      if (!alive(owner)) return removeStale(lockFile, owner) ? `took away the lock of process ${String(owner.pid)}, which ended without letting go` : null;
      process.kill(owner.pid, "SIGTERM");
      for (let i = 0; i < 100 && alive(owner) && lockOwner(lockFile)?.since === owner.since; i++) await new Promise((done) => setTimeout(done, 100));
      return `asked process ${String(owner.pid)} (${owner.what}, since ${owner.since}) to stop${lockOwner(lockFile)?.since === owner.since ? "; it's still finishing what it began" : ": it has"}`;
    },
  };
}

async function go(context: EngineContext, kind: Kind, run: Run, state: StateStore, loaded: Loaded, o: Options, preview: boolean): Promise<Outcome> {
  const started = Date.now(), limits = { timeoutMs: o.timeoutMs ?? 5 * MINUTES, tidy: run.tidy === true }, secretKeys = run.secretKeys ?? [];
  const judged = kind === "preview" || kind === "update";
  const policies = judged ? configured(run.policies, run.policyConfig ?? {}) : [];
  const packs = policies.length ? [new PolicyPack(PACK.name, PACK.version, analyzerOf(PACK.name, PACK.version, run.policiesOnlyRead === true ? together(policies as readonly Judging[]) : policies))] : [];
  const log = o.onEvent ? eventLog(o.onEvent, preview) : null;
  const load: Load = async (pkg, version) => {
    const p = await run.providerFor(pkg, version);
    if (p) return p;
    if (kind === "preview") return unplugged(pkg);
    throw new FindingError(engineCodes.finding("ENGINE_REFUSES", { message: `there is no ${pkg} provider on this machine`, path: run.stack, hint: "deploy with the Pulumi CLI: --engine pulumi" }), 2);
  };
  const d = new Deployment({
    project: run.project, stack: run.stack, preview, config: run.config, secretKeys, parallel: o.parallel ?? 16, targets: o.targets ?? [], targetDependents: o.targetDependents === true,
    previous: loaded.resources, operations: loaded.operations, load, packs, callTimeoutMs: o.timeoutMs ?? 10 * MINUTES,
    stackOutputs: (name) => stackOutputs(context, run, o, name), sink: (resources, operations) => state.save(resources, operations),
    observer: { ...log, ended: (s) => { log?.ended?.(s); o.onStep?.(shown(s, kind)); } },
  });
  const { context: c } = d;
  log?.start(run.config, secretKeys, packs);
  const cancel = (): void => { c.stop("cancelled"); void c.registry.cancel(); };
  if (o.signal?.aborted) cancel();
  o.signal?.addEventListener("abort", cancel, { once: true });
  try {
    for (const p of c.snapshot.interrupted) c.say("warning", `an earlier run ended while it was creating ${p.resource.urn}: nobody knows whether it's there; ${kind === "update" ? "if the program still declares it, it's created again now, which a provider like ours takes as the same one" : "the next up creates it again"}`, p.resource.urn, "ENGINE_INTERRUPTED");
    const unknown = (o.targets ?? []).filter((t) => !t.includes("*") && kind !== "preview" && kind !== "update" && !c.previous.some((r) => r.urn === t));
    for (const t of unknown) c.fail(new FindingError(engineCodes.finding("TARGET_UNKNOWN", { message: `no resource named '${t}' in the stack`, path: t, hint: "stackseal export lists the URNs" })));
    if (o.refresh === true || kind === "refresh") await d.refresh();
    if (kind === "refresh") await c.registry.close();
    else await d.finish(kind === "destroy" || c.stopped ? c.stopped === null : await runInProcess(d, run.program, limits));
    for (const t of judged ? (o.targets ?? []) : []) if (!t.includes("*") && !c.failed && !c.news.has(t) && !c.olds.has(t)) c.say("error", `no resource named '${t}' in the stack or the program`, t, "TARGET_UNKNOWN");
  } finally {
    o.signal?.removeEventListener("abort", cancel);
  }
  // A state drops aliases once they were followed; who compares two programs has to follow them itself.
  const named = (s: Step): Step => { const aliases = kind === "preview" ? c.goals.get(s.urn)?.aliases : undefined; return aliases?.length && s.new ? { ...s, new: { ...s.new, formerly: aliases } } : s; };
  const steps = c.steps.filter((s) => s.op !== "refresh" || kind === "refresh" || s.ok === false || s.refreshed?.op !== "same").map((s) => named(shown(s, kind)));
  const cancelled = c.stopped === "cancelled";
  if (cancelled) c.say("error", "the run was cancelled: what was done is kept", undefined, "ENGINE_CANCELLED");
  log?.end(changesOf(steps), packs, cancelled ? "canceled" : c.failed ? "failed" : "succeeded", (Date.now() - started) / 1000);
  return { ok: !c.failed, cancelled, steps, violations: c.violations, outputs: (c.news.get(d.rootUrn) ?? (kind === "destroy" ? undefined : c.olds.get(d.rootUrn)))?.outputs ?? {}, diagnostics: c.diagnostics };
}

/** A step for the outside. A refresh on its own is shown as what it found; before an update it stays a refresh. */
function shown(s: PlannedStep, kind: Kind): Step {
  const { refreshed } = s;
  if (s.op !== "refresh" || !refreshed) return { op: s.op, urn: s.urn, ...(s.ok !== undefined && { ok: s.ok }), ...(s.old && { old: s.old }), ...(s.new && { new: s.new }), ...(s.diffs && { diffs: s.diffs }), ...(s.keys && { keys: s.keys }), ...(s.detailed && { detailed: s.detailed }) };
  return { op: kind === "refresh" ? refreshed.op : "refresh", urn: s.urn, ...(s.ok !== undefined && { ok: s.ok }), ...(s.old && { old: s.old }), ...(refreshed.state && { new: refreshed.state }), diffs: refreshed.diff?.diffs ?? [] };
}
/** Counts by operation, as a summary has them: a replacement is one. */
function changesOf(steps: readonly Step[]): Record<string, number> {
  const n: Record<string, number> = {};
  for (const s of steps) if (isLogical(s.op) && !s.urn.includes("::pulumi:providers:") && s.ok !== false) n[s.op] = (n[s.op] ?? 0) + 1;
  return n;
}
/** Outputs of another stack of this project: of this command's own run if there was one, else of its state. */
async function stackOutputs(context: EngineContext, run: Run, o: Options, name: string): Promise<Props | null> {
  const [stack = "", project] = name.split("/").reverse();
  if (project !== undefined && project !== run.project) return null;
  const known = o.stackOutputs?.(stack);
  if (known) return known;
  const other = new StateStore(context.root, stack, context.env["PULUMI_CONFIG_PASSPHRASE"]);
  return other.exists ? ((await other.read()).resources.find((r) => r.type === "pulumi:pulumi:Stack" && !r.delete)?.outputs ?? {}) : null;
}
