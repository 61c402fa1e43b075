import { randomUUID } from "node:crypto";
import type { FindingError } from "../../lib/finding.ts";
import type { Props } from "../../lib/pulumi-value.ts";
import { ORGANIZATION } from "./context.ts";
import type { Deployment } from "./deployment.ts";
import { emptyGoal, type Goal } from "./goal.ts";
import { empty, enginePb, fromStruct, grpc, message, providerPb, resourcePb, rpcError, toStruct, unary, UNAVAILABLE, type Unary } from "./rpc.ts";
import { ShutDown, unsupportedHere } from "./step.ts";
import type { State } from "../state/deployment.ts";
import { hasUnknown, lowerOutputs, plainProps } from "../values.ts";

type M = typeof resourcePb;
type RegisterRequest = InstanceType<M["RegisterResourceRequest"]>;

/** What the SDK may ask for by name, answered truthfully: what is false here is refused by name when it's used all the same. */
export const FEATURES: Readonly<Record<string, boolean>> = {
  secrets: true, resourceReferences: true, outputValues: true, aliasSpecs: true, deletedWith: true, replaceWith: true,
  transforms: false, invokeTransforms: false, parameterization: false, resourceHooks: false, errorHooks: false,
};
/** The same by number, as the SDK asks for all at once. */
const numbered = (): number[] => Object.keys(FEATURES).filter((f) => FEATURES[f]).map((f) => resourcePb.ResourceMonitorFeature[`RESOURCE_MONITOR_FEATURE_${f.replace(/[A-Z]/g, "_$&").toUpperCase()}` as keyof M["ResourceMonitorFeature"]]);

/** ResourceMonitor and Engine as the program's SDK speaks them. The same handlers serve it in this process and over gRPC. */
export interface MonitorService {
  readonly monitor: Readonly<Record<string, Unary>>;
  readonly engine: Readonly<Record<string, Unary>>;
}
/** `through` is called when the program has said that it's through, and waits for as long as that takes. */
export function monitorService(d: Deployment, through: () => Promise<void> = () => Promise.resolve()): MonitorService {
  const packages = new Map<string, { readonly version: string; readonly url: string }>(), { settings: o } = d.context;
  const refuse = (what: string): never => {
    const e = rpcError(grpc.status.UNIMPLEMENTED, `${what} are not supported by the embedded engine: use the Pulumi CLI (--engine pulumi)`);
    d.context.fail(e, undefined, "ENGINE_UNSUPPORTED");
    throw e;
  };
  /** The SDK stops quietly at "unavailable": what went wrong has been reported where it did. */
  const quietly = async <T>(f: () => Promise<T>): Promise<T> => {
    try {
      return await f();
    } catch (e) {
      throw rpcError(UNAVAILABLE, e instanceof ShutDown ? e.message : "the registration failed; the engine has reported why");
    }
  };
  const request = (ref: string, version: string, url: string): { version?: string; url?: string } => {
    const p = packages.get(ref), v = p?.version ?? version, u = p?.url ?? url;
    return { ...(v && { version: v }), ...(u && { url: u }) };
  };
  const monitor: Record<string, Unary> = {
    supportsFeature: unary((q: InstanceType<M["SupportsFeatureRequest"]>) => message(resourcePb.SupportsFeatureResponse, { hassupport: FEATURES[q.getId()] ?? false })),
    getDeploymentInfo: unary(() => message(resourcePb.DeploymentInfo, {
      project: o.project, stack: o.stack, organization: ORGANIZATION, dryrun: o.preview, parallel: o.parallel, configMap: o.config, configsecretkeysList: [...o.secretKeys], supportedfeaturesList: numbered(),
    })),
    registerPackage: unary((q: InstanceType<M["RegisterPackageRequest"]>) => {
      if (q.hasParameterization()) refuse("parameterised packages");
      const ref = randomUUID();
      packages.set(ref, { version: q.getVersion(), url: q.getDownloadUrl() });
      return message(resourcePb.RegisterPackageResponse, { ref });
    }),
    registerResource: unary((q: RegisterRequest) => {
      if (q.getRemote()) refuse("remote components");
      if (q.getTransformsList().length) refuse("transforms");
      if (hooksOf(q)) refuse("resource hooks");
      return quietly(async () => registered(await d.register(toGoal(q, request(q.getPackageref(), q.getVersion(), q.getPlugindownloadurl()))), q.getCustom()));
    }),
    registerResourceOutputs: unary((q: InstanceType<M["RegisterResourceOutputsRequest"]>) =>
      quietly(async () => {
        await d.registerOutputs(q.getUrn(), lowerOutputs(fromStruct(q.getOutputs()), new Set()) as Props);
        return empty();
      })),
    readResource: unary((q: InstanceType<M["ReadResourceRequest"]>) =>
      quietly(async () => {
        const deps = new Set<string>();
        const s = await d.read({
          ...emptyGoal, custom: true, type: q.getType(), name: q.getName(), inputs: lowerOutputs(fromStruct(q.getProperties()), deps) as Props, parent: q.getParent() || undefined, provider: q.getProvider() || undefined,
          request: request(q.getPackageref(), q.getVersion(), q.getPlugindownloadurl()), dependencies: [...new Set([...q.getDependenciesList(), ...deps])], additionalSecretOutputs: q.getAdditionalsecretoutputsList(),
        }, q.getId());
        return message(resourcePb.ReadResourceResponse, { urn: s.urn, properties: toStruct(s.outputs) });
      })),
    invoke: unary(async (q: InstanceType<M["ResourceInvokeRequest"]>) => {
      const out = await d.invoke(q.getTok(), plainProps(fromStruct(q.getArgs())), q.getProvider() || undefined, request(q.getPackageref(), q.getVersion(), q.getPlugindownloadurl()));
      return message(providerPb.InvokeResponse, { return: toStruct(out.result), failuresList: out.failures.map((f) => message(providerPb.CheckFailure, f)) });
    }),
    call: unary(() => refuse("methods of remote components")),
    registerStackTransform: unary(() => refuse("transforms")),
    registerStackInvokeTransform: unary(() => refuse("invoke transforms")),
    registerResourceHook: unary(() => refuse("resource hooks")),
    registerErrorHook: unary(() => refuse("error hooks")),
    signalAndWaitForShutdown: unary(async () => {
      await through();
      return empty();
    }),
  };
  const engine: Record<string, Unary> = {
    log: unary((q: InstanceType<typeof enginePb.LogRequest>) => {
      log(d, (["debug", "info", "warning", "error"] as const)[q.getSeverity()], q.getMessage(), q.getUrn());
      return empty();
    }),
    setRootResource: unary(() => new enginePb.SetRootResourceResponse()),
    requirePulumiVersion: unary(() => new enginePb.RequirePulumiVersionResponse()),
  };
  return { monitor, engine };
}

/** What people are told of an error in a program: its message, without the stack. */
export const messageOf = (e: unknown): string => (e instanceof Error ? e.message : typeof e === "string" ? e : "an error without a message").replace(/(\n\s+at .*)+/g, "").trim() || "an error without a message";

/** What the SDK says of a feature that the engine doesn't announce: it takes the engine for the CLI. */
export const unannounced = (message: string): FindingError | null => {
  const what = /The Pulumi CLI does not support ([^.]+)\./.exec(message)?.[1];
  return what === undefined ? null : unsupportedHere(what);
};
/** Debug messages of the SDK carry request bodies: they reach nobody. */
function log({ context: c }: Deployment, severity: "debug" | "info" | "warning" | "error", message: string, urn: string): void {
  const refused = severity === "error" && !c.stopped ? unannounced(message) : null;
  if (refused) c.fail(refused);
  else if (severity !== "debug" && !(severity === "error" && c.stopped)) c.say(severity, messageOf(message), urn || undefined, severity === "error" ? "PROGRAM_FAILED" : undefined);
}

function registered(s: State, custom: boolean): InstanceType<M["RegisterResourceResponse"]> {
  // A component's outputs come later, by registerResourceOutputs. What holds an unknown is left out: the SDK takes what is missing in a preview as unknown.
  const known = custom ? Object.fromEntries(Object.entries(s.outputs).filter(([, v]) => !hasUnknown(v))) : {};
  return message(resourcePb.RegisterResourceResponse, { urn: s.urn, id: custom && s.id && !hasUnknown(s.id) ? s.id : "", object: toStruct(known) });
}
const hooksOf = (q: RegisterRequest): boolean => {
  const h = q.getHooks();
  return h !== undefined && [h.getBeforeCreateList(), h.getAfterCreateList(), h.getBeforeUpdateList(), h.getAfterUpdateList(), h.getBeforeDeleteList(), h.getAfterDeleteList(), h.getOnErrorList()].some((l) => l.length > 0);
};
/** `1h2m3.5s` as the SDK passes it, in seconds. */
function seconds(text: string): number | undefined {
  const unit: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001, us: 1e-6, "µs": 1e-6, ns: 1e-9 };
  if (!text) return undefined;
  if (!/^([\d.]+(h|ms|m|s|us|µs|ns))+$/.test(text)) throw new Error(`"${text}" is no duration: write 10m or 90s`);
  return [...text.matchAll(/([\d.]+)(h|ms|m|s|us|µs|ns)/g)].reduce((sum, m) => sum + Number(m[1]) * (unit[m[2] as string] as number), 0);
}
function toGoal(q: RegisterRequest, request: { version?: string; url?: string }): Goal {
  const inputs: Props = {}, propertyDependencies: Record<string, string[]> = {}, given = fromStruct(q.getObject()), dependencies = [...new Set(q.getDependenciesList())];
  const named = q.getPropertydependenciesMap();
  for (const [k, v] of named.entries()) propertyDependencies[k] = [...v.getUrnsList()];
  for (const [k, v] of Object.entries(given)) {
    // Where a caller names no property's dependencies, every property has all of them.
    const deps = new Set(named.getLength() === 0 ? dependencies : propertyDependencies[k]);
    inputs[k] = lowerOutputs(v, deps);
    propertyDependencies[k] = [...deps];
  }
  // A provider's version and URL are inputs of its resource: they choose the plugin.
  if (q.getType().startsWith("pulumi:providers:")) {
    if (request.version) Object.assign(inputs, { version: request.version.replace(/^v/, ""), __internal: { ...(inputs["__internal"] as Props | undefined) } });
    if (request.url) inputs["__internal"] = { ...(inputs["__internal"] as Props | undefined), pluginDownloadURL: request.url };
  }
  const t = q.getCustomtimeouts();
  const timeouts = t && { create: seconds(t.getCreate()), update: seconds(t.getUpdate()), delete: seconds(t.getDelete()) };
  return {
    type: q.getType(), name: q.getName(), custom: q.getCustom(), parent: q.getParent() || undefined, inputs, propertyDependencies, dependencies, provider: q.getProvider() || undefined, request,
    protect: q.hasProtect() ? q.getProtect() : undefined, retainOnDelete: q.hasRetainondelete() ? q.getRetainondelete() : undefined,
    deletedWith: q.getDeletedwith() || undefined, replaceWith: q.getReplaceWithList(),
    deleteBeforeReplace: q.getDeletebeforereplacedefined() || q.getDeletebeforereplace() ? q.getDeletebeforereplace() : undefined,
    ignoreChanges: q.getIgnorechangesList(), replaceOnChanges: q.getReplaceonchangesList(), importId: q.getImportid() || undefined,
    additionalSecretOutputs: q.getAdditionalsecretoutputsList(), providers: Object.fromEntries(q.getProvidersMap().entries()),
    customTimeouts: timeouts && Object.values(timeouts).some((v) => v !== undefined) ? timeouts : undefined,
    aliases: [...q.getAliasurnsList().map((urn) => ({ urn })), ...q.getAliasesList().map((a) => {
      const s = a.getSpec();
      if (!s) return { urn: a.getUrn() };
      return { ...(s.getName() && { name: s.getName() }), ...(s.getType() && { type: s.getType() }), ...(s.getStack() && { stack: s.getStack() }), ...(s.getProject() && { project: s.getProject() }),
        ...(s.hasParenturn() && s.getParenturn() && { parent: s.getParenturn() }), noParent: (s.hasNoparent() && s.getNoparent()) !== (!q.getAliasspecs() && !(s.hasParenturn() && s.getParenturn() !== "")) };
    })],
  };
}
