import { randomUUID } from "node:crypto";
import type { DiffResult, Provider } from "../../lib/provider.ts";
import { UNKNOWN, type Props } from "../../lib/pulumi-value.ts";
import { ProviderHost } from "./host.ts";
import type { PolicyPack, Violation } from "./policy.ts";
import type { State } from "./state.ts";
import { isProviderType, makeUrn, packageOf, parseRef, parseUrn, providerPackage, ROOT_TYPE } from "./urn.ts";
import { changedKeys, equal, isSecret, parsePath, pathContains, plainProps, resetPaths, secret } from "./values.ts";

export type Op = "same" | "create" | "update" | "replace" | "create-replacement" | "delete-replaced" | "delete" | "read";
export interface Step { op: Op; urn: string; old?: State | undefined; new?: State | undefined; diffs?: readonly string[] | undefined; keys?: readonly string[] | undefined; detailed?: DiffResult["detailed"] | undefined }
export interface Alias { urn?: string | undefined; name?: string | undefined; type?: string | undefined; stack?: string | undefined; project?: string | undefined; parent?: string | undefined; noParent?: boolean }
export interface Goal {
  type: string; name: string; custom: boolean; parent?: string | undefined; inputs: Props; provider?: string | undefined; version?: string | undefined;
  dependencies: string[]; propertyDependencies: Record<string, string[]>; protect?: boolean | undefined; retainOnDelete?: boolean | undefined; deletedWith?: string | undefined;
  deleteBeforeReplace?: boolean | undefined; ignoreChanges: string[]; replaceOnChanges: string[]; aliases: Alias[]; importId?: string | undefined;
  additionalSecretOutputs: string[]; providers: Record<string, string>; customTimeouts?: State["customTimeouts"] | undefined; replaceWith: string[];
  sourcePosition?: string | undefined;
}
export interface EngineOptions {
  project: string; stack: string; organization: string; preview: boolean; config: Record<string, Props>; // provider config by package
  previous: State[]; load: (pkg: string, version: string | undefined) => Promise<Provider>; policies: PolicyPack[];
  save?: (resources: State[]) => void; onStep?: (s: Step) => void; diag?: (severity: string, message: string, urn?: string) => void;
}
class Bail extends Error {}

export class Engine {
  readonly steps: Step[] = []; readonly violations: Violation[] = [];
  failed = false; rootUrn = ""; private broken = false; // failed: exit code; broken: a step or registration could not run
  private readonly olds = new Map<string, State>(); private readonly news = new Map<string, State>();
  private readonly order: State[] = []; private readonly goals = new Map<string, Goal>();
  private readonly aliased = new Map<string, string>(); private readonly oldUrnOf = new Map<string, string>();
  private readonly deleted = new Set<State>(); private readonly replaced = new Set<string>(); private readonly recreate = new Set<string>();
  private readonly plugins = new Map<string, ProviderHost>(); private readonly providers = new Map<string, State>();
  private readonly defaults = new Map<string, Promise<string>>();
  private tail: Promise<unknown> = Promise.resolve();

  private readonly o: EngineOptions;
  constructor(o: EngineOptions) {
    this.o = o;
    for (const r of o.previous) if (!r.delete) this.olds.set(r.urn, r);
  }
  /** Step generation is serial, as in the real engine; steps also run serially here. */
  register(goal: Goal): Promise<State> {
    const run = this.tail.then(() => this.registerNow(goal));
    this.tail = run.catch(() => {});
    return run;
  }
  /** Settles when no registration is running or follows within a moment. */
  async idle(): Promise<void> {
    for (let last: unknown; last !== this.tail; ) {
      last = this.tail;
      await this.tail;
      await new Promise((r) => setTimeout(r, 10));
    }
  }
  async registerOutputs(urn: string, outputs: Props): Promise<void> {
    const s = this.news.get(urn);
    if (!s) throw new Error(`unknown resource ${urn}`);
    s.outputs = outputs;
    this.checkpoint();
  }
  async invoke(token: string, args: Props, ref: string, version: string) {
    const p = this.plugins.get(ref || (await this.defaultProvider(packageOf(token), version)));
    if (!p) throw new Error(`unknown provider for ${token}`);
    return p.invoke(token, args);
  }
  state(urn: string): State | undefined { return this.news.get(urn); }

  /** Runs after the program ends: deletes what it no longer declares, then checks the stack as a whole. */
  async finish(programOk: boolean): Promise<void> {
    await this.tail;
    if (!programOk) this.failed = this.broken = true;
    else if (!this.broken || this.o.preview) {
      const doomed = this.o.previous.filter((r) => !this.deleted.has(r) && (r.delete || !this.isLive(r)));
      for (const r of this.deleteOrder(doomed)) await this.remove(r, r.delete ? "delete-replaced" : "delete").catch((e) => { this.error(e, r.urn); });
    }
    if (!this.broken) for (const pack of this.o.policies) this.report(await pack.analyzeStack(this.order, this.providers, this.rootUrn));
    this.checkpoint();
    for (const p of this.plugins.values()) await p.close();
  }
  snapshot(): State[] {
    const rest = this.o.previous.filter((r) => !this.deleted.has(r) && (r.delete || !this.isLive(r)));
    return [...this.order, ...rest];
  }
  private isLive = (r: State) => this.news.has(r.urn) || this.news.has(this.aliased.get(r.urn) ?? "");
  private checkpoint() { if (!this.o.preview) this.o.save?.(this.snapshot()); }
  private emit(s: Step) { this.steps.push(s); this.o.onStep?.(s); }
  private error(e: any, urn?: string) { this.failed = this.broken = true; this.o.diag?.("error", e.message ?? String(e), urn); }
  private report(vs: Violation[]): boolean {
    this.violations.push(...vs);
    const mandatory = vs.some((v) => v.level === "mandatory");
    if (mandatory) this.failed = true;
    return mandatory;
  }

  // ---- providers ------------------------------------------------------------------------------------------
  private defaultProvider(pkg: string, version: string | undefined): Promise<string> {
    const name = `default${version ? "_" + version.replace(/^v/, "").replace(/[.+-]/g, "_") : ""}`, key = `${pkg}@${name}`;
    let ref = this.defaults.get(key);
    if (!ref) {
      const inputs: Props = { ...this.o.config[pkg], ...(version ? { version, __internal: {} } : {}) };
      ref = this.registerNow({ ...emptyGoal, type: `pulumi:providers:${pkg}`, name, custom: true, inputs })
        .then((s) => `${s.urn}::${s.id || UNKNOWN}`);
      this.defaults.set(key, ref);
    }
    return ref;
  }
  private async pluginFor(s: State): Promise<ProviderHost> {
    const ref = s.provider!, known = this.plugins.get(ref);
    if (known) return known;
    const { urn, id } = parseRef(ref), old = this.olds.get(urn); // only in old state: load and configure it for the delete
    if (!old || old.id !== id) throw new Bail(`unknown provider ${ref} for ${s.urn}`);
    const p = new ProviderHost(await this.o.load(providerPackage(old.type), old.inputs.version as string | undefined));
    await p.configure(urn, id, visible(old.inputs));
    this.plugins.set(ref, p);
    return p;
  }
  /** Provider resources are resources too; their CRUD is CheckConfig, DiffConfig and Configure. */
  private async registerProvider(goal: Goal, urn: string, old: State | undefined, s: State): Promise<State> {
    const p = new ProviderHost(await this.o.load(providerPackage(goal.type), goal.inputs.version as string | undefined));
    const { inputs, failures } = await p.checkConfig(urn, visible(old?.inputs ?? {}), visible(goal.inputs));
    if (failures.length) throw new Bail(failures.map((f) => `${f.property}: ${f.reason}`).join("; "));
    s.inputs = { ...inputs, ...(goal.inputs.version ? { version: goal.inputs.version } : {}), ...(goal.inputs.__internal ? { __internal: goal.inputs.__internal } : {}) };
    s.outputs = visible(s.inputs);
    await this.analyze(s);
    let op: Op = "create";
    if (old) {
      const d = await p.diffConfig(urn, visible(old.inputs), old.outputs, visible(s.inputs));
      op = d.replaces.length ? "replace" : d.changes === "none" || (d.changes === "unknown" && equal(old.outputs, s.outputs)) ? "same" : "update";
    }
    if (op === "replace") this.replaced.add(urn);
    const fresh = op === "create" || op === "replace";
    s.id = fresh ? (this.o.preview ? UNKNOWN : randomUUID()) : old!.id!;
    if (op === "same") { s.inputs = old!.inputs; s.outputs = old!.outputs; }
    await p.configure(urn, s.id, visible(s.inputs));
    this.plugins.set(`${urn}::${s.id}`, p);
    this.providers.set(`${urn}::${s.id}`, s);
    this.emit({ op, urn, old, new: s });
    return s;
  }

  // ---- registration ---------------------------------------------------------------------------------------
  private async registerNow(goal: Goal): Promise<State> {
    try { return await this.tryRegister(goal); }
    catch (e) { this.error(e, makeUrn(this.o.stack, this.o.project, goal.parent, goal.type, goal.name)); throw e; }
  }
  private async tryRegister(g: Goal): Promise<State> {
    const goal = this.inherit(g);
    const urn = makeUrn(this.o.stack, this.o.project, goal.parent, goal.type, goal.name);
    if (this.news.has(urn)) throw new Bail(`duplicate resource URN ${urn}`);
    if (goal.type === ROOT_TYPE) this.rootUrn = urn;
    if (goal.custom && !isProviderType(goal.type) && !goal.provider) goal.provider = await this.defaultProvider(packageOf(goal.type), goal.version);
    const old = this.findOld(urn, goal);
    const s: State = {
      urn, custom: goal.custom, type: goal.type, inputs: goal.inputs, outputs: {}, parent: goal.parent, protect: goal.protect,
      dependencies: goal.dependencies, propertyDependencies: goal.propertyDependencies, provider: goal.provider,
      additionalSecretOutputs: goal.additionalSecretOutputs, importID: goal.importId, retainOnDelete: goal.retainOnDelete,
      deletedWith: goal.deletedWith, replaceWith: goal.replaceWith, ignoreChanges: goal.ignoreChanges, replaceOnChanges: goal.replaceOnChanges,
      customTimeouts: goal.customTimeouts, created: old?.created, modified: old?.modified, sourcePosition: goal.sourcePosition,
    };
    this.goals.set(urn, goal);
    if (isProviderType(goal.type)) await this.registerProvider(goal, urn, old, s);
    else if (goal.custom) await this.custom(goal, s, old);
    else { await this.analyze(s); this.component(s, old); }
    if (this.news.has(urn)) this.order.splice(this.order.indexOf(this.news.get(urn)!), 1);
    this.news.set(urn, s); this.order.push(s);
    if (old) this.deletedUnlessPending(old);
    this.checkpoint();
    return s;
  }
  private deletedUnlessPending(old: State) { if (!old.delete) this.deleted.add(old); }
  private inherit(g: Goal): Goal {
    const parent = g.parent ? this.goals.get(g.parent) : undefined, goal = { ...g };
    if (parent) {
      goal.protect ??= parent.protect; goal.retainOnDelete ??= parent.retainOnDelete; goal.deletedWith ||= parent.deletedWith;
      goal.providers = { ...(!parent.custom ? parent.providers : {}), ...goal.providers };
      if (!goal.provider && parent.provider && (!goal.custom || providerPackage(parseUrn(parseRef(parent.provider).urn).type) === packageOf(goal.type)))
        goal.provider = goal.custom ? parent.provider : undefined;
    }
    if (goal.custom && !isProviderType(goal.type)) goal.provider ||= goal.providers[packageOf(goal.type)];
    return goal;
  }
  private findOld(urn: string, goal: Goal): State | undefined {
    const direct = this.olds.get(urn);
    if (direct) return direct;
    const candidates = goal.aliases.map((a) => this.aliasUrn(goal, a));
    const parentOld = goal.parent && this.oldUrnOf.get(goal.parent);
    if (parentOld) { // a renamed parent renames its children, name prefix included
      const pn = parseUrn(goal.parent!).name, po = parseUrn(parentOld);
      const inherit = (type: string, name: string) =>
        makeUrn(this.o.stack, this.o.project, parentOld, type, name.startsWith(pn) ? po.name + name.slice(pn.length) : name);
      candidates.push(inherit(goal.type, goal.name), ...goal.aliases.map((a) => { const u = parseUrn(this.aliasUrn(goal, a)); return inherit(u.type, u.name); }));
    }
    const hit = candidates.find((c) => this.olds.has(c));
    if (!hit) return undefined;
    if (this.news.has(hit) || this.aliased.has(hit)) throw new Bail(`${urn}: alias ${hit} is already taken`);
    this.aliased.set(hit, urn); this.oldUrnOf.set(urn, hit);
    return this.olds.get(hit);
  }
  private aliasUrn(goal: Goal, a: Alias): string {
    if (a.urn) return a.urn;
    let parent = a.parent ? (this.oldUrnOf.get(a.parent) ?? a.parent) : goal.parent;
    if (a.noParent) parent = undefined;
    return makeUrn(a.stack || this.o.stack, a.project || this.o.project, parent, a.type || goal.type, a.name || goal.name);
  }
  private component(s: State, old: State | undefined) {
    const same = old && equal(old.inputs, s.inputs);
    if (old && same) s.outputs = old.outputs;
    this.emit({ op: old ? (same ? "same" : "update") : "create", urn: s.urn, old, new: s });
    this.stamp(s, old ? (same ? "same" : "update") : "create");
  }
  private stamp(s: State, op: Op) {
    const now = new Date().toISOString();
    if (op === "create" || op === "create-replacement") s.created = s.modified = now;
    else if (op === "update") s.modified = now;
  }
  private async analyze(s: State) {
    const provider = s.provider ? this.providers.get(s.provider) : undefined;
    for (const p of this.o.policies) s.inputs = (await p.remediate(s, provider)) ?? s.inputs;
    for (const p of this.o.policies) if (this.report(await p.analyze(s, provider)) && !this.o.preview) throw new Bail(`${s.urn} violates a mandatory policy`);
  }
  private async check(p: ProviderHost, s: State, olds: Props, news: Props) {
    const r = await p.check(s.urn, olds, news, this.o.preview);
    if (r.failures.length) throw new Bail(r.failures.map((f) => `${f.property}: ${f.reason}`).join("; "));
    return r.inputs;
  }
  private async custom(goal: Goal, s: State, old: State | undefined): Promise<void> {
    const p = await this.pluginFor(s), recreating = this.recreate.has(s.urn), fresh = !old || recreating || old.external;
    if (goal.importId && (!old || old.external || (old.importID ?? old.id) !== goal.importId)) return this.import(p, goal, s, old);
    const wanted = fresh ? goal.inputs : resetPaths(goal.inputs, old.inputs, goal.ignoreChanges);
    s.inputs = await this.check(p, s, fresh ? {} : old.inputs, wanted);
    await this.analyze(s);
    if (!old || old.external) { await this.create(p, s, "create"); return; }
    if (recreating) {
      this.replaced.add(s.urn);
      this.emit({ op: "replace", urn: s.urn, old, new: s });
      await this.create(p, s, "create-replacement");
      return;
    }
    const diff = await this.diff(p, goal, s, old);
    if (diff.changes !== "some" && !old.pendingReplacement && !old.initErrors?.length) {
      s.id = old.id; s.outputs = old.outputs;
      this.emit({ op: "same", urn: s.urn, old, new: s });
    } else if (diff.replaces.length || old.pendingReplacement) await this.replace(p, goal, s, old, diff);
    else {
      const r = await p.update(s.urn, old.id!, old.inputs, old.outputs, s.inputs, goal.ignoreChanges, this.o.preview);
      s.id = old.id; s.outputs = this.markSecrets(s, r.outputs); s.initErrors = r.initErrors ? [...r.initErrors] : undefined;
      this.stamp(s, "update");
      this.emit({ op: "update", urn: s.urn, old, new: s, diffs: diff.diffs, detailed: diff.detailed });
    }
  }
  private async diff(p: ProviderHost, goal: Goal, s: State, old: State): Promise<DiffResult> {
    const replaceFor = (why: string): DiffResult => ({ changes: "some", replaces: [why], diffs: [], deleteBeforeReplace: false });
    if (old.taint) return replaceFor("id");
    if (goal.replaceWith.some((u) => this.replaced.has(u))) return replaceFor("replaceWith");
    if (goal.deletedWith && this.replaced.has(goal.deletedWith)) return replaceFor("deletedWith");
    if (old.provider !== s.provider && (await this.providerForcesReplace(old, s))) return replaceFor("provider");
    let d = await p.diff(s.urn, old.id!, old.inputs, old.outputs, s.inputs, goal.ignoreChanges);
    if (d.changes === "unknown") {
      const diffs = changedKeys(plainProps(old.inputs), plainProps(resetPaths(s.inputs, old.inputs, goal.ignoreChanges)));
      d = { ...d, changes: diffs.length ? "some" : "none", diffs };
    }
    if (d.changes === "some" && goal.replaceOnChanges.length) {
      const paths = goal.replaceOnChanges.map(parsePath);
      const hit = [...d.diffs, ...Object.keys(d.detailed ?? {})].filter((k) => paths.some((x) => pathContains(x, parsePath(k))));
      d = { ...d, replaces: [...new Set([...d.replaces, ...hit])] };
    }
    return d;
  }
  private async providerForcesReplace(old: State, s: State): Promise<boolean> {
    if (!old.provider || !s.provider) return true;
    const o = parseRef(old.provider).urn, n = parseRef(s.provider).urn;
    if (this.aliased.get(o) === n) return false;
    const oldRes = this.olds.get(o), newRes = this.news.get(n), p = this.plugins.get(s.provider);
    if (!oldRes || !newRes || !p) return true;
    return (await p.diffConfig(n, visible(oldRes.inputs), oldRes.outputs, visible(newRes.inputs))).replaces.length > 0;
  }
  private markSecrets(s: State, outputs: Props): Props {
    const out = { ...outputs };
    for (const k of s.additionalSecretOutputs ?? []) if (out[k] !== undefined && !isSecret(out[k])) out[k] = secret(out[k]);
    return out;
  }
  private async create(p: ProviderHost, s: State, op: Op) {
    const r = await p.create(s.urn, s.inputs, this.o.preview, s.customTimeouts?.create);
    s.id = r.id; s.outputs = this.markSecrets(s, r.outputs); s.initErrors = r.initErrors ? [...r.initErrors] : undefined;
    this.stamp(s, op);
    this.emit({ op, urn: s.urn, new: s });
  }
  private async replace(p: ProviderHost, goal: Goal, s: State, old: State, diff: DiffResult) {
    if (old.protect && s.protect) {
      this.error(new Error(`unable to replace ${s.urn}: it is protected`), s.urn);
      if (!this.o.preview) throw new Bail(`unable to replace ${s.urn}: it is protected`);
    }
    if (goal.importId && !this.o.preview) throw new Bail(`${s.urn} is imported and may not be replaced`);
    this.replaced.add(s.urn);
    s.inputs = await this.check(p, s, {}, goal.inputs); // defaults must not carry over from the old resource
    s.created = undefined;
    if (goal.deleteBeforeReplace ?? diff.deleteBeforeReplace) {
      for (const d of (await this.dependentsToReplace(old)).reverse()) {
        if (this.deleted.has(d)) continue;
        if (d.protect) throw new Bail(`unable to replace ${d.urn} as part of replacing ${s.urn}: it is protected`);
        await this.remove(d, "delete-replaced");
        this.recreate.add(d.urn);
      }
      if (!old.pendingReplacement) await this.remove(old, "delete-replaced");
      this.emit({ op: "replace", urn: s.urn, old, new: s, keys: diff.replaces, diffs: diff.diffs, detailed: diff.detailed });
      await this.create(p, s, "create-replacement");
    } else {
      await this.create(p, s, "create-replacement");
      old.delete = true; // deleted after everything else has moved over
      this.emit({ op: "replace", urn: s.urn, old, new: s, keys: diff.replaces, diffs: diff.diffs, detailed: diff.detailed });
    }
  }
  /** Dependents whose own provider says that an unknown in place of the doomed values would replace them. */
  private async dependentsToReplace(root: State): Promise<State[]> {
    const set = new Set([root.urn]), out: State[] = [];
    for (const r of this.o.previous.slice(this.o.previous.indexOf(root) + 1)) {
      if (!r.custom || r.external || r.delete || this.news.has(r.urn)) continue;
      const cascades = (r.deletedWith && set.has(r.deletedWith)) || r.replaceWith?.some((u) => set.has(u)) || (r.provider && set.has(parseRef(r.provider).urn));
      let hit = !!cascades;
      if (!hit) {
        const touched = Object.entries(r.propertyDependencies ?? {}).filter(([, urns]) => urns.some((u) => set.has(u))).map(([k]) => k);
        if (!touched.length) continue;
        const p = await this.pluginFor(r), news = { ...r.inputs };
        for (const k of touched) if (k in news) news[k] = UNKNOWN;
        const d = await p.diff(r.urn, r.id!, r.inputs, r.outputs, news, r.ignoreChanges ?? []);
        hit = d.replaces.length > 0 || touched.some((k) => r.replaceOnChanges?.some((x) => pathContains(parsePath(x), parsePath(k))));
      }
      if (hit) { set.add(r.urn); out.push(r); }
    }
    return out;
  }
  private async import(p: ProviderHost, goal: Goal, s: State, old: State | undefined) {
    const r = await p.read(s.urn, goal.importId!, {}, {});
    if (!r.id) throw new Bail(`${s.urn}: resource ${goal.importId} does not exist`);
    s.id = r.id; s.outputs = r.outputs;
    s.inputs = await this.check(p, s, r.inputs, resetPaths(goal.inputs, r.inputs, goal.ignoreChanges));
    await this.analyze(s);
    const d = await p.diff(s.urn, s.id, r.inputs, r.outputs, s.inputs, goal.ignoreChanges);
    if (d.changes === "some" || (d.changes === "unknown" && changedKeys(plainProps(r.inputs), plainProps(s.inputs)).length))
      this.o.diag?.("warning", `inputs to import do not match the existing resource: ${d.diffs.join(", ")}`, s.urn);
    if (old) old.delete = true;
    this.emit({ op: "create", urn: s.urn, old, new: s });
  }

  // ---- deletion -------------------------------------------------------------------------------------------
  private async remove(r: State, op: Op) {
    this.emit({ op, urn: r.urn, old: r });
    if (op === "delete" && r.protect) throw new Bail(`${r.urn} is protected and cannot be deleted`);
    const skip = r.external || r.retainOnDelete || !r.custom || isProviderType(r.type) ||
      (r.deletedWith && this.o.previous.some((x) => x.urn === r.deletedWith && this.deleted.has(x)));
    if (!this.o.preview && !skip) await (await this.pluginFor(r)).delete(r.urn, r.id!, r.inputs, r.outputs);
    this.deleted.add(r);
    this.checkpoint();
  }
  /** Reverse dependency order. The checkpoint lists dependencies before dependents, so reversing it is enough. */
  private deleteOrder(rs: State[]): State[] {
    const at = new Map(this.o.previous.map((r, i) => [r, i]));
    return [...rs].sort((a, b) => at.get(b)! - at.get(a)!);
  }
}
const visible = ({ __internal: _drop, ...rest }: Props): Props => rest;
export const emptyGoal = { dependencies: [], propertyDependencies: {}, ignoreChanges: [], replaceOnChanges: [], aliases: [], additionalSecretOutputs: [], providers: {}, replaceWith: [] };
