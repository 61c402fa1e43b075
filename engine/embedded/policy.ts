import type { Props, Value } from "../../lib/pulumi-value.ts";
import { call, Empty, fromStruct, pb, toStruct } from "./rpc.ts";
import type { State } from "./state.ts";
import { parseUrn } from "./urn.ts";
import { lowerReferences } from "./values.ts";

export const LEVELS = ["advisory", "mandatory", "disabled", "remediate"] as const;
export type Level = (typeof LEVELS)[number];
export interface Violation { policy: string; pack: string; version: string; message: string; level: Level; urn: string }
export type PolicyConfig = Record<string, { enforcementLevel?: Level; properties?: Props }>;

Empty;

/** A policy pack behind Pulumi's Analyzer service: a spawned plugin's client, or the same handlers in this process. */
export class PolicyPack {
  readonly name: string;
  private readonly client: any;
  constructor(name: string, client: any) {
    this.name = name;
    this.client = client;
  }
  async remediate(r: State, provider?: State): Promise<Props | undefined> {
    const resp = await call(this.client, "remediate", this.fill(new pb.analyzer.AnalyzeRequest(), r, r.inputs, provider));
    let out: Props | undefined;
    for (const x of resp.getRemediationsList()) if (!x.getDiagnostic()) out = fromStruct(x.getProperties());
    return out;
  }
  async analyze(r: State, provider?: State): Promise<Violation[]> {
    return violations(await call(this.client, "analyze", this.fill(new pb.analyzer.AnalyzeRequest(), r, r.inputs, provider)), r.urn);
  }
  async analyzeStack(rs: State[], providers: Map<string, State>, rootUrn: string): Promise<Violation[]> {
    const req = new pb.analyzer.AnalyzeStackRequest();
    req.setResourcesList(rs.map((r) => {
      const m = this.fill(new pb.analyzer.AnalyzerResource(), r, r.outputs, r.provider ? providers.get(r.provider) : undefined);
      m.setParent(r.parent ?? ""); m.setDependenciesList(r.dependencies ?? []);
      for (const [k, urns] of Object.entries(r.propertyDependencies ?? {})) if (urns.length) {
        const d = new pb.analyzer.AnalyzerPropertyDependencies(); d.setUrnsList(urns);
        m.getPropertydependenciesMap().set(k, d);
      }
      return m;
    }));
    return violations(await call(this.client, "analyzeStack", req), rootUrn);
  }

  private fill(m: any, r: State, props: Props, provider?: State): any {
    const { __internal: _drop, ...visible } = props;
    m.setType(r.type); m.setUrn(r.urn); m.setName(parseUrn(r.urn).name); m.setProperties(toStruct(lowerReferences(visible) as Props));
    const o = new pb.analyzer.AnalyzerResourceOptions(), t = new pb.analyzer.AnalyzerResourceOptions.CustomTimeouts();
    o.setProtect(!!r.protect); o.setIgnorechangesList(r.ignoreChanges ?? []); o.setParent(r.parent ?? "");
    o.setAdditionalsecretoutputsList(r.additionalSecretOutputs ?? []); o.setAliasesList(r.aliases ?? []);
    t.setCreate(r.customTimeouts?.create ?? 0); t.setUpdate(r.customTimeouts?.update ?? 0); t.setDelete(r.customTimeouts?.delete ?? 0);
    o.setCustomtimeouts(t); m.setOptions(o);
    if (provider) {
      const p = new pb.analyzer.AnalyzerProviderResource(), { __internal: _x, ...vis } = provider.inputs;
      p.setUrn(provider.urn); p.setType(provider.type); p.setName(parseUrn(provider.urn).name); p.setProperties(toStruct(vis));
      m.setProvider(p);
    }
    return m;
  }
}
const violations = (resp: any, fallback: string): Violation[] => resp.getDiagnosticsList().map((d: any) => ({
  policy: d.getPolicyname(), pack: d.getPolicypackname(), version: d.getPolicypackversion(), message: d.getMessage(),
  level: LEVELS[d.getEnforcementlevel()]!, urn: d.getUrn() || fallback }));
