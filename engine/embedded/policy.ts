import type { Props } from "../../lib/pulumi-value.ts";
import type { Violation } from "../index.ts";
import { analyzerPb, clean, fromStruct, message, promised, toStruct, type Fields, type Method, type StructMessage } from "./rpc.ts";
import { visible } from "./registry.ts";
import type { State } from "../state/deployment.ts";
import { parseUrn } from "../urn.ts";
import { lowerReferences } from "../values.ts";

export const LEVELS = ["advisory", "mandatory", "disabled", "remediate"] as const;
export type Level = (typeof LEVELS)[number];
const SEVERITIES = ["unspecified", "low", "medium", "high", "critical"] as const;
export interface Remediation { readonly policy: string; readonly pack: string; readonly version: string; readonly properties: Props }

type Request = InstanceType<typeof analyzerPb.AnalyzeRequest>;
type Resource = InstanceType<typeof analyzerPb.AnalyzerResource>;
/** Pulumi's Analyzer service as its client offers it, or as the same handlers do in this process. */
export interface Analyzer {
  readonly analyze: Method<Request, InstanceType<typeof analyzerPb.AnalyzeResponse>>;
  readonly analyzeStack: Method<InstanceType<typeof analyzerPb.AnalyzeStackRequest>, InstanceType<typeof analyzerPb.AnalyzeResponse>>;
  readonly remediate: Method<Request, InstanceType<typeof analyzerPb.RemediateResponse>>;
  /** The handlers are called, not sent to: messages needn't be what can be sent. */
  readonly here?: { readonly remediates: boolean };
}

/** A policy pack. It is started once a run; every resource goes through it, providers, components and the stack too. */
export class PolicyPack {
  readonly name: string;
  readonly version: string;
  private readonly analyzer: Analyzer;
  constructor(name: string, version: string, analyzer: Analyzer) {
    this.name = name;
    this.version = version;
    this.analyzer = analyzer;
  }
  /** What remediations made of the inputs, one after the other; a violation where one couldn't run. */
  async remediate(r: State, dbr: boolean | undefined, provider?: State): Promise<{ readonly changes: readonly Remediation[]; readonly violations: readonly Violation[] }> {
    if (this.analyzer.here?.remediates === false) return { changes: [], violations: [] };
    const response = await promised(this.analyzer, this.analyzer.remediate, message(analyzerPb.AnalyzeRequest, this.about(r, r.inputs, dbr, provider)));
    const all = response.getRemediationsList();
    const base = (x: (typeof all)[number]): { policy: string; pack: string; version: string } => ({ policy: x.getPolicyname(), pack: x.getPolicypackname(), version: x.getPolicypackversion() });
    return {
      changes: all.filter((x) => !x.getDiagnostic()).map((x) => ({ ...base(x), properties: fromStruct(x.getProperties()) })),
      violations: all.filter((x) => x.getDiagnostic()).map((x) => ({ ...base(x), message: x.getDiagnostic(), level: "advisory", severity: "unspecified", urn: r.urn, unknown: true })),
    };
  }
  async analyze(r: State, dbr: boolean | undefined, provider?: State): Promise<readonly Violation[]> {
    return violations(await promised(this.analyzer, this.analyzer.analyze, message(analyzerPb.AnalyzeRequest, this.about(r, r.inputs, dbr, provider))), () => r.urn);
  }
  /** Judges all resources by their outputs, together. */
  async analyzeStack(rs: readonly State[], dbrOf: (urn: string) => boolean | undefined, providerOf: (ref: string | undefined) => State | undefined, rootUrn: string): Promise<readonly Violation[]> {
    const known = new Set(rs.map((r) => r.urn)), resourcesList = rs.map((r) => message(analyzerPb.AnalyzerResource, {
      ...this.about(r, r.outputs, dbrOf(r.urn), providerOf(r.provider)), parent: r.parent, dependenciesList: r.dependencies ?? [],
      propertydependenciesMap: Object.fromEntries(Object.entries(r.propertyDependencies ?? {}).map(([k, urnsList]) => [k, message(analyzerPb.AnalyzerPropertyDependencies, { urnsList })])),
    }));
    return violations(await promised(this.analyzer, this.analyzer.analyzeStack, message(analyzerPb.AnalyzeStackRequest, { resourcesList })), (urn) => (known.has(urn) ? urn : rootUrn));
  }
  /** What policies are told of a resource, alone or among all. */
  private about(r: State, props: Props, dbr: boolean | undefined, provider: State | undefined): Fields<Request> & Fields<Resource> {
    const named = (s: State, p: Props): { type: string; urn: string; name: string; properties: StructMessage } => ({ type: s.type, urn: s.urn, name: parseUrn(s.urn).name, properties: this.struct(p) });
    const { create, update, delete: remove } = r.customTimeouts ?? {};
    return {
      ...named(r, lowerReferences(visible(props)) as Props), provider: provider && message(analyzerPb.AnalyzerProviderResource, named(provider, visible(provider.inputs))),
      options: message(analyzerPb.AnalyzerResourceOptions, {
        protect: r.protect, ignorechangesList: r.ignoreChanges, deletebeforereplacedefined: dbr !== undefined, deletebeforereplace: dbr, parent: r.parent,
        additionalsecretoutputsList: r.additionalSecretOutputs, aliasesList: r.aliases, customtimeouts: message(analyzerPb.AnalyzerResourceOptions.CustomTimeouts, { create, update, delete: remove }),
      }),
    };
  }
  /** Every policy reads the properties of every resource: in this process they are handed over as they are, else as a Struct. A policy gets a copy either way. */
  private struct(props: Props): StructMessage {
    if (!this.analyzer.here) return toStruct(props);
    const own = clean(props);
    return Object.assign(toStruct({}), { toJavaScript: () => own });
  }
}
function violations(response: InstanceType<typeof analyzerPb.AnalyzeResponse>, urnOf: (urn: string) => string): readonly Violation[] {
  return response.getDiagnosticsList().map((d): Violation => {
    const level = LEVELS[d.getEnforcementlevel() as 0 | 1 | 2 | 3], text = d.getMessage();
    return {
      policy: d.getPolicyname(), pack: d.getPolicypackname(), version: d.getPolicypackversion(), message: text,
      level: level === "remediate" ? "mandatory" : level, // still violated after the remediation ran
      severity: SEVERITIES[d.getSeverity() as 0 | 1 | 2 | 3 | 4], urn: urnOf(d.getUrn()),
      ...(text.startsWith("can't run policy ") && text.includes(" during preview: ") && { unknown: true }),
    };
  });
}
