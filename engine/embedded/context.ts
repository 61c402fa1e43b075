import { FindingError } from "../../lib/finding.ts";
import type { Props } from "../../lib/pulumi-value.ts";
import { engineCodes } from "../codes.ts";
import type { Diagnostic, Violation } from "../index.ts";
import { isTargetOf } from "../targets.ts";
import type { Builtins } from "./builtin.ts";
import type { Goal } from "./goal.ts";
import type { Handler, ProviderHost } from "./host.ts";
import type { PolicyPack, Remediation } from "./policy.ts";
import { Registry, type Load } from "./registry.ts";
import { Snapshot, type Sink } from "./snapshot.ts";
import type { Operation, State } from "../state/deployment.ts";
import { Bail, ShutDown, type PlannedStep } from "./step.ts";
import { isProviderType, makeUrn, parseRef } from "../urn.ts";

/** Who is told of what happens, in order. */
export interface Observer {
  readonly begun?: (step: PlannedStep) => void;
  readonly ended?: (step: PlannedStep) => void;
  readonly said?: (d: Diagnostic) => void;
  readonly violated?: (v: Violation) => void;
  readonly remediated?: (r: Remediation, urn: string, before: Props) => void;
}
/** What a run is asked for: one stack as it was, and all that is needed to do its program. */
export interface Settings {
  readonly project: string;
  readonly stack: string;
  readonly preview: boolean;
  readonly previous: readonly State[];
  readonly operations?: readonly Operation[];
  readonly config: Readonly<Record<string, string>>;
  readonly secretKeys: readonly string[];
  readonly parallel: number;
  readonly targets: readonly string[];
  readonly targetDependents: boolean;
  readonly load: Load;
  /** For one provider call. */
  readonly callTimeoutMs: number;
  readonly stackOutputs?: Builtins["stackOutputs"];
  readonly packs: readonly PolicyPack[];
  readonly sink?: Sink | undefined;
  readonly observer?: Observer;
}
/** What the SDK hears of an organization, which this engine knows nothing of: the name that the CLI's file backend gives. */
export const ORGANIZATION = "organization";

/** What an update knows: old and new resources, what was done to which, and why it must stop. */
export class Context {
  readonly olds = new Map<string, State>();
  readonly news = new Map<string, State>();
  readonly goals = new Map<string, Goal>();
  /** Provider resources of this run by URN, old URNs of renamed ones included. */
  readonly providers = new Map<string, State>();
  readonly steps: PlannedStep[] = [];
  readonly violations: Violation[] = [];
  readonly diagnostics: Diagnostic[] = [];
  /** What was done to a URN. */
  readonly did = { sames: new Set<string>(), creates: new Set<string>(), updates: new Set<string>(), replaces: new Set<string>(), reads: new Set<string>(), deletes: new Set<string>(), imports: new Set<string>(), skipped: new Set<string>() };
  /** Old URN → new, and new → old, of what was found through an alias. */
  readonly renamed = new Map<string, string>();
  readonly oldUrnOf = new Map<string, string>();
  /** Something can't have been done as wanted: the run isn't ok. */
  failed = false;
  /** A step or a registration couldn't run: nothing new is begun. */
  stopped: "error" | "cancelled" | null = null;
  onStop: () => void = () => undefined;

  previous: readonly State[];
  readonly settings: Settings;
  readonly registry: Registry;
  readonly snapshot: Snapshot;
  constructor(o: Settings) {
    this.settings = o;
    this.registry = new Registry(o, (urn) => this.news.get(urn));
    this.snapshot = new Snapshot(o.previous, o.operations ?? [], o.preview ? undefined : o.sink);
    this.previous = o.previous;
    this.rebase(o.previous);
  }
  get observer(): Observer {
    return this.settings.observer ?? {};
  }
  rebase(previous: readonly State[]): void {
    this.previous = previous;
    this.olds.clear();
    for (const r of previous) if (!r.delete) this.olds.set(r.urn, r);
  }
  urnOf({ parent, type, name }: Pick<Goal, "parent" | "type" | "name">): string {
    return makeUrn(this.settings.stack, this.settings.project, parent, type, name);
  }
  get preview(): boolean {
    return this.settings.preview;
  }
  say(severity: Diagnostic["severity"], message: string, urn?: string, code?: string): void {
    const d: Diagnostic = { severity, message, ...(urn !== undefined && { urn }), ...(code !== undefined && { code }) };
    this.diagnostics.push(d);
    if (severity === "error") this.failed = true;
    this.observer.said?.(d);
  }
  private readonly reported = new WeakSet<object>();
  /** Whether people have been told of an error; from now on they have. */
  told(e: unknown): boolean {
    if (typeof e !== "object" || e === null) return false;
    const known = this.reported.has(e);
    this.reported.add(e);
    return known;
  }
  /** Reports an error once, and lets nothing new begin. */
  fail(e: unknown, urn?: string, code = "ENGINE_FAILED"): void {
    if (this.told(e)) this.failed = true;
    else if (e instanceof FindingError) for (const f of e.findings) this.say("error", f.hint === undefined ? f.message : `${f.message} (${f.hint})`, urn, f.code);
    else if (!(e instanceof Bail) && !(e instanceof ShutDown)) this.say("error", e instanceof Error ? e.message : String(e), urn, code);
    this.failed = true;
    this.stop("error");
  }
  stop(why: "error" | "cancelled"): void {
    if (this.stopped) return;
    this.stopped = why;
    if (why === "cancelled") this.failed = true;
    this.onStop();
  }
  /** Whether a mandatory one is among them. */
  report(violations: readonly Violation[]): boolean {
    this.violations.push(...violations);
    for (const v of violations) this.observer.violated?.(v);
    const mandatory = violations.some((v) => v.level === "mandatory");
    this.failed ||= mandatory;
    return mandatory;
  }
  /** The provider behind a reference, if it's ready. */
  loaded(ref: string): ProviderHost | undefined {
    const { urn, id } = parseRef(ref);
    const { configured } = this.registry;
    return configured.get(ref) ?? configured.get(`${this.renamed.get(urn) ?? urn}::${id}`);
  }
  /** The provider behind a reference: of this run, or as it stands in the old state. */
  async host(ref: string | undefined, user: string): Promise<ProviderHost> {
    const { urn, id } = parseRef(ref ?? "");
    const known = this.loaded(ref ?? "");
    if (known) return known;
    const old = this.previous.find((r) => r.urn === urn && r.id === id);
    if (!old) throw new FindingError(engineCodes.finding("ENGINE_FAILED", { message: `unknown provider '${ref ?? ""}' of ${user}`, path: user }));
    return this.registry.same(old);
  }
  /** What answers for a resource: its provider, or the registry for a provider itself. */
  handler(s: State): Handler | Promise<Handler> {
    return isProviderType(s.type) ? this.registry : this.host(s.provider, s.urn);
  }
  /** The provider resource that policies are shown beside a resource. */
  providerOf(ref: string | undefined): State | undefined {
    return ref ? (this.providers.get(parseRef(ref).urn) ?? this.olds.get(parseRef(ref).urn)) : undefined;
  }
  /** Whether it's named itself, or, where dependents are meant too, refers to what is: a child, a user, what its provider serves. */
  targeted(s: State): boolean {
    return this.isTarget(s.urn) || (this.settings.targetDependents && referencesOf(s).some((u) => this.actualTargets.has(u)));
  }
  /** Named themselves, or dependents of such: grows while the run goes on. */
  readonly actualTargets = new Set<string>();
  /** Whether a step was made for it, under this name or the one that it has now. */
  hasStep(urn: string): boolean {
    const { did } = this, now = this.renamed.get(urn) ?? urn;
    return [did.creates, did.sames, did.updates, did.deletes, did.replaces, did.reads].some((set) => set.has(urn) || set.has(now));
  }
  isTarget(urn: string): boolean {
    return isTargetOf(this.settings.targets, urn);
  }
}
/** Everything that a resource refers to, its provider and parent included. */
export function referencesOf(s: State): readonly string[] {
  return [...(s.provider ? [parseRef(s.provider).urn] : []), ...(s.parent ? [s.parent] : []), ...dependenciesOf(s)];
}
export const dependenciesOf = (s: State): readonly string[] => [...(s.dependencies ?? []), ...Object.values(s.propertyDependencies ?? {}).flat(), ...(s.deletedWith ? [s.deletedWith] : []), ...(s.replaceWith ?? [])];
