import { diffOf, type CheckResult, type DiffResult } from "../../lib/provider.ts";
import { UNKNOWN, type Props } from "../../lib/pulumi-value.ts";
import { findOld } from "./aliases.ts";
import { dependenciesOf, referencesOf, type Context } from "./context.ts";
import { dependentsToReplace } from "./dependents.ts";
import type { Goal } from "./goal.ts";
import { applyReplaceOnChanges, diffResource, providerForcesReplace, replaces } from "./diff.ts";
import type { Handler } from "./host.ts";
import { resetPaths } from "./paths.ts";
import type { State } from "../state/deployment.ts";
import { Bail, type Chain, type PlannedStep } from "./step.ts";
import { isProviderType, isRoot, parseRef, parseUrn } from "../urn.ts";
import { changedKeys, equal, redact } from "../values.ts";

/** What a registration is turned into; with `imported`, the chain reads it first and `afterImport` goes on from there. */
export interface Plan { readonly chain: Chain; readonly state: State; readonly goal: Goal; readonly imported?: boolean }
const because = (key: string): DiffResult => diffOf("some", [], [key]);

/** Decides what is to be done for a registration, one at a time, as Pulumi's step generator does: nothing here changes the world. */
export class Generator {
  private readonly c: Context;
  private readonly urns = new Set<string>();
  /** Deletions that a replacement still to come made, or will. */
  readonly pendingDeletes = new Set<State>();
  private readonly missed = new Set<string>();
  private readonly dependentKeys = new Map<string, readonly string[]>();
  constructor(c: Context) {
    this.c = c;
  }
  urnOf(goal: Pick<Goal, "parent" | "type" | "name">): string {
    if (goal.parent !== undefined && !this.urns.has(goal.parent)) throw new Error(`could not find parent resource ${goal.parent}`);
    const urn = this.c.urnOf(goal);
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
    const step: PlannedStep = { op: replacing ? "import-replacement" : "import", urn, ...(old && { old }), new: state };
    return { chain: replacing ? [step, { op: "replace", urn, old, new: state }] : [step], state, goal, imported: true };
  }
  /** After an import what was read counts as the old state: the program's wishes are checked and diffed against it. An empty chain means that they agree. */
  async afterImport(p: Plan): Promise<Plan> {
    const state = newState(p.state.urn, p.goal, p.state, undefined);
    state.importID = p.state.importID;
    return { ...p, chain: await this.continue(p.goal, p.state, state, true), state, imported: false };
  }
  planRead(goal: Goal, id: string): Plan {
    const { c } = this, urn = this.urnOf(goal), old = c.olds.get(urn), state: State = { ...newState(urn, goal, undefined, undefined), id: id || UNKNOWN, external: true };
    const replacing = old !== undefined && !old.external && old.id !== state.id;
    (replacing ? c.did.replaces : c.did.reads).add(urn);
    return { state, goal, chain: replacing ? [{ op: "read-replacement", urn, old, new: state }, { op: "replace", urn, old, new: state }] : [{ op: "read", urn, old, new: state }] };
  }

  private async continue(goal: Goal, old: State | undefined, s: State, imported: boolean): Promise<Chain> {
    const { c } = this, { urn } = s;
    const handler = goal.custom ? await c.handler(s) : null;
    const recreating = c.did.deletes.has(urn), wasExternal = old?.external === true;
    const fresh = !old || recreating || wasExternal || old.taint === true;
    const meant = c.settings.targets.length > 0 && c.targeted(s), targeted = meant || c.settings.targets.length === 0 || isProviderType(s.type) || isRoot(urn);
    if (targeted) this.refuseMissing(s);
    const { props: wanted, failed } = old ? resetPaths(goal.inputs, old.inputs, goal.ignoreChanges) : { props: goal.inputs, failed: [] };
    if (failed.length) c.say("info", `cannot ignore changes in added or removed elements of the path: "${failed.join(", ")}"`, urn);
    let valid = true;
    if (handler && targeted) valid = this.checked(s, await handler.check(s, fresh ? {} : old.inputs, fresh ? goal.inputs : wanted));
    else if (handler && old) s.inputs = old.inputs;
    const invalid = await this.analyze(s, goal, !goal.custom && old ? wanted : s.inputs);
    if (invalid || !valid) throw new Bail(`resource ${urn} is invalid`);

    if (recreating && old) {
      c.did.deletes.delete(urn);
      c.did.replaces.add(urn);
      const keys = this.dependentKeys.get(urn);
      return [{ op: "replace", urn, old, new: s }, { op: "create-replacement", urn, old, new: s, ...(keys && { keys }) }];
    }
    if (wasExternal) {
      c.did.creates.add(urn);
      return [{ op: "create-replacement", urn, old, new: s, pendingDelete: true }, { op: "replace", urn, old, new: s }];
    }
    if (meant) c.actualTargets.add(urn);
    if (old) return targeted ? this.fromDiff(goal, handler, old, s, goal.custom ? s.inputs : wanted, imported) : this.keep(old, s);
    if (!targeted) {
      c.did.sames.add(urn);
      c.did.skipped.add(urn);
      return [{ op: "same", urn, new: s, skipped: true }];
    }
    c.did.creates.add(urn);
    return [{ op: "create", urn, new: s }];
  }
  /** With targets: nothing that is done may refer to what was left uncreated. A preview says so of each once. */
  private refuseMissing(s: State): void {
    const { c } = this;
    for (const u of referencesOf(s)) if (c.did.skipped.has(u) && !this.missed.has(u)) {
      this.missed.add(u);
      c.say("error", `${s.urn} depends on ${u}, which isn't there yet and isn't among the targets (add --target '${u}')`, s.urn, "TARGET_UNKNOWN");
      if (!c.preview) throw new Bail("an untargeted creation");
    }
  }
  /** What isn't targeted stays as it is, and so does, before it, what it refers to and nobody has registered. */
  private keep(old: State, s: State): Chain {
    const { c } = this, chain: PlannedStep[] = [];
    if (old.provider && !c.loaded(old.provider)) throw new Error(`provider ${old.provider} for resource ${s.urn} has not been registered yet: a change of providers doesn't go with --target; change the program back to the original ones`);
    const visit = (r: State, urn: string): void => {
      if (r.delete) return;
      c.did.sames.add(urn).add(r.urn);
      this.urns.add(r.urn);
      const provider = r.provider === undefined ? undefined : c.olds.get(parseRef(r.provider).urn);
      if (provider && !c.hasStep(provider.urn) && `${provider.urn}::${provider.id ?? ""}` === r.provider) visit(provider, urn);
      for (const u of [...(r.parent ? [r.parent] : []), ...dependenciesOf(r)]) if (!c.hasStep(u)) {
        const dep = c.olds.get(u);
        if (!dep) throw new Error(`${u}, which the untargeted resource ${urn} refers to, has no old state`);
        visit(dep, urn);
      }
      chain.push({ op: "same", urn: r.urn, old: r, new: { ...r }, untargeted: true });
    };
    visit(old, s.urn);
    return chain;
  }
  /** Makes the inputs what their provider makes of them; says what's wrong with them, and whether nothing is. */
  private checked(s: State, r: CheckResult): boolean {
    s.inputs = r.inputs;
    for (const { property, reason } of r.failures) {
      const value = property ? s.inputs[property] : undefined, about = property ? `: property ${property}${value === undefined ? "" : ` value ${JSON.stringify(redact(value))}`}` : "";
      this.c.say("error", `${s.type} resource '${parseUrn(s.urn).name}'${about} has a problem: ${reason}`, s.urn, "CHECK_FAILED");
    }
    return r.failures.length === 0;
  }
  /** Remediations first, one after the other; then every policy judges what came of them. Whether the resource may not go on. */
  private async analyze(s: State, goal: Goal, inputs: Props): Promise<boolean> {
    const { c } = this, provider = c.providerOf(s.provider), judged = { ...s, inputs };
    for (const pack of c.settings.packs) {
      const { changes, violations } = await pack.remediate(judged, goal.deleteBeforeReplace, provider);
      c.report(violations);
      for (const r of changes) {
        const kept = s.inputs["__internal"];
        c.observer.remediated?.(r, s.urn, judged.inputs);
        judged.inputs = s.inputs = { ...r.properties, ...(kept !== undefined && { __internal: kept }) };
      }
    }
    let invalid = false;
    for (const pack of c.settings.packs) if (c.report(await pack.analyze(judged, goal.deleteBeforeReplace, provider)) && !c.preview) invalid = true;
    return invalid;
  }

  private async fromDiff(goal: Goal, handler: Handler | null, old: State, s: State, inputs: Props, imported: boolean): Promise<Chain> {
    const { c } = this, { urn } = s;
    const hasInitErrors = (old.initErrors?.length ?? 0) > 0;
    const d = applyReplaceOnChanges(await this.diff(goal, handler, old, s, inputs), goal.replaceOnChanges, hasInitErrors);
    const fields = { old, new: s, keys: d.replaces, diffs: d.diffs, ...(d.detailed && { detailed: d.detailed }) };
    if (d.changes !== "some" && !old.pendingReplacement && !hasInitErrors) {
      if (imported) return [];
      c.did.sames.add(urn);
      return [{ op: "same", urn, old, new: s }];
    }
    if ((d.changes === "some" && replaces(d)) || old.pendingReplacement) return this.replacement(goal, handler, old, s, d, fields);
    c.did.updates.add(urn);
    return [{ op: "update", urn, ...fields }];
  }
  private async replacement(goal: Goal, handler: Handler | null, old: State, s: State, d: DiffResult, fields: Omit<PlannedStep, "op" | "urn">): Promise<Chain> {
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
    // Defaults must not carry over from the old resource.
    if (handler && !old.taint && !this.checked(s, await handler.check(s, {}, goal.inputs))) throw new Bail(`resource ${urn} has check errors`);
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
  private async diff(goal: Goal, handler: Handler | null, old: State, s: State, inputs: Props): Promise<DiffResult> {
    const { c } = this;
    if (old.taint) return because("id");
    if (goal.replaceWith.some((u) => c.did.replaces.has(u))) return because("replaceWith");
    if (goal.deletedWith !== undefined && c.did.replaces.has(goal.deletedWith)) return because("deletedWith");
    if ((old.provider ?? "") !== (s.provider ?? "") && (await providerForcesReplace(c, old, s))) return because("provider");
    if (!handler) return equal(old.inputs, inputs) ? diffOf("none") : diffOf("some", changedKeys(old.inputs, inputs));
    return isProviderType(s.type) ? handler.diff(s.urn, old, inputs, []) : diffResource(c, handler, s.urn, old, inputs, goal.ignoreChanges);
  }
}

/** An external resource isn't ours: nothing is deleted, it's only forgotten. */
export const deletion = (s: State, replacing: boolean): PlannedStep["op"] => (s.external ? (replacing ? "discard-replaced" : "discard") : replacing ? "delete-replaced" : "delete");

function newState(urn: string, goal: Goal, old: State | undefined, alias: string | undefined): State {
  return {
    urn, custom: goal.custom, type: goal.type, inputs: goal.inputs, outputs: {}, parent: goal.parent, protect: goal.protect ?? false, dependencies: goal.dependencies,
    propertyDependencies: goal.propertyDependencies, provider: goal.provider, additionalSecretOutputs: goal.additionalSecretOutputs, aliases: alias === undefined ? undefined : [alias], importID: goal.importId,
    retainOnDelete: goal.retainOnDelete ?? false, deletedWith: goal.deletedWith, replaceWith: goal.replaceWith, ignoreChanges: goal.ignoreChanges, replaceOnChanges: goal.replaceOnChanges,
    customTimeouts: goal.customTimeouts, created: old?.created, modified: old?.modified,
  };
}
