import type { Props, Value } from "../../lib/pulumi-value.ts";
import { SECRET, SIGNATURE } from "../../lib/pulumi-value.ts";
import type { Diagnostic, EngineEvent, Op, Outcome, Step, StepState, Violation } from "../index.ts";
import { plain } from "./cli.ts";

interface EventState { readonly type: string; readonly urn: string; readonly custom?: boolean; readonly id?: string; readonly parent?: string; readonly protect?: boolean; readonly inputs?: Props; readonly outputs?: Props; readonly provider?: string }
interface Metadata { readonly op: Op; readonly urn: string; readonly type: string; readonly old?: EventState | null; readonly new?: EventState | null; readonly keys?: readonly string[]; readonly diffs?: readonly string[]; readonly detailedDiff?: Readonly<Record<string, { readonly diffKind: string; readonly inputDiff: boolean }>> | null }
interface Events {
  readonly resourcePreEvent?: { readonly metadata: Metadata };
  readonly resOutputsEvent?: { readonly metadata: Metadata };
  readonly resOpFailedEvent?: { readonly metadata: Metadata };
  readonly diagnosticEvent?: { readonly urn?: string; readonly message: string; readonly severity: string; readonly ephemeral?: boolean };
  readonly policyEvent?: { readonly resourceUrn?: string; readonly message: string; readonly policyName: string; readonly policyPackName: string; readonly policyPackVersion: string; readonly enforcementLevel: string; readonly severity?: string };
}
const SEVERITIES: readonly string[] = ["low", "medium", "high", "critical"];
const LEVELS: Readonly<Record<string, Violation["level"]>> = { advisory: "advisory", warning: "advisory", mandatory: "mandatory", disabled: "disabled", remediate: "remediate" };
type Mutable = { -readonly [K in keyof Step]: Step[K] };

/** Makes an outcome of the CLI's event log, event by event. */
export class OutcomeReader {
  private readonly steps: Mutable[] = [];
  private readonly violations: Violation[] = [];
  private readonly diagnostics: Diagnostic[] = [];
  private outputs: Props = {};
  private readonly onStep: ((step: Step) => void) | undefined;
  constructor(onStep?: (step: Step) => void) {
    this.onStep = onStep;
  }
  read(event: EngineEvent): void {
    const e = event as Events;
    if (e.resourcePreEvent) this.steps.push(stepOf(e.resourcePreEvent.metadata));
    else if (e.resOutputsEvent) this.end(e.resOutputsEvent.metadata, true);
    else if (e.resOpFailedEvent) this.end(e.resOpFailedEvent.metadata, false);
    else if (e.policyEvent) this.violated(e.policyEvent);
    else if (e.diagnosticEvent) this.said(e.diagnosticEvent);
  }
  get errors(): number {
    return this.diagnostics.filter((d) => d.severity === "error").length;
  }
  /** `failed`: the CLI's own exit code said so; `more`: what it said outside of its events. */
  outcome(failed: boolean, cancelled: boolean, more: readonly Diagnostic[] = []): Outcome {
    const bad = failed || cancelled || this.errors > 0 || this.steps.some((s) => s.ok === false) || this.violations.some((v) => v.level === "mandatory");
    // A step that fails makes the CLI give up its neighbours, each with an error of its own that says nothing.
    const told = this.diagnostics.filter((d) => !d.message.endsWith("context canceled")), diagnostics = told.some((d) => d.severity === "error") ? told : this.diagnostics;
    return { ok: !bad, cancelled, steps: this.steps, violations: this.violations, outputs: this.outputs, diagnostics: [...diagnostics, ...more] };
  }
  private end(m: Metadata, ok: boolean): void {
    // A refresh begins as one and ends as what it found.
    const begun = this.steps.findLast((s) => s.urn === m.urn && s.ok === undefined && (s.op === m.op || s.op === "refresh"));
    const now = { ...stepOf(m), ok };
    if (m.type === "pulumi:pulumi:Stack" && m.new) this.outputs = marked(m.new.outputs ?? {});
    // A component ends again when its outputs come.
    const again = begun ?? this.steps.findLast((s) => s.urn === m.urn && s.op === m.op);
    if (again) Object.assign(again, now);
    else this.steps.push(now);
    if (again && !begun) return;
    this.onStep?.(now);
  }
  private said(d: NonNullable<Events["diagnosticEvent"]>): void {
    const severity = d.severity === "error" ? "error" : d.severity === "warning" ? "warning" : d.severity === "info" ? "info" : null;
    const message = plain(d.message).trim();
    if (!severity || message === "" || d.ephemeral === true) return;
    // What our providers refuse with begins with its code.
    const [, code, rest] = /^([A-Z]+(?:_[A-Z]+)+): (.*)$/s.exec(message) ?? [];
    this.diagnostics.push({ severity, message: rest ?? message, ...(d.urn !== undefined && d.urn !== "" && { urn: d.urn }), ...(severity === "error" && code !== undefined && { code }) });
  }
  private violated(p: NonNullable<Events["policyEvent"]>): void {
    const message = plain(p.message).trim();
    this.violations.push({
      policy: p.policyName, pack: p.policyPackName, version: p.policyPackVersion, message, level: LEVELS[p.enforcementLevel] ?? "mandatory", urn: p.resourceUrn ?? "",
      severity: SEVERITIES.includes(p.severity ?? "") ? (p.severity as Violation["severity"]) : "unspecified", ...(message.startsWith("can't run policy ") && message.includes(" during preview: ") && { unknown: true }),
    });
  }
}
function stepOf(m: Metadata): Mutable {
  return {
    op: m.op, urn: m.urn, ...(m.old && { old: stateOf(m.old) }), ...(m.new && { new: stateOf(m.new) }), ...(m.keys?.length && { keys: m.keys }), ...(m.diffs?.length && { diffs: m.diffs }),
    ...(m.detailedDiff && { detailed: Object.fromEntries(Object.entries(m.detailedDiff).map(([k, v]) => [k, { kind: v.diffKind, inputDiff: v.inputDiff }])) }),
  };
}
const stateOf = (s: EventState): StepState => ({
  urn: s.urn, type: s.type, custom: s.custom === true, inputs: marked(s.inputs ?? {}), outputs: marked(s.outputs ?? {}),
  ...(s.id !== undefined && s.id !== "" && { id: s.id }), ...(s.parent !== undefined && s.parent !== "" && { parent: s.parent }), ...(s.provider !== undefined && s.provider !== "" && { provider: s.provider }), ...(s.protect === true && { protect: true }),
});
/** The event log says `[secret]`: marked as our own engine marks one, without its value. */
const marked = (p: Props): Props => mark(p) as Props;
const mark = (v: Value): Value => (v === "[secret]" ? { [SIGNATURE]: SECRET, value: "[secret]" } : Array.isArray(v) ? v.map(mark) : typeof v === "object" && v !== null ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, mark(x)])) : v);
