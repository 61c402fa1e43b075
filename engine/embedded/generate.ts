import { FindingError } from "../../lib/finding.ts";
import type { CheckFailure, CheckResult, DiffResult } from "../../lib/provider.ts";
import type { Props } from "../../lib/pulumi-value.ts";
import { engineCodes } from "../codes.ts";
import { findOld } from "./aliases.ts";
import { dependenciesOf, type Context } from "./context.ts";
import { dependentsToReplace } from "./dependents.ts";
import type { Goal } from "./goal.ts";
import { UNASKED, UNKNOWN_CONFIG, type ProviderHost } from "./host.ts";
import { covers, resetPaths } from "./paths.ts";
import { visible } from "./registry.ts";
import type { State } from "./state.ts";
import { Bail, type Chain, type PlannedStep } from "./step.ts";
import { isProviderType, isRoot, makeUrn, parseRef } from "./urn.ts";
import { changedKeys, equal, plainProps, redact } from "./values.ts";

/** What a registration is turned into; with `imported`, the chain reads it first and `afterImport` goes on from there. */
export interface Plan { readonly chain: Chain; readonly state: State; readonly goal: Goal; readonly imported?: boolean }
const NO_DIFF: DiffResult = { changes: "none", replaces: [], diffs: [], deleteBeforeReplace: false };
const because = (key: string): DiffResult => ({ ...NO_DIFF, changes: "some", replaces: [key] });

/** Decides what is to be done for a registration, one at a time, as Pulumi's step generator does: nothing here changes the world. */
export class Generator {
  private readonly c: Context;
  private readonly urns = new Set<string>();
  private readonly pendingDeletes = new Set<State>();
  private readonly dependentKeys = new Map<string, readonly string[]>();
  constructor(c: Context) {
    this.c = c;
  }
  hasSeen(urn: string): boolean {
    return this.urns.has(urn);
  }
  isPendingDelete(s: State): boolean {
    return this.pendingDeletes.has(s);
  }

  urnOf(goal: Pick<Goal, "parent" | "type" | "name">): string {
    const { stack, project } = this.c.settings;
    if (goal.parent !== undefined && !this.urns.has(goal.parent)) throw new Error(`could not find parent resource ${goal.parent}`);
    const urn = makeUrn(stack, project, goal.parent, goal.type, goal.name);
    if (this.urns.has(urn)) throw new Error(`Duplicate resource URN '${urn}'; try giving it a unique name`);
    this.urns.add(urn);
    return urn;
  }
  async plan(goal: Goal): Promise<Plan> {
    const { c } = this, urn = this.urnOf(goal);
    const { old, alias } = findOld(c, urn, goal, (u) => this.urns.has(u));
    c.goals.set(urn, goal);
    const state = newState(urn, goal, old, alias);
    if (isProviderType(goal.type)) for (const u of alias === undefined ? [urn] : [urn, alias]) c.providers.set(u, state);
    const isImport = goal.custom && goal.importId !== undefined && (!old || old.external === true || (old.importID ?? old.id) !== goal.importId);
    if (!isImport) return { chain: await this.continue(goal, old, state, false), state, goal };
    await c.host(goal.provider, urn);
    c.did.imports.add(urn);
    const replacing = old !== undefined && !c.did.deletes.has(urn);
    const step: PlannedStep = { op: replacing ? "import-replacement" : "import", urn, ...(old && { old }), new: state, ignoreChanges: goal.ignoreChanges };
    return { chain: replacing ? [step, { op: "replace", urn, old, new: state }] : [step], state, goal, imported: true };
  }
  /** After an import what was read counts as the old state: the program's wishes are checked and diffed against it. An empty chain means that they agree. */
  async afterImport(p: Plan): Promise<Plan> {
    const state = newState(p.state.urn, p.goal, p.state, undefined);
    state.importID = p.state.importID;
    return { ...p, chain: await this.continue(p.goal, p.state, state, true), state, imported: false };
  }
  planRead(s: State): Chain {
    const { c } = this, old = c.olds.get(s.urn);
    if (!s.id) throw new Error(`expected an id for ${s.urn}`);
    if (old && !old.external && old.id !== s.id) {
      c.did.replaces.add(s.urn);
      return [{ op: "read-replacement", urn: s.urn, old, new: s }, { op: "replace", urn: s.urn, old, new: s }];
    }
    c.did.reads.add(s.urn);
    return [{ op: "read", urn: s.urn, ...(old && { old }), new: s }];
  }

  private async continue(goal: Goal, old: State | undefined, s: State, imported: boolean): Promise<Chain> {
    const { c } = this, { urn } = s;
    const host = goal.custom && !isProviderType(goal.type) ? await c.host(goal.provider, urn) : null;
    const recreating = c.did.deletes.has(urn), wasExternal = old?.external === true;
    const fresh = !old || recreating || wasExternal || old.taint === true;
    const targeted = isProviderType(s.type) || isRoot(urn) || c.targeted(s, dependenciesOf(s));
    const missing = targeted ? dependenciesOf(s).concat(s.parent ?? []).find((u) => c.did.skipped.has(u)) : undefined;
    if (missing !== undefined) throw new FindingError(engineCodes.finding("TARGET_UNKNOWN", { message: `${urn} depends on ${missing}, which isn't there yet and isn't among the targets`, path: urn, hint: `add --target '${missing}'` }));
    const { props: wanted, failed } = old ? resetPaths(goal.inputs, old.inputs, goal.ignoreChanges) : { props: goal.inputs, failed: [] };
    if (failed.length) c.say("info", `cannot ignore changes in added or removed elements of the path: "${failed.join(", ")}"`, urn);
    let failures: readonly CheckFailure[] = [];
    if (goal.custom && targeted) {
      const r = await this.check(host, s, fresh ? {} : old.inputs, fresh ? goal.inputs : wanted);
      failures = r.failures;
      s.inputs = r.inputs;
    } else if (goal.custom && old) s.inputs = old.inputs;
    for (const f of failures) this.sayFailure(s, f);
    const invalid = await this.analyze(s, goal, !goal.custom && old ? wanted : s.inputs);
    if (invalid || failures.length) throw new Bail(`resource ${urn} is invalid`);

    if (recreating && old) {
      c.did.deletes.delete(urn);
      c.did.replaces.add(urn);
      const keys = this.dependentKeys.get(urn);
      return [{ op: "replace", urn, old, new: s, ...(keys && { keys }) }, { op: "create-replacement", urn, old, new: s, ...(keys && { keys }) }];
    }
    if (wasExternal) {
      c.did.creates.add(urn);
      return [{ op: "create-replacement", urn, old, new: s, pendingDelete: true }, { op: "replace", urn, old, new: s }];
    }
    if (c.settings.targets.length && !isProviderType(s.type) && !isRoot(urn) && targeted) c.actualTargets.add(urn); // providers come along without being meant
    if (old) return targeted ? this.fromDiff(goal, host, old, s, goal.custom ? s.inputs : wanted, imported) : this.keep(old, s);
    if (!targeted) {
      c.did.sames.add(urn);
      c.did.skipped.add(urn);
      return [{ op: "same", urn, new: s, skipped: true }];
    }
    c.did.creates.add(urn);
    return [{ op: "create", urn, new: s }];
  }
  /** What isn't targeted stays as it is, and so does, before it, what it refers to and nobody has registered. */
  private keep(old: State, s: State): Chain {
    const { c } = this, chain: PlannedStep[] = [];
    const visit = (r: State, urn: string): void => {
      if (r.delete || (r !== old && [c.did.sames, c.did.creates, c.did.updates, c.did.replaces, c.did.reads].some((set) => set.has(r.urn)))) return;
      c.did.sames.add(urn).add(r.urn);
      this.urns.add(r.urn);
      for (const u of [...(r.provider ? [parseRef(r.provider).urn] : []), ...(r.parent ? [r.parent] : []), ...dependenciesOf(r)]) {
        const dep = c.olds.get(c.renamed.get(u) === undefined ? u : "");
        if (dep) visit(dep, dep.urn);
      }
      chain.push({ op: "same", urn: r.urn, old: r, new: { ...r }, untargeted: true });
    };
    visit(old, s.urn);
    return chain;
  }
  private async check(host: ProviderHost | null, s: State, olds: Props, news: Props): Promise<CheckResult> {
    return host ? host.check(s.urn, olds, news, this.c.preview) : this.c.registry.check(s.urn, s.type, olds, news);
  }
  private sayFailure(s: State, f: CheckFailure): void {
    const value = f.property ? s.inputs[f.property] : undefined, about = f.property ? `property ${f.property}${value === undefined ? "" : ` value ${JSON.stringify(redact(value))}`} has a problem: ` : "";
    this.c.say("error", `${s.type} resource '${s.urn.split("::").slice(3).join("::")}'${about === "" ? " has a problem: " : `: ${about}`}${f.reason}`, s.urn, "CHECK_FAILED");
  }
  /** Remediations first, one after the other; then every policy judges what came of them. Whether the resource may not go on. */
  private async analyze(s: State, goal: Goal, inputs: Props): Promise<boolean> {
    const { c } = this, provider = c.providerOf(s.provider), judged = { ...s, inputs };
    for (const pack of c.packs) {
      const { changes, violations } = await pack.remediate(judged, goal.deleteBeforeReplace, provider);
      c.report(violations);
      for (const r of changes) {
        const kept = s.inputs["__internal"];
        c.observer.remediated?.(r, s.urn, judged.inputs);
        judged.inputs = s.inputs = { ...r.properties, ...(kept !== undefined && { __internal: kept }) };
      }
    }
    let invalid = false;
    for (const pack of c.packs) if (c.report((await pack.analyze(judged, goal.deleteBeforeReplace, provider)).violations) && !c.preview) invalid = true;
    return invalid;
  }

  private async fromDiff(goal: Goal, host: ProviderHost | null, old: State, s: State, inputs: Props, imported: boolean): Promise<Chain> {
    const { c } = this, { urn } = s;
    const hasInitErrors = (old.initErrors?.length ?? 0) > 0;
    const d = applyReplaceOnChanges(await this.diff(goal, host, old, s, inputs), goal.replaceOnChanges, hasInitErrors);
    const fields = { old, new: s, keys: d.replaces, diffs: d.diffs, ...(d.detailed && { detailed: d.detailed }) };
    if (d.changes !== "some" && !old.pendingReplacement && !hasInitErrors) {
      if (imported) return [];
      c.did.sames.add(urn);
      return [{ op: "same", urn, old, new: s }];
    }
    if ((d.changes === "some" && replaces(d)) || old.pendingReplacement) return this.replacement(goal, host, old, s, d, fields);
    c.did.updates.add(urn);
    return [{ op: "update", urn, ...fields, ignoreChanges: goal.ignoreChanges }];
  }
  private async replacement(goal: Goal, host: ProviderHost | null, old: State, s: State, d: DiffResult, fields: Omit<PlannedStep, "op" | "urn">): Promise<Chain> {
    const { c } = this, { urn } = s;
    if (s.protect && old.protect) {
      const message = `unable to replace resource "${urn}" as it is currently marked for protection. To unprotect the resource, remove the \`protect\` flag from the resource in the program and run up`;
      c.say("error", message, urn, "PROTECTED");
      if (!c.preview) throw new Bail(message);
    }
    if (goal.importId !== undefined) {
      const message = "previously-imported resources that still specify an ID may not be replaced; please remove the `import` declaration from your program";
      if (!c.preview) throw new Error(message);
      c.say("warning", message, urn);
    }
    c.did.replaces.add(urn);
    if (goal.custom && !old.taint) { // defaults must not carry over from the old resource
      const r = await this.check(host, s, {}, goal.inputs);
      for (const f of r.failures) this.sayFailure(s, f);
      if (r.failures.length) throw new Bail(`resource ${urn} has check errors`);
      s.inputs = r.inputs;
    }
    if (!(goal.deleteBeforeReplace ?? d.deleteBeforeReplace)) return [{ op: "create-replacement", urn, ...fields, pendingDelete: true }, { op: "replace", urn, ...fields }];

    const chain: PlannedStep[] = [];
    for (const { state: r, keys } of (await dependentsToReplace(c, old, urn)).reverse()) {
      if (this.pendingDeletes.has(r)) continue;
      this.dependentKeys.set(r.urn, keys);
      if (!r.delete && r.protect) {
        c.say("error", `unable to replace resource "${r.urn}" as part of replacing "${urn}" as it is currently marked for protection`, r.urn, "PROTECTED");
        throw new Bail(`${r.urn} is protected`);
      }
      chain.push(r.delete ? { op: deletion(r, false), urn: r.urn, old: r } : { op: deletion(r, true), urn: r.urn, old: r, pendingReplacement: true });
      c.did.deletes.add(r.urn);
      this.pendingDeletes.add(r);
    }
    if (old.provider) await c.host(old.provider, old.urn);
    if (!old.pendingReplacement) {
      c.did.deletes.add(old.urn);
      chain.push({ op: deletion(old, true), urn: old.urn, old, pendingReplacement: true });
    }
    this.pendingDeletes.add(old);
    return [...chain, { op: "replace", urn, ...fields }, { op: "create-replacement", urn, ...fields }];
  }
  private async diff(goal: Goal, host: ProviderHost | null, old: State, s: State, inputs: Props): Promise<DiffResult> {
    const { c } = this;
    if (old.taint) return because("id");
    if (goal.replaceWith.some((u) => c.did.replaces.has(u))) return because("replaceWith");
    if (goal.deletedWith !== undefined && c.did.replaces.has(goal.deletedWith)) return because("deletedWith");
    if ((old.provider ?? "") !== (s.provider ?? "") && (await this.providerForcesReplace(old, s))) return because("provider");
    if (isProviderType(s.type)) return c.registry.diff(s.urn, old.id ?? "", old.inputs, old.outputs, inputs);
    if (!host) return equal(old.inputs, inputs) ? NO_DIFF : { ...NO_DIFF, changes: "some", diffs: changedKeys(old.inputs, inputs) };
    return diffResource(c, host, old, inputs, goal.ignoreChanges);
  }
  /** A resource whose provider changed is replaced only if the new provider says that its configuration asks for it. */
  private async providerForcesReplace(old: State, s: State): Promise<boolean> {
    const { c } = this;
    if (!old.provider || !s.provider) return true;
    const before = parseRef(old.provider).urn, now = parseRef(s.provider).urn;
    if (c.renamed.get(before) === now) return false;
    const oldRes = c.previous.find((r) => r.urn === before && r.id === parseRef(old.provider as string).id) ?? c.olds.get(before), newRes = c.providers.get(now) ?? c.olds.get(now);
    if (!oldRes || !newRes) return true;
    const d = await (await c.host(s.provider, s.urn)).diffConfig(now, visible(oldRes.inputs), oldRes.outputs, visible(newRes.inputs));
    return replaces(d);
  }
}

/** The provider's own diff; where it can't tell, inputs are compared with secrets unwrapped. */
export async function diffResource(c: Context, host: ProviderHost, old: State, inputs: Props, ignoreChanges: readonly string[]): Promise<DiffResult> {
  if (!host.known) {
    c.say("warning", UNKNOWN_CONFIG, old.urn);
    return UNASKED;
  }
  const d = await host.diff(old.urn, old.id ?? "", old.inputs, old.outputs, inputs, ignoreChanges);
  if (d.changes !== "unknown") return d;
  const diffs = changedKeys(plainProps(old.inputs), plainProps(resetPaths(inputs, old.inputs, ignoreChanges).props));
  return { ...d, changes: diffs.length ? "some" : "none", ...(diffs.length && { diffs }) };
}
/** What `replaceOnChanges` names becomes a reason to replace; it can't where the provider names neither changed keys nor paths. */
export function applyReplaceOnChanges(d: DiffResult, paths: readonly string[], hasInitErrors: boolean): DiffResult {
  if (paths.length === 0 || (d.changes !== "some" && !hasInitErrors)) return d;
  const detailed = d.detailed && Object.fromEntries(Object.entries(d.detailed).map(([k, v]) => [k, covers(paths, k) && !v.kind.endsWith("-replace") ? { ...v, kind: `${v.kind}-replace` as typeof v.kind } : v]));
  const initError = hasInitErrors && covers(paths, "#initerror");
  const replaces = [...new Set([...d.replaces, ...d.diffs.filter((k) => covers(paths, k)), ...(initError ? ["#initerror"] : [])])];
  return { ...d, replaces, ...(detailed && { detailed }), ...(initError && { changes: "some" }) };
}
export const replaces = (d: DiffResult): boolean => d.replaces.length > 0 || Object.values(d.detailed ?? {}).some((v) => v.kind.endsWith("-replace"));
/** An external resource isn't ours: nothing is deleted, it's only forgotten. */
export const deletion = (s: State, replacing: boolean): PlannedStep["op"] => (s.external ? (replacing ? "discard-replaced" : "discard") : replacing ? "delete-replaced" : "delete");

function newState(urn: string, goal: Goal, old: State | undefined, alias: string | undefined): State {
  return {
    urn, custom: goal.custom, type: goal.type, inputs: goal.inputs, outputs: {}, parent: goal.parent, protect: goal.protect ?? false, dependencies: goal.dependencies,
    propertyDependencies: goal.propertyDependencies, provider: goal.provider, additionalSecretOutputs: goal.additionalSecretOutputs, aliases: alias === undefined ? undefined : [alias], importID: goal.importId,
    retainOnDelete: goal.retainOnDelete ?? false, deletedWith: goal.deletedWith, replaceWith: goal.replaceWith, ignoreChanges: goal.ignoreChanges, replaceOnChanges: goal.replaceOnChanges,
    customTimeouts: goal.customTimeouts, created: old?.created, modified: old?.modified, sourcePosition: goal.sourcePosition,
  };
}
