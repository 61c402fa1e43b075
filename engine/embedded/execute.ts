import { FindingError } from "../../lib/finding.ts";
import type { DiffKind, ReadResult, Written } from "../../lib/provider.ts";
import { UNKNOWN, type Props } from "../../lib/pulumi-value.ts";
import type { Context } from "./context.ts";
import { diffResource } from "./diff.ts";
import { resetPaths } from "./paths.ts";
import type { State } from "../state/deployment.ts";
import { ShutDown, type Chain, type PlannedStep } from "./step.ts";
import { isProviderType } from "../urn.ts";
import { equal, isSecret, secret } from "../values.ts";

/** What exists but isn't as wanted: it's kept in the state with the reasons, and the step counts as failed. */
class PartialFailure extends Error {
  constructor(reasons: readonly string[]) {
    super(`the resource exists but isn't as wanted:\n  * ${reasons.join("\n  * ")}`);
  }
}
export class ProtectedError extends Error {}

/** Does steps: chains run side by side up to the limit, the steps of one in order. Every step that changes the world is in the checkpoint before and after. */
export class Executor {
  private readonly c: Context;
  private free: number;
  private readonly queue: (() => void)[] = [];
  constructor(c: Context) {
    this.c = c;
    this.free = Math.max(1, c.settings.parallel);
    c.onStop = () => { for (const go of this.queue.splice(0)) go(); };
  }
  /** Rejects with ShutDown where the run stopped before the chain was through; other errors are reported here. */
  async run(chain: Chain, keepGoing = false): Promise<void> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((go) => { this.queue.push(go); });
    try {
      for (const step of chain) {
        if (this.c.stopped && !keepGoing) throw new ShutDown();
        await this.step(step, keepGoing);
      }
    } finally {
      const next = this.queue.shift();
      if (next) next();
      else this.free++;
    }
  }
  private async step(step: PlannedStep, keepGoing: boolean): Promise<void> {
    const { c } = this;
    c.steps.push(step);
    c.observer.begun?.(step);
    let partial: PartialFailure | null = null;
    try {
      await this.begin(step);
      partial = await this.apply(step);
      if (step.refreshed?.state) markSecrets(step.refreshed.state, () => undefined);
      if (step.new && step.op !== "replace") {
        markSecrets(step.new, (m) => { c.say("warning", m, step.urn); });
        if (!step.skipped && !step.op.startsWith("refresh")) c.news.set(step.urn, step.new);
      }
      await this.end(step);
    } catch (e) {
      step.ok = false;
      c.observer.ended?.(step);
      const touched = step.new ?? step.old, code = e instanceof FindingError ? e.findings[0]?.code : undefined;
      // Where the provider never answered, nobody knows whether it's there: the checkpoint keeps what was begun.
      if (touched && step.op !== "same" && code !== "PROVIDER_FAILED") await c.snapshot.abandon(touched).catch(() => undefined);
      if (keepGoing || e instanceof ProtectedError) c.reported.add(e as object);
      if (keepGoing || e instanceof ProtectedError) c.say("error", (e as Error).message, step.urn, e instanceof ProtectedError ? "PROTECTED" : (code ?? "ENGINE_FAILED"));
      else c.fail(e, step.urn);
      throw e;
    }
    step.ok = !partial;
    c.observer.ended?.(step);
    if (!partial) return;
    c.fail(partial, step.urn);
    throw partial;
  }
  private async begin(s: PlannedStep): Promise<void> {
    const real = (r: State | undefined): r is State => r !== undefined && r.custom && !isProviderType(r.type);
    const { snapshot } = this.c;
    if (s.op === "create" || s.op === "create-replacement") { if (real(s.new)) await snapshot.begin(s.new, "creating"); }
    else if (s.op === "update") { if (real(s.new)) await snapshot.begin(s.new, "updating"); }
    else if (s.op === "delete" || s.op === "delete-replaced") { if (real(s.old)) await snapshot.begin(s.old, "deleting"); }
    else if (s.op === "read" || s.op === "read-replacement") { if (real(s.new)) await snapshot.begin(s.new, "reading"); }
    else if ((s.op === "import" || s.op === "import-replacement") && real(s.new)) await snapshot.begin(s.new, "importing");
  }
  private async end(s: PlannedStep): Promise<void> {
    const { snapshot } = this.c, now = s.new as State, old = s.old as State;
    switch (s.op) {
      case "same":
        if (!s.skipped) await snapshot.end(now, { gone: [old], now }, sameRow(old, now));
        return;
      case "create": case "create-replacement":
        await snapshot.end(now, { ...(s.old?.pendingReplacement && { gone: [old] }), now });
        return;
      case "update": case "read": case "read-replacement":
        await snapshot.end(now, { ...(s.old && s.op !== "read-replacement" && { gone: [old] }), now });
        return;
      case "import": case "import-replacement":
        await snapshot.end(now, { now });
        return;
      case "delete": case "delete-replaced": case "discard": case "discard-replaced": case "remove-pending-replace":
        await snapshot.end(old, s.op !== "remove-pending-replace" && old.pendingReplacement ? {} : { gone: [old] });
        return;
      case "replace": case "refresh":
        return;
    }
  }
  private async apply(s: PlannedStep): Promise<PartialFailure | null> {
    const { c } = this, { preview } = c, old = s.old as State, now = s.new as State;
    switch (s.op) {
      case "same":
        if (s.skipped) return null;
        now.id = old.id;
        now.outputs = old.outputs;
        if (isProviderType(now.type) && !s.untargeted) await c.registry.same({ ...now, inputs: old.inputs });
        return null;
      case "create": case "create-replacement": {
        const w = now.custom ? await this.create(now) : { id: "", outputs: {} };
        if (s.op === "create-replacement" && s.pendingDelete) old.delete = true;
        now.created = now.modified = new Date().toISOString();
        return this.written(now, w);
      }
      case "update": {
        now.id = old.id;
        now.created = old.created;
        now.modified = old.modified;
        if (!now.custom) return null;
        const w = isProviderType(now.type) ? await c.registry.update(now.urn, old.id ?? "", now.inputs)
          : await (await c.host(now.provider, now.urn)).update(now.urn, old.id ?? "", old.inputs, old.outputs, now.inputs, s.ignoreChanges ?? [], preview, now.customTimeouts?.update);
        now.modified = new Date().toISOString();
        if (w.initErrors?.length) now.inputs = old.inputs; // it isn't as these inputs want it: the next run tries again
        return this.written(now, { ...w, id: old.id ?? "" });
      }
      case "delete": case "delete-replaced": case "discard": case "discard-replaced":
        await this.remove(s, old);
        return null;
      case "read": case "read-replacement": {
        if (now.id === UNKNOWN) return null;
        const r = await (await c.host(now.provider, now.urn)).read(now.urn, now.id ?? "", now.inputs, now.inputs);
        if (!r.id) throw new Error(`resource '${now.id ?? ""}' does not exist`);
        if (s.op === "read-replacement") old.delete = true;
        now.id = r.id;
        now.outputs = r.outputs;
        now.created = s.old?.created;
        now.modified = s.old && (!equal(old.inputs, now.inputs) || !equal(old.outputs, now.outputs)) ? new Date().toISOString() : s.old?.modified;
        return this.unwell(now, r);
      }
      case "import": case "import-replacement":
        return this.import(s, now);
      case "refresh":
        await this.refresh(s, old);
        return null;
      case "replace": case "remove-pending-replace":
        return null;
    }
  }
  private async create(s: State): Promise<Written> {
    const { c } = this;
    if (isProviderType(s.type)) return c.registry.create(s.urn, s.type, s.inputs);
    return (await c.host(s.provider, s.urn)).create(s.urn, s.inputs, c.preview, s.customTimeouts?.create);
  }
  private written(s: State, w: Written): PartialFailure | null {
    if (w.id) s.id = w.id;
    s.outputs = w.outputs;
    return this.unwell(s, w);
  }
  private unwell(s: State, r: { readonly initErrors?: readonly string[] }): PartialFailure | null {
    s.initErrors = r.initErrors?.length ? [...r.initErrors] : undefined;
    return s.initErrors ? new PartialFailure(s.initErrors) : null;
  }
  private async remove(s: PlannedStep, old: State): Promise<void> {
    const { c } = this;
    if (s.op === "delete" && old.protect)
      throw new ProtectedError(`resource "${old.urn}" cannot be deleted because it is protected: remove the \`protect\` flag from the resource in the program, run up, then delete it`);
    const kept = old.external === true || old.retainOnDelete === true || (old.deletedWith !== undefined && c.did.deletes.has(old.deletedWith));
    if (!c.preview && !kept && old.custom && !isProviderType(old.type)) await (await c.host(old.provider, old.urn)).delete(old.urn, old.id ?? "", old.inputs, old.outputs, old.customTimeouts?.delete);
    if (s.pendingReplacement) old.pendingReplacement = true; // deleted: only the creation is still to come
  }
  private async import(s: PlannedStep, now: State): Promise<PartialFailure | null> {
    const { c } = this, r = await (await c.host(now.provider, now.urn)).read(now.urn, now.importID ?? "", {}, {});
    if (!r.id) throw new Error(`resource '${now.importID ?? ""}' does not exist`);
    if (!r.inputs) throw new Error(`the provider of ${now.type} does not support importing resources`);
    if (s.op === "import-replacement") (s.old as State).delete = true;
    now.id = r.id;
    now.outputs = r.outputs;
    now.inputs = resetPaths(r.inputs, r.inputs, s.ignoreChanges ?? []).props;
    now.created = now.modified = new Date().toISOString();
    now.initErrors = r.initErrors?.length ? [...r.initErrors] : undefined;
    return null;
  }
  /** What the provider says of a resource now, against the state: an update, a deletion or nothing. */
  private async refresh(s: PlannedStep, old: State): Promise<void> {
    const { c } = this;
    if (!old.custom || isProviderType(old.type) || old.pendingReplacement) { s.refreshed = { op: "same", state: old }; return; }
    const host = await c.host(old.provider, old.urn), r: ReadResult = await host.read(old.urn, old.id ?? "", old.inputs, old.outputs, old.customTimeouts?.read);
    if (!r.id) { s.refreshed = { op: "delete", state: null }; return; }
    const now: State = { ...old, id: r.id, inputs: r.inputs ?? old.inputs, outputs: r.outputs, initErrors: r.initErrors?.length ? [...r.initErrors] : undefined };
    if (now.initErrors) c.say("warning", `the refreshed resource is in an unhealthy state:\n  * ${now.initErrors.join("\n  * ")}`, old.urn);
    if (!equal(old.inputs, now.inputs) || !equal(old.outputs, now.outputs)) now.modified = new Date().toISOString();
    if (old.external) { s.refreshed = { op: equal(old.outputs, now.outputs) ? "same" : "update", state: now }; return; }
    // The diff that an unchanged program would see now, turned round.
    const diff = await diffResource(c, host, now.urn, now, old.inputs, old.ignoreChanges ?? []);
    const turned = diff.detailed && Object.fromEntries(Object.entries(diff.detailed).map(([k, v]) => [k, { ...v, kind: v.kind.replace(/^add|^delete/, (w) => (w === "add" ? "delete" : "add")) as DiffKind }]));
    s.refreshed = { op: diff.changes === "none" ? "same" : "update", state: now, diff: { ...diff, ...(turned && { detailed: turned }) } };
  }
}

/** Outputs that the program wants secret, and those whose equally named input is one. */
function markSecrets(s: State, warn: (message: string) => void): void {
  const out: Props = { ...s.outputs };
  let changed = false;
  for (const k of [...(s.additionalSecretOutputs ?? []), ...Object.keys(s.inputs).filter((k) => isSecret(s.inputs[k]))]) {
    if (k === "id" && s.additionalSecretOutputs?.includes("id")) warn("The 'id' property cannot be made secret. See pulumi/pulumi#2717 for more details.");
    const v = out[k];
    if (k === "id" || v === undefined || isSecret(v)) continue;
    out[k] = secret(v);
    changed = true;
  }
  if (changed) s.outputs = out;
}
/** Whether writing the checkpoint would change nothing that matters: most of an unchanged stack. */
function sameRow(a: State, b: State): boolean {
  const small = (s: State): string => JSON.stringify([s.urn, s.type, s.custom, s.id, s.parent, s.provider, s.protect ?? false, s.retainOnDelete ?? false, s.deletedWith, [...(s.replaceWith ?? [])].sort(), [...(s.dependencies ?? [])].sort(), s.customTimeouts]);
  return small(a) === small(b) && equal(a.inputs, b.inputs) && equal(a.outputs, b.outputs);
}
