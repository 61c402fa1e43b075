import { UNKNOWN, type Props } from "../../lib/pulumi-value.ts";
import { Context, dependenciesOf, referencesOf, type Settings } from "./context.ts";
import { deletionOrder, dependentsToReplace } from "./dependents.ts";
import { Executor, ProtectedError } from "./execute.ts";
import { deletion, Generator } from "./generate.ts";
import { emptyGoal, inherit, type Goal } from "./goal.ts";
import { defaultInputs, defaultName, defaultsDenied, type ProviderRequest } from "./registry.ts";
import type { State } from "../state/deployment.ts";
import { Bail, refuseUnsupported, ShutDown, type PlannedStep } from "./step.ts";
import { isProviderType, isRoot, packageOf, ROOT_TYPE } from "../urn.ts";

/** One update or preview of one stack: takes registrations while the program runs, then deletes what it no longer declares. */
export class Deployment {
  readonly context: Context;
  private readonly generator: Generator;
  private readonly executor: Executor;
  /** Registrations under way, with their URNs: what the run is waiting for. */
  readonly inFlight = new Map<object, string>();
  private readonly defaults = new Map<string, Promise<string>>();
  private tail: Promise<unknown> = Promise.resolve();
  private stackOutputs: Props | null = null;
  constructor(o: Settings) {
    this.context = new Context(o);
    this.generator = new Generator(this.context);
    this.executor = new Executor(this.context);
  }
  get rootUrn(): string {
    const { project, stack } = this.context.settings;
    return this.context.urnOf({ type: ROOT_TYPE, name: `${project}-${stack}` });
  }

  async register(given: Goal): Promise<State> {
    return this.tracked(given, async (urn) => {
      refuseUnsupported(given.inputs, urn);
      const goal = inherit(given, given.parent === undefined ? undefined : this.context.goals.get(given.parent));
      if (goal.custom && !isProviderType(goal.type)) goal.provider ??= await this.defaultProvider({ pkg: packageOf(goal.type), ...goal.request });
      return this.registerNow(goal);
    });
  }
  private async registerNow(goal: Goal): Promise<State> {
    const { context: c } = this;
    let plan = await this.serial(() => this.generator.plan(goal));
    await this.executor.run(plan.chain);
    if (plan.imported) {
      const read = plan;
      plan = await this.serial(() => this.generator.afterImport(read));
      await this.executor.run(plan.chain);
      if (plan.chain.length === 0) return read.state;
    }
    // What isn't among the targets stays what it was, under its old name.
    const state = c.news.get(plan.state.urn) ?? plan.chain.at(-1)?.new ?? plan.state;
    if (!c.goals.has(state.urn)) c.goals.set(state.urn, goal);
    if (isProviderType(state.type)) {
      c.providers.set(state.urn, state);
      const before = c.oldUrnOf.get(state.urn);
      if (before !== undefined) c.registry.alias(before, state.urn);
    }
    return state;
  }
  async read(goal: Goal, id: string): Promise<State> {
    return this.tracked(goal, async () => {
      const provider = goal.provider ?? (await this.defaultProvider({ pkg: packageOf(goal.type), ...goal.request }));
      const plan = await this.serial(() => Promise.resolve(this.generator.planRead({ ...goal, provider }, id)));
      await this.executor.run(plan.chain);
      return plan.state;
    });
  }
  async registerOutputs(urn: string, outputs: Props): Promise<void> {
    const s = this.context.news.get(urn);
    if (this.context.stopped) throw new ShutDown();
    if (this.context.did.skipped.has(urn)) return; // not among the targets, and so not there
    if (!s) throw new Error(`cannot complete a resource '${urn}' whose registration isn't pending`);
    refuseUnsupported(outputs, urn);
    if (isRoot(urn)) { this.stackOutputs = outputs; return; }
    s.outputs = outputs;
    await this.context.snapshot.write();
  }
  async invoke(token: string, args: Props, ref: string | undefined, request: Omit<ProviderRequest, "pkg">): Promise<{ readonly result: Props; readonly failures: readonly { readonly property: string; readonly reason: string }[] }> {
    const provider = ref ?? (await this.defaultProvider({ pkg: packageOf(token), ...request }));
    return (await this.context.host(provider, token)).invoke(token, args);
  }

  private defaultProvider(r: ProviderRequest): Promise<string> {
    const { config, secretKeys } = this.context.settings;
    if (defaultsDenied(r.pkg, config)) return Promise.reject(new Error(`Default provider for '${r.pkg}' disabled: resources of this package need an explicit provider`));
    const name = defaultName(r), key = `${r.pkg}:${name}`;
    let ref = this.defaults.get(key);
    if (!ref) {
      const goal: Goal = { ...emptyGoal, type: `pulumi:providers:${r.pkg}`, name, custom: true, inputs: defaultInputs(r, config, secretKeys) };
      ref = this.tracked(goal, () => this.registerNow(goal)).then((s) => `${s.urn}::${s.id ?? UNKNOWN}`);
      this.defaults.set(key, ref);
    }
    return ref;
  }
  /** Step generation is one at a time, as in Pulumi's engine; the steps themselves run side by side. */
  private serial<T>(f: () => Promise<T>): Promise<T> {
    const run = this.tail.then(() => { if (this.context.stopped) throw new ShutDown(); return f(); });
    this.tail = run.catch(() => undefined);
    return run;
  }
  private async tracked<T>(goal: Goal, f: (urn: string) => Promise<T>): Promise<T> {
    const key = {}, urn = this.context.urnOf(goal);
    this.inFlight.set(key, urn);
    try {
      if (this.context.stopped) throw new ShutDown();
      return await f(urn);
    } catch (e) {
      this.context.fail(e, urn);
      throw e;
    } finally {
      this.inFlight.delete(key);
    }
  }
  /** Settles when no registration is under way. */
  async idle(): Promise<void> {
    while (this.inFlight.size > 0) await new Promise((done) => setTimeout(done, 5));
  }

  /** Reads every (targeted) resource from its provider and goes on from what is found. */
  async refresh(): Promise<void> {
    const { context: c } = this, targets = c.settings.targets, steps = new Map<State, PlannedStep>(), touched = new Set<string>();
    for (const r of c.previous) {
      const hit = targets.length === 0 || c.isTarget(r.urn) || (c.settings.targetDependents && [r.parent, ...dependenciesOf(r)].some((u) => u !== undefined && touched.has(u)));
      if (!hit) continue;
      touched.add(r.urn);
      steps.set(r, { op: "refresh", urn: r.urn, old: r });
    }
    await Promise.all([...steps.values()].map((s) => this.executor.run([s], true).catch(() => undefined)));
    const there = new Set<string>(), now: State[] = [];
    for (const r of c.previous) {
      const found = steps.get(r)?.refreshed, s = found ? found.state : r;
      if (!s) continue;
      // What referred to something that is gone refers to it no more.
      const known = (urns: readonly string[]): string[] => urns.filter((u) => there.has(u));
      const kept = { ...s, ...(s.dependencies && { dependencies: known(s.dependencies) }), ...(s.replaceWith && { replaceWith: known(s.replaceWith) }),
        ...(s.propertyDependencies && { propertyDependencies: Object.fromEntries(Object.entries(s.propertyDependencies).map(([k, urns]) => [k, known(urns)] as const).filter(([, urns]) => urns.length > 0)) }) };
      if (kept.deletedWith && !there.has(kept.deletedWith)) kept.deletedWith = undefined;
      if (kept.parent && !there.has(kept.parent)) kept.parent = undefined;
      there.add(s.urn);
      now.push(kept);
    }
    c.rebase(now);
    await c.snapshot.rebase(now).catch((e: unknown) => { c.fail(e); });
    if (c.failed) c.stop("error");
  }
  /** After the program ended (`ok`: as it should): deletions, the stack's outputs, the policies of the whole stack, the last checkpoint. */
  async finish(ok: boolean): Promise<void> {
    const { context: c } = this;
    await this.idle();
    if (ok && !c.stopped) await this.deleteRest().catch((e: unknown) => { c.fail(e); });
    const root = c.news.get(this.rootUrn);
    // After a failure an output that is missing may only not have come yet: the old ones stay.
    if (root && this.stackOutputs) root.outputs = c.failed || !ok ? { ...c.olds.get(this.rootUrn)?.outputs, ...this.stackOutputs } : this.stackOutputs;
    const broken = !ok || c.stopped !== null || c.steps.some((s) => s.ok === false);
    if (!broken) {
      const all = [...c.news.values()].filter((s) => !s.external);
      for (const pack of c.settings.packs) c.report(await pack.analyzeStack(all, (urn) => c.goals.get(urn)?.deleteBeforeReplace, (ref) => c.providerOf(ref), this.rootUrn));
    }
    await c.snapshot.write().catch((e: unknown) => { c.fail(e); });
    await c.registry.close();
  }
  private async deleteRest(): Promise<void> {
    const { context: c } = this, allowed = c.settings.targets.length ? await this.deletable() : null, steps = new Map<State, PlannedStep>();
    for (const r of c.previous) {
      if (allowed && !allowed.has(r.urn)) {
        if (!r.delete && !this.done(r.urn)) await this.executor.run([{ op: "same", urn: r.urn, old: r, new: { ...r }, untargeted: true }]);
        continue;
      }
      if (r.delete && this.generator.pendingDeletes.has(r)) continue;
      if (r.delete) steps.set(r, { op: deletion(r, true), urn: r.urn, old: r });
      else if (!this.done(r.urn)) steps.set(r, r.pendingReplacement ? { op: "remove-pending-replace", urn: r.urn, old: r } : { op: deletion(r, false), urn: r.urn, old: r });
      else continue;
      c.did.deletes.add(r.urn);
    }
    const stuck = new Set<State>();
    for (const group of deletionOrder(c.previous, [...steps.keys()])) {
      if (c.stopped) break;
      await Promise.all(group.filter((r) => !stuck.has(r)).map(async (r) => {
        try {
          await this.executor.run([steps.get(r) as PlannedStep]);
        } catch (e) {
          if (!(e instanceof ProtectedError)) return; // said, and the run is stopped
          for (const needed of this.neededBy(r)) stuck.add(needed);
        }
      }));
    }
  }
  private done(urn: string): boolean {
    const { did, renamed } = this.context, now = renamed.get(urn) ?? urn;
    return [did.sames, did.updates, did.replaces, did.reads, did.imports].some((set) => set.has(now)) || this.context.news.has(now);
  }
  /** What a resource that stays refers to, however far: it stays too. */
  private neededBy(r: State): Set<State> {
    const out = new Set<State>(), visit = (s: State): void => {
      const refs = new Set(referencesOf(s));
      for (const p of this.context.previous) if (refs.has(p.urn) && !out.has(p)) { out.add(p); visit(p); }
    };
    visit(r);
    return out;
  }
  /** With targets: those, and everything that can't stay without them. What isn't named itself needs `targetDependents`. */
  private async deletable(): Promise<Set<string>> {
    const { context: c } = this, out = new Set<string>();
    for (const r of c.previous) if (c.isTarget(r.urn) || referencesOf(r).some((u) => out.has(u))) out.add(r.urn);
    for (const r of c.previous) if (c.isTarget(r.urn) && !this.done(r.urn)) for (const d of await dependentsToReplace(c, r, r.urn)) out.add(d.state.urn);
    for (const urn of out) if (!c.isTarget(urn) && !c.settings.targetDependents && !this.done(urn)) {
      c.say("error", `${urn} would be deleted, but it isn't among the targets`, urn, "TARGET_UNKNOWN");
      if (!c.preview) throw new Bail("a resource outside the targets would be deleted");
    }
    return out;
  }
}
