import type { CheckFailure, CheckResult, DiffKind, DiffResult, Provider, ReadResult, Written } from "../../../lib/provider.ts";
import type { Props } from "../../../lib/pulumi-value.ts";
import { channel, startPlugin, type Plugin } from "./grpc.ts";
import { providerClient, statusPb, unimplemented, type ProviderCalls } from "./client.ts";
import { empty, fromStruct, promised, providerPb, toStruct, type grpc, type Method } from "../../../engine/embedded/rpc.ts";
import { parseUrn } from "../../../engine/urn.ts";
import { plainProps } from "../../../engine/values.ts";

const KINDS: readonly DiffKind[] = ["add", "add-replace", "delete", "delete-replace", "update", "update-replace"];
const CHANGES = ["unknown", "none", "some"] as const;
const NO_DIFF: DiffResult = { changes: "unknown", replaces: [], diffs: [], deleteBeforeReplace: false };
type Pb = typeof providerPb;

const failures = (r: { getFailuresList(): InstanceType<Pb["CheckFailure"]>[] }): CheckFailure[] => r.getFailuresList().map((f) => ({ property: f.getProperty(), reason: f.getReason() }));
function toDiff(r: InstanceType<Pb["DiffResponse"]>): DiffResult {
  const detailed: Record<string, { kind: DiffKind; inputDiff: boolean }> = {};
  for (const [k, v] of r.getDetaileddiffMap().entries()) detailed[k] = { kind: KINDS[v.getKind()] as DiffKind, inputDiff: v.getInputdiff() };
  return { changes: CHANGES[r.getChanges()], replaces: r.getReplacesList(), diffs: r.getDiffsList(), ...(r.getHasdetaileddiff() && { detailed }), deleteBeforeReplace: r.getDeletebeforereplace() };
}

/** A provider plugin in a process of its own, over gRPC. `close` ends the process. */
export class PluginProvider implements Provider {
  private readonly client: ProviderCalls;
  private readonly plugin: Plugin;
  private shaken: InstanceType<Pb["ProviderHandshakeResponse"]> | null = null;
  private constructor(plugin: Plugin) {
    this.plugin = plugin;
    this.client = providerClient(plugin.address, channel);
  }
  static async start(argv: readonly string[], engineAddress: string, env: Readonly<Record<string, string | undefined>>, cwd?: string): Promise<PluginProvider> {
    const p = new PluginProvider(await startPlugin([...argv, engineAddress], { env, ...(cwd !== undefined && { cwd }) }));
    const q = new providerPb.ProviderHandshakeRequest();
    q.setEngineAddress(engineAddress);
    p.shaken = await p.call(p.client.handshake, q).catch((e: unknown) => { if (unimplemented(e)) return null; throw e; });
    return p;
  }
  async checkConfig(urn: string, olds: Props, news: Props): Promise<CheckResult> {
    try {
      return await this.checkWith(this.client.checkConfig, urn, olds, news);
    } catch (e) {
      if (unimplemented(e)) return { inputs: news, failures: [] };
      throw e;
    }
  }
  async diffConfig(urn: string, oldInputs: Props, oldOutputs: Props, newInputs: Props): Promise<DiffResult> {
    try {
      return toDiff(await this.call(this.client.diffConfig, diffRequest(urn, "", oldInputs, oldOutputs, newInputs, [])));
    } catch (e) {
      if (unimplemented(e)) return NO_DIFF;
      throw e;
    }
  }
  async configure(urn: string, id: string, inputs: Props): Promise<{ acceptSecrets: boolean; supportsPreview: boolean }> {
    const q = named(new providerPb.ConfigureRequest(), urn), pkg = parseUrn(urn).type.split(":")[2] ?? "";
    // Settings reach a plugin twice: as a struct, and as the older variables, where what is no text is JSON.
    for (const [k, v] of Object.entries(plainProps(inputs))) if (k !== "version") q.getVariablesMap().set(`${pkg}:config:${k}`, typeof v === "string" ? v : JSON.stringify(v));
    q.setArgs(toStruct(inputs));
    q.setAcceptsecrets(true);
    q.setAcceptresources(true);
    q.setSendsOldInputs(true);
    q.setSendsOldInputsToDelete(true);
    q.setId(id);
    const r = await this.call(this.client.configure, q);
    // Whoever answers a handshake has said there what it takes, and takes previews.
    return { acceptSecrets: this.shaken?.getAcceptSecrets() ?? r.getAcceptsecrets(), supportsPreview: this.shaken !== null || r.getSupportspreview() };
  }
  check(urn: string, olds: Props, news: Props): Promise<CheckResult> {
    return this.checkWith(this.client.check, urn, olds, news);
  }
  async diff(urn: string, id: string, oldInputs: Props, oldOutputs: Props, newInputs: Props, ignoreChanges: readonly string[]): Promise<DiffResult> {
    return toDiff(await this.call(this.client.diff, diffRequest(urn, id, oldInputs, oldOutputs, newInputs, ignoreChanges)));
  }
  async create(urn: string, inputs: Props, options: { readonly preview: boolean; readonly timeout?: number }): Promise<Written> {
    const q = named(new providerPb.CreateRequest(), urn);
    q.setProperties(toStruct(inputs));
    q.setPreview(options.preview);
    q.setTimeout(options.timeout ?? 0);
    return partial(async () => {
      const r = await this.call(this.client.create, q);
      return { id: r.getId(), outputs: fromStruct(r.getProperties()) };
    });
  }
  async update(urn: string, id: string, oldInputs: Props, oldOutputs: Props, newInputs: Props, options: { readonly preview: boolean; readonly ignoreChanges: readonly string[]; readonly timeout?: number }): Promise<Written> {
    const q = named(new providerPb.UpdateRequest(), urn);
    q.setId(id);
    q.setOlds(toStruct(oldOutputs));
    q.setOldInputs(toStruct(oldInputs));
    q.setNews(toStruct(newInputs));
    q.setIgnorechangesList([...options.ignoreChanges]);
    q.setPreview(options.preview);
    q.setTimeout(options.timeout ?? 0);
    return partial(async () => ({ id, outputs: fromStruct((await this.call(this.client.update, q)).getProperties()) }));
  }
  async read(urn: string, id: string, inputs: Props, outputs: Props): Promise<ReadResult> {
    const q = named(new providerPb.ReadRequest(), urn);
    q.setId(id);
    q.setInputs(toStruct(inputs));
    q.setProperties(toStruct(outputs));
    let told: Props | null = null;
    const r = await partial(async () => {
      const m = await this.call(this.client.read, q);
      told = m.hasInputs() ? fromStruct(m.getInputs()) : null;
      return { id: m.getId(), outputs: fromStruct(m.getProperties()) };
    });
    return { ...r, inputs: told };
  }
  async delete(urn: string, id: string, inputs: Props, outputs: Props, options?: { readonly timeout?: number }): Promise<void> {
    const q = named(new providerPb.DeleteRequest(), urn);
    q.setId(id);
    q.setProperties(toStruct(outputs));
    q.setOldInputs(toStruct(inputs));
    q.setTimeout(options?.timeout ?? 0);
    await this.call(this.client.delete, q);
  }
  async invoke(token: string, args: Props): Promise<{ result: Props; failures: CheckFailure[] }> {
    const q = new providerPb.InvokeRequest();
    q.setTok(token);
    q.setArgs(toStruct(args));
    const r = await this.call(this.client.invoke, q);
    return { result: fromStruct(r.getReturn()), failures: failures(r) };
  }
  async getSchema(): Promise<string> {
    return (await this.call(this.client.getSchema, new providerPb.GetSchemaRequest())).getSchema();
  }
  async cancel(): Promise<void> {
    await this.call(this.client.cancel, empty()).catch(() => undefined);
  }
  async close(): Promise<void> {
    await Promise.race([this.cancel(), new Promise((done) => setTimeout(done, 500))]);
    this.client.close();
    await this.plugin.stop();
  }
  private async checkWith(method: ProviderCalls["check"], urn: string, olds: Props, news: Props): Promise<CheckResult> {
    const q = named(new providerPb.CheckRequest(), urn);
    q.setOlds(toStruct(olds));
    q.setNews(toStruct(news));
    const r = await this.call(method, q);
    return { inputs: fromStruct(r.getInputs()), failures: failures(r) };
  }
  private call<Q, R>(method: Method<Q, R>, request: Q): Promise<R> {
    return promised(this.client, method, request);
  }
}

/** Sets what every request says of the resource. */
function named<M extends { setUrn(v: string): unknown; setType(v: string): unknown; setName(v: string): unknown }>(m: M, urn: string): M {
  const { type, name } = parseUrn(urn);
  m.setUrn(urn);
  m.setType(type);
  m.setName(name);
  return m;
}
function diffRequest(urn: string, id: string, oldInputs: Props, oldOutputs: Props, newInputs: Props, ignoreChanges: readonly string[]): InstanceType<Pb["DiffRequest"]> {
  const q = named(new providerPb.DiffRequest(), urn);
  q.setId(id);
  q.setOlds(toStruct(oldOutputs));
  q.setOldInputs(toStruct(oldInputs));
  q.setNews(toStruct(newInputs));
  q.setIgnorechangesList([...ignoreChanges]);
  return q;
}
/** A partial failure carries what exists now in the error's details. */
async function partial(f: () => Promise<Written>): Promise<Written> {
  try {
    return await f();
  } catch (e) {
    const raw = (e as { metadata?: InstanceType<typeof grpc.Metadata> }).metadata?.get("grpc-status-details-bin")[0];
    if (raw === undefined) throw e;
    for (const any of statusPb.Status.deserializeBinary(new Uint8Array(raw as Buffer)).getDetailsList()) {
      const d = any.unpack((bytes) => providerPb.ErrorResourceInitFailed.deserializeBinary(bytes), "pulumirpc.ErrorResourceInitFailed");
      if (d) return { id: d.getId(), outputs: fromStruct(d.getProperties()), initErrors: d.getReasonsList() };
    }
    throw e;
  }
}
