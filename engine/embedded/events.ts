import type { Props } from "../../lib/pulumi-value.ts";
import type { Diagnostic, EngineEvent } from "../index.ts";
import type { Observer } from "./context.ts";
import type { PolicyPack } from "./policy.ts";
import type { State } from "../state/deployment.ts";
import { isLogical, type PlannedStep } from "./step.ts";
import { redact } from "../values.ts";

/** The run as the CLI's event log has it, so that tools made for the CLI read ours. Secrets are `[secret]`. */
export function eventLog(emit: (e: EngineEvent) => void, preview: boolean): Observer & { readonly start: (config: Readonly<Record<string, string>>, secretKeys: readonly string[], packs: readonly PolicyPack[]) => void; readonly end: (changes: Readonly<Record<string, number>>, packs: readonly PolicyPack[], result: "succeeded" | "failed" | "canceled", seconds: number) => void } {
  let sequence = 0;
  const send = (name: string, body: object): void => { emit({ sequence: sequence++, timestamp: Math.floor(Date.now() / 1000), [name]: body }); };
  const policy = (p: { readonly policy: string; readonly pack: string; readonly version: string }): object => ({ color: "never", policyName: p.policy, policyPackName: p.pack, policyPackVersion: p.version, policyPackVersionTag: p.version });
  return {
    start: (config, secretKeys, packs) => {
      if (packs.length) send("policyLoadEvent", {});
      send("preludeEvent", { config: Object.fromEntries(Object.entries(config).map(([k, v]) => [k, secretKeys.includes(k) ? "[secret]" : v])) });
    },
    begun: (s) => { send("resourcePreEvent", { metadata: metadata(s), ...(preview && { planning: true }) }); },
    ended: (s) => {
      if (s.ok === false && preview) return; // its diagnostic says so
      if (s.ok === false) send("resOpFailedEvent", { metadata: metadata(s), status: 0, steps: 0 });
      else send("resOutputsEvent", { metadata: metadata(s), ...(preview && { planning: true }) });
    },
    said: (d: Diagnostic) => { send("diagnosticEvent", { ...(d.urn !== undefined && { urn: d.urn }), prefix: `${d.severity}: `, message: `${d.message}\n`, color: "never", severity: d.severity }); },
    violated: (v) => { send("policyEvent", { resourceUrn: v.urn, message: v.message, ...policy(v), enforcementLevel: v.level, ...(v.severity !== "unspecified" && { severity: v.severity }) }); },
    remediated: (r, urn, before) => { send("policyRemediationEvent", { resourceUrn: urn, ...policy(r), before: redact(before), after: redact(r.properties) }); },
    end: (changes, packs, result, seconds) => {
      send("summaryEvent", { maybeCorrupt: false, durationSeconds: Math.round(seconds), resourceChanges: changes, PolicyPacks: Object.fromEntries(packs.map((p) => [p.name, p.version])), isPreview: preview, result });
      send("cancelEvent", {});
    },
  };
}
function metadata(s: PlannedStep): object {
  const r = s.new ?? s.old, now = s.op === "refresh" ? (s.refreshed?.state ?? undefined) : s.new;
  return {
    op: s.op, urn: s.urn, type: r?.type ?? "", old: stateOf(s.old), new: stateOf(now), ...(s.keys?.length && { keys: s.keys }), ...(s.diffs?.length && { diffs: s.diffs }),
    detailedDiff: s.detailed ? Object.fromEntries(Object.entries(s.detailed).map(([k, v]) => [k, { diffKind: v.kind, inputDiff: v.inputDiff }])) : null, ...(isLogical(s.op) && { logical: true }), provider: r?.provider ?? "",
  };
}
function stateOf(s: State | undefined): object | null {
  if (!s) return null;
  return {
    type: s.type, urn: s.urn, ...(s.custom && { custom: true }), ...(s.delete && { delete: true }), id: s.id ?? "", parent: s.parent ?? "", ...(s.protect && { protect: true }), ...(s.external && { external: true }),
    ...(s.retainOnDelete && { retainOnDelete: true }), inputs: redact(s.inputs) as Props, outputs: redact(s.outputs) as Props, provider: s.provider ?? "", ...(s.initErrors?.length && { initErrors: s.initErrors }),
  };
}
