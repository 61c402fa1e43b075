import { FindingError } from "../../lib/finding.ts";
import type { DiffKind, ReadResult } from "../../lib/provider.ts";
import { UNKNOWN, type Props } from "../../lib/pulumi-value.ts";
import type { Context } from "./context.ts";
import { diffResource } from "./diff.ts";
import { resetPaths } from "./paths.ts";
import type { Op } from "../index.ts";
import type { Operation, State } from "../state/deployment.ts";
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
const BEGUN: Partial<Record<Op, Operation["type"]>> = {
  create: "creating", "create-replacement": "creating", update: "updating", delete: "deleting", "delete-replaced": "deleting",
  read: "reading", "read-replacement": "reading", import: "importing", "import-replacement": "importing",
};

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
      if (keepGoing || e instanceof ProtectedError) c.told(e);
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
  private async begin({ op, old, new: now }: PlannedStep): Promise<void> {
    const type = BEGUN[op], r = now ?? old;
    if (type && r && real(r)) await this.c.snapshot.begin(r, type);
  }
  private async end(s: PlannedStep): Promise<void> {
    const { snapshot } = this.c, { op, old, new: now } = s, r = now ?? old;
    if (!r || s.skipped || op === "replace" || op === "refresh") return;
    // What was replaced stays until it's deleted, and what was deleted before its replacement until that is there.
    const gone = op === "same" || op === "update" || op === "read" || op === "remove-pending-replace" || (now ? op.startsWith("create") && old?.pendingReplacement : !old?.pendingReplacement);
    await snapshot.end(r, { ...(old && gone && { gone: [old] }), ...(now && { now }) }, op === "same" && old !== undefined && sameRow(old, r));
  }
  private async apply(s: PlannedStep): Promise<PartialFailure | null> {
    const { c } = this, old = s.old as State, now = s.new as State;
    switch (s.op) {
      case "same":
        if (s.skipped) return null;
        now.id = old.id;
        now.outputs = old.outputs;
        if (isProviderType(now.type) && !s.untargeted) await c.registry.same({ ...now, inputs: old.inputs });
        return null;
      case "create": case "create-replacement": {
        const w = now.custom ? await (await c.handler(now)).create(now) : { id: "", outputs: {} };
        if (s.pendingDelete) old.delete = true;
        now.created = now.modified = new Date().toISOString();
        return took(now, w);
      }
      case "update": {
        now.id = old.id;
        now.created = old.created;
        now.modified = old.modified;
        if (!now.custom) return null;
        const w = await (await c.handler(now)).update(old, now);
        now.modified = new Date().toISOString();
        if (w.initErrors?.length) now.inputs = old.inputs; // it isn't as these inputs want it: the next run tries again
        return took(now, w);
      }
      case "delete": case "delete-replaced": case "discard": case "discard-replaced":
        await this.remove(s, old);
        return null;
      case "read": case "read-replacement": {
        if (now.id === UNKNOWN) return null;
        const r = await this.found(now, now.inputs);
        if (s.op === "read-replacement") old.delete = true;
        now.created = s.old?.created;
        now.modified = s.old && (!equal(old.inputs, now.inputs) || !equal(old.outputs, r.outputs)) ? new Date().toISOString() : s.old?.modified;
        return took(now, r);
      }
      case "import": case "import-replacement": {
        const r = await this.found({ ...now, id: now.importID }, {});
        if (!r.inputs) throw new Error(`the provider of ${now.type} does not support importing resources`);
        if (s.op === "import-replacement") old.delete = true;
        now.inputs = resetPaths(r.inputs, r.inputs, now.ignoreChanges ?? []).props;
        now.created = now.modified = new Date().toISOString();
        took(now, r); // an unhealthy one is imported all the same
        return null;
      }
      case "refresh":
        await this.refresh(s, old);
        return null;
      case "replace": case "remove-pending-replace":
        return null;
    }
  }
  /** What the provider knows of a resource that must be there. */
  private async found(s: State, known: Props): Promise<ReadResult> {
    const r = await (await this.c.host(s.provider, s.urn)).read(s, known, known);
    if (!r.id) throw new Error(`resource '${s.id ?? ""}' does not exist`);
    return r;
  }
  private async remove(s: PlannedStep, old: State): Promise<void> {
    const { c } = this;
    if (s.op === "delete" && old.protect)
      throw new ProtectedError(`resource "${old.urn}" cannot be deleted because it is protected: remove the \`protect\` flag from the resource in the program, run up, then delete it`);
    const kept = old.external === true || old.retainOnDelete === true || (old.deletedWith !== undefined && c.did.deletes.has(old.deletedWith));
    if (!c.preview && !kept && old.custom) await (await c.handler(old)).delete(old);
    if (s.pendingReplacement) old.pendingReplacement = true; // deleted: only the creation is still to come
  }
  /** What the provider says of a resource now, against the state: an update, a deletion or nothing. */
  private async refresh(s: PlannedStep, old: State): Promise<void> {
    const { c } = this;
    if (!real(old) || old.pendingReplacement) { s.refreshed = { op: "same", state: old }; return; }
    const host = await c.host(old.provider, old.urn), r = await host.read(old, old.inputs, old.outputs);
    if (!r.id) { s.refreshed = { op: "delete", state: null }; return; }
    const now: State = { ...old, inputs: r.inputs ?? old.inputs };
    took(now, r);
    if (now.initErrors) c.say("warning", `the refreshed resource is in an unhealthy state:\n  * ${now.initErrors.join("\n  * ")}`, old.urn);
    if (!equal(old.inputs, now.inputs) || !equal(old.outputs, now.outputs)) now.modified = new Date().toISOString();
    if (old.external) { s.refreshed = { op: equal(old.outputs, now.outputs) ? "same" : "update", state: now }; return; }
    // The diff that an unchanged program would see now, turned round.
    const diff = await diffResource(c, host, now.urn, now, old.inputs, old.ignoreChanges ?? []);
    const turned = diff.detailed && Object.fromEntries(Object.entries(diff.detailed).map(([k, v]) => [k, { ...v, kind: v.kind.replace(/^add|^delete/, (w) => (w === "add" ? "delete" : "add")) as DiffKind }]));
    s.refreshed = { op: diff.changes === "none" ? "same" : "update", state: now, diff: { ...diff, ...(turned && { detailed: turned }) } };
  }
}

/** What goes to a provider and changes something there. */
const real = (r: State): boolean => r.custom && !isProviderType(r.type);
/** A resource is what its provider answered. */
function took(s: State, r: { readonly id: string; readonly outputs: Props; readonly initErrors?: readonly string[] }): PartialFailure | null {
  if (r.id) s.id = r.id;
  s.outputs = r.outputs;
  s.initErrors = r.initErrors?.length ? [...r.initErrors] : undefined;
  return s.initErrors ? new PartialFailure(s.initErrors) : null;
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
