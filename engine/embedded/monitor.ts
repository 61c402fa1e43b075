import { randomUUID } from "node:crypto";
import type { Props } from "../../lib/pulumi-value.ts";
import { Empty, fromStruct, pb, toStruct, unary } from "./rpc.ts";
import type { Engine, Goal } from "./steps.ts";
import { hasUnknown, lowerOutputs, plainProps } from "./values.ts";

/** Serves ResourceMonitor and Engine to the program runner, translating messages to engine calls. */
export function monitorService(engine: Promise<Engine>, info: { project: string; stack: string; organization: string; preview: boolean; config: Record<string, string>; secretKeys: string[] },
  log: (severity: string, message: string, urn?: string) => void) {
  const { resource: R, engine: E } = pb;
  const packages = new Map<string, { name: string; version: string }>();
  let signal!: () => void, release!: () => void;
  const programDone = new Promise<void>((ok) => (signal = ok)), finished = new Promise<void>((ok) => (release = ok));

  const F = R.ResourceMonitorFeature;
  const features = ["SECRETS", "RESOURCE_REFERENCES", "OUTPUT_VALUES", "ALIAS_SPECS", "DELETED_WITH", "REPLACE_WITH"];
  const monitorHandlers: any = {
      supportsFeature: unary((req) => {
        const r = new R.SupportsFeatureResponse();
        r.setHassupport(["secrets", "resourceReferences", "outputValues", "aliasSpecs", "deletedWith", "replaceWith"].includes(req.getId()));
        return r;
      }),
      getDeploymentInfo: unary(() => {
        const r = new R.DeploymentInfo();
        r.setProject(info.project); r.setStack(info.stack); r.setOrganization(info.organization); r.setDryrun(info.preview);
        for (const [k, v] of Object.entries(info.config)) r.getConfigMap().set(k, v);
        r.setConfigsecretkeysList(info.secretKeys); r.setParallel(16);
        r.setSupportedfeaturesList(features.map((f) => F[`RESOURCE_MONITOR_FEATURE_${f}`]));
        return r;
      }),
      registerPackage: unary((req) => {
        const r = new R.RegisterPackageResponse(), ref = randomUUID();
        packages.set(ref, { name: req.getName(), version: req.getVersion() });
        r.setRef(ref);
        return r;
      }),
      registerResource: unary(async (req) => {
        if (req.getRemote()) throw Object.assign(new Error("ENGINE_UNSUPPORTED: remote components are not supported by the embedded engine"), { code: 12 });
        const state = await (await engine).register(toGoal(req, packages)).catch((e) => {
          throw Object.assign(new Error(e.message), { code: 14 }); // UNAVAILABLE: the SDK stops quietly, the engine has reported it
        });
        const r = new R.RegisterResourceResponse();
        r.setUrn(state.urn); r.setId(req.getCustom() && state.id && !hasUnknown(state.id) ? state.id : "");
        // A component's outputs come later, through registerResourceOutputs.
        r.setObject(toStruct(req.getCustom() ? state.outputs : {}));
        return r;
      }),
      registerResourceOutputs: unary(async (req) => {
        const deps = new Set<string>();
        await (await engine).registerOutputs(req.getUrn(), lowerOutputs(fromStruct(req.getOutputs()), deps) as Props);
        return new Empty();
      }),
      readResource: unary(() => { throw Object.assign(new Error("ENGINE_UNSUPPORTED: reading existing resources (get) is not supported by the embedded engine"), { code: 12 }); }),
      invoke: unary(async (req) => {
        const r = new R.ResourceInvokeResponse(), args = fromStruct(req.getArgs());
        if (req.getTok() === "pulumi:pulumi:getResource") {
          const s = (await engine).state(args.urn as string);
          if (!s) throw new Error(`unknown resource ${args.urn}`);
          r.setReturn(toStruct({ urn: s.urn, id: s.id ?? "", state: s.outputs }));
          return r;
        }
        const out = await (await engine).invoke(req.getTok(), plainProps(args), req.getProvider(), req.getVersion());
        r.setReturn(toStruct(out.result));
        return r;
      }),
      signalAndWaitForShutdown: unary(async () => { signal(); await finished; return new Empty(); }),
  };
  let root = "";
  const engineHandlers: any = {
      log: unary((req) => { log(["debug", "info", "warning", "error"][req.getSeverity()]!, req.getMessage(), req.getUrn()); return new Empty(); }),
      getRootResource: unary(() => { const r = new E.GetRootResourceResponse(); r.setUrn(root); return r; }),
      setRootResource: unary((req) => { root = req.getUrn(); return new E.SetRootResourceResponse(); }),
      startDebugging: unary(() => new Empty()),
      requirePulumiVersion: unary(() => new E.RequirePulumiVersionResponse()),
  };
  const direct = (h: any): any => Object.fromEntries(Object.entries(h).map(([k, f]: [string, any]) => [k, (req: any, cb: any) => f({ request: req }, cb)]));
  return { monitor: direct(monitorHandlers), engine: direct(engineHandlers), monitorHandlers, engineHandlers, programDone, release };
}
const seconds = (text: string): number | undefined => {
  if (!text) return undefined;
  const unit: Record<string, number> = { h: 3600, m: 60, s: 1, ms: 0.001 };
  return [...text.matchAll(/([\d.]+)(h|ms|m|s)/g)].reduce((sum, m) => sum + Number(m[1]) * unit[m[2]!]!, 0);
};
function toGoal(req: any, packages: Map<string, { name: string; version: string }>): Goal {
  const inputs: Props = {}, propertyDependencies: Record<string, string[]> = {};
  for (const [k, d] of req.getPropertydependenciesMap().entries()) propertyDependencies[k] = d.getUrnsList();
  for (const [k, v] of Object.entries(fromStruct(req.getObject()))) {
    const deps = new Set(propertyDependencies[k]);
    inputs[k] = lowerOutputs(v, deps);
    propertyDependencies[k] = [...deps];
  }
  const t = req.getCustomtimeouts();
  const timeouts = t && { create: seconds(t.getCreate()), update: seconds(t.getUpdate()), delete: seconds(t.getDelete()) };
  return {
    type: req.getType(), name: req.getName(), custom: req.getCustom(), parent: req.getParent() || undefined, inputs, propertyDependencies,
    dependencies: req.getDependenciesList(), provider: req.getProvider() || undefined,
    version: packages.get(req.getPackageref())?.version ?? (req.getVersion() || undefined),
    protect: req.hasProtect() ? req.getProtect() : undefined, retainOnDelete: req.hasRetainondelete() ? req.getRetainondelete() : undefined,
    deletedWith: req.getDeletedwith() || undefined, replaceWith: req.getReplaceWithList(),
    deleteBeforeReplace: req.getDeletebeforereplacedefined() || req.getDeletebeforereplace() ? req.getDeletebeforereplace() : undefined,
    ignoreChanges: req.getIgnorechangesList(), replaceOnChanges: req.getReplaceonchangesList(), importId: req.getImportid() || undefined,
    additionalSecretOutputs: req.getAdditionalsecretoutputsList(), providers: Object.fromEntries(req.getProvidersMap().entries()),
    customTimeouts: timeouts && Object.values(timeouts).some((v) => v !== undefined) ? timeouts : undefined,
    aliases: [...req.getAliasurnsList().map((urn: string) => ({ urn })), ...req.getAliasesList().map((a: any) => {
      if (a.hasUrn()) return { urn: a.getUrn() };
      const s = a.getSpec();
      return { name: s.getName(), type: s.getType(), stack: s.getStack(), project: s.getProject(),
        parent: s.hasParenturn() ? s.getParenturn() : undefined, noParent: s.hasNoparent() && s.getNoparent() };
    })],
    sourcePosition: req.getSourceposition()?.getUri(),
  };
}
