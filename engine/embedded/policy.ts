import type { Props } from "../../lib/pulumi-value.ts";
import type { Violation } from "../index.ts";
import { analyzerPb, clean, fromStruct, promised, toStruct, type Method } from "./rpc.ts";
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
export interface Analysed { readonly violations: readonly Violation[]; readonly notApplicable: readonly { readonly policy: string; readonly reason: string }[] }

/** A policy pack. It is started once a run; every resource goes through it, providers, components and the stack too. */
export class PolicyPack {
  readonly name: string;
  readonly version: string;
  private readonly analyzer: Analyzer;
  private readonly stop: () => Promise<void>;
  constructor(name: string, version: string, analyzer: Analyzer, stop: () => Promise<void> = () => Promise.resolve()) {
    this.name = name;
    this.version = version;
    this.analyzer = analyzer;
    this.stop = stop;
  }
  /** What remediations made of the inputs, one after the other; a violation where one couldn't run. */
  async remediate(r: State, dbr: boolean | undefined, provider?: State): Promise<{ readonly changes: readonly Remediation[]; readonly violations: readonly Violation[] }> {
    if (this.analyzer.here?.remediates === false) return { changes: [], violations: [] };
    const response = await promised(this.analyzer, this.analyzer.remediate, this.fill(new analyzerPb.AnalyzeRequest(), r, r.inputs, dbr, provider));
    const all = response.getRemediationsList();
    const base = (x: (typeof all)[number]): { policy: string; pack: string; version: string } => ({ policy: x.getPolicyname(), pack: x.getPolicypackname(), version: x.getPolicypackversion() });
    return {
      changes: all.filter((x) => !x.getDiagnostic()).map((x) => ({ ...base(x), properties: fromStruct(x.getProperties()) })),
      violations: all.filter((x) => x.getDiagnostic()).map((x) => ({ ...base(x), message: x.getDiagnostic(), level: "advisory", severity: "unspecified", urn: r.urn, unknown: true })),
    };
  }
  async analyze(r: State, dbr: boolean | undefined, provider?: State): Promise<Analysed> {
    return analysed(await promised(this.analyzer, this.analyzer.analyze, this.fill(new analyzerPb.AnalyzeRequest(), r, r.inputs, dbr, provider)), () => r.urn);
  }
  /** Judges all resources by their outputs, together. */
  async analyzeStack(rs: readonly State[], dbrOf: (urn: string) => boolean | undefined, providerOf: (ref: string | undefined) => State | undefined, rootUrn: string): Promise<Analysed> {
    const request = new analyzerPb.AnalyzeStackRequest(), known = new Set(rs.map((r) => r.urn));
    request.setResourcesList(rs.map((r) => {
      const m = this.fill(new analyzerPb.AnalyzerResource(), r, r.outputs, dbrOf(r.urn), providerOf(r.provider));
      m.setParent(r.parent ?? "");
      m.setDependenciesList([...(r.dependencies ?? [])]);
      for (const [k, urns] of Object.entries(r.propertyDependencies ?? {})) {
        const d = new analyzerPb.AnalyzerPropertyDependencies();
        d.setUrnsList([...urns]);
        m.getPropertydependenciesMap().set(k, d);
      }
      return m;
    }));
    return analysed(await promised(this.analyzer, this.analyzer.analyzeStack, request), (urn) => (known.has(urn) ? urn : rootUrn));
  }
  close(): Promise<void> {
    return this.stop();
  }
  private fill<M extends Request | Resource>(m: M, r: State, props: Props, dbr: boolean | undefined, provider?: State): M {
    return fill(m, r, props, dbr, provider, this.analyzer.here !== undefined);
  }
}

function fill<M extends Request | Resource>(m: M, r: State, props: Props, dbr: boolean | undefined, provider: State | undefined, here: boolean): M {
  m.setType(r.type);
  m.setUrn(r.urn);
  m.setName(parseUrn(r.urn).name);
  setProperties(m, lowerReferences(visible(props)) as Props, here);
  const o = new analyzerPb.AnalyzerResourceOptions(), t = new analyzerPb.AnalyzerResourceOptions.CustomTimeouts();
  o.setProtect(r.protect === true);
  o.setIgnorechangesList([...(r.ignoreChanges ?? [])]);
  o.setDeletebeforereplacedefined(dbr !== undefined);
  o.setDeletebeforereplace(dbr === true);
  o.setParent(r.parent ?? "");
  o.setAdditionalsecretoutputsList([...(r.additionalSecretOutputs ?? [])]);
  o.setAliasesList([...(r.aliases ?? [])]);
  t.setCreate(r.customTimeouts?.create ?? 0);
  t.setUpdate(r.customTimeouts?.update ?? 0);
  t.setDelete(r.customTimeouts?.delete ?? 0);
  o.setCustomtimeouts(t);
  m.setOptions(o);
  if (provider) {
    const p = new analyzerPb.AnalyzerProviderResource();
    p.setUrn(provider.urn);
    p.setType(provider.type);
    p.setName(parseUrn(provider.urn).name);
    setProperties(p, visible(provider.inputs), here);
    m.setProvider(p);
  }
  return m;
}
/** Every policy reads the properties of every resource: in this process they are handed over as they are, else as a Struct. A policy gets a copy either way. */
function setProperties(m: Request | Resource | InstanceType<typeof analyzerPb.AnalyzerProviderResource>, props: Props, here: boolean): void {
  if (!here) { m.setProperties(toStruct(props)); return; }
  const own = clean(props), struct = { toJavaScript: () => own };
  Object.assign(m, { getProperties: () => struct, hasProperties: () => true });
}
function analysed(response: InstanceType<typeof analyzerPb.AnalyzeResponse>, urnOf: (urn: string) => string): Analysed {
  return {
    violations: response.getDiagnosticsList().map((d): Violation => {
      const level = LEVELS[d.getEnforcementlevel() as 0 | 1 | 2 | 3], message = d.getMessage();
      return {
        policy: d.getPolicyname(), pack: d.getPolicypackname(), version: d.getPolicypackversion(), message,
        level: level === "remediate" ? "mandatory" : level, // still violated after the remediation ran
        severity: SEVERITIES[d.getSeverity() as 0 | 1 | 2 | 3 | 4], urn: urnOf(d.getUrn()),
        ...(message.startsWith("can't run policy ") && message.includes(" during preview: ") && { unknown: true }),
      };
    }),
    notApplicable: response.getNotApplicableList().map((n) => ({ policy: n.getPolicyName(), reason: n.getReason() })),
  };
}
