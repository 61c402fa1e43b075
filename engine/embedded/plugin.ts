import * as grpc from "@grpc/grpc-js";
import * as providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import * as providerRpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import * as statusPb from "@pulumi/pulumi/proto/status_pb.js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import type { CheckFailure, CheckResult, DiffKind, DiffResult, Provider, Written } from "../../lib/provider.ts";
import type { Props } from "../../lib/pulumi-value.ts";
import { channel, startPlugin, type Plugin } from "./grpc.ts";
import { call, fromStruct, toStruct, unimplemented } from "./rpc.ts";
import { parseUrn } from "./urn.ts";

const pb = providerPb as any;
const KINDS: readonly DiffKind[] = ["add", "add-replace", "delete", "delete-replace", "update", "update-replace"];
const UNKNOWN_DIFF: DiffResult = { changes: "unknown", replaces: [], diffs: [], deleteBeforeReplace: false };
const failures = (r: any): CheckFailure[] => r.getFailuresList().map((f: any) => ({ property: f.getProperty(), reason: f.getReason() }));
function toDiff(r: any): DiffResult {
  const detailed: Record<string, { kind: DiffKind; inputDiff: boolean }> = {};
  for (const [k, v] of r.getDetaileddiffMap().entries()) detailed[k] = { kind: KINDS[v.getKind()] as DiffKind, inputDiff: v.getInputdiff() };
  return { changes: (["unknown", "none", "some"] as const)[r.getChanges() as 0 | 1 | 2], replaces: r.getReplacesList(), diffs: r.getDiffsList(), ...(r.getHasdetaileddiff() && { detailed }), deleteBeforeReplace: r.getDeletebeforereplace() };
}

/** A provider plugin in a process of its own, over gRPC. `close` ends the process. */
export class PluginProvider implements Provider {
  private readonly client: any;
  private readonly plugin: Plugin;
  private constructor(plugin: Plugin) {
    this.plugin = plugin;
    this.client = new (providerRpc as any).ResourceProviderClient(plugin.address, grpc.credentials.createInsecure(), channel);
  }
  static async start(argv: readonly string[], engineAddress: string, env: Readonly<Record<string, string | undefined>>, cwd?: string): Promise<PluginProvider> {
    const p = new PluginProvider(await startPlugin([...argv, engineAddress], { env, ...(cwd !== undefined && { cwd }) }));
    const req = new pb.ProviderHandshakeRequest();
    req.setEngineAddress(engineAddress);
    await call(p.client, "handshake", req).catch((e: unknown) => { if (!unimplemented(e)) throw e; });
    return p;
  }
  async checkConfig(urn: string, olds: Props, news: Props): Promise<CheckResult> {
    try {
      const r = await call(this.client, "checkConfig", this.request("CheckRequest", urn, { olds, news }));
      return { inputs: fromStruct(r.getInputs()), failures: failures(r) };
    } catch (e) {
      if (unimplemented(e)) return { inputs: news, failures: [] };
      throw e;
    }
  }
  async diffConfig(urn: string, oldInputs: Props, olds: Props, news: Props): Promise<DiffResult> {
    try {
      return toDiff(await call(this.client, "diffConfig", this.request("DiffRequest", urn, { olds, news, oldInputs })));
    } catch (e) {
      if (unimplemented(e)) return UNKNOWN_DIFF;
      throw e;
    }
  }
  async configure(urn: string, id: string, inputs: Props): Promise<{ acceptSecrets: boolean; supportsPreview: boolean }> {
    const req = new pb.ConfigureRequest();
    const { type, name } = parseUrn(urn);
    const pkg = type.split(":")[2] ?? "";
    // Settings reach a plugin twice: as a struct, and as the older variables, where what is no text is JSON.
    for (const [k, v] of Object.entries(inputs)) if (k !== "version") req.getVariablesMap().set(`${pkg}:config:${k}`, typeof v === "string" ? v : JSON.stringify(v));
    req.setArgs(toStruct(inputs));
    req.setAcceptsecrets(true);
    req.setAcceptresources(true);
    req.setSendsOldInputs(true);
    req.setSendsOldInputsToDelete(true);
    req.setUrn(urn);
    req.setName(name);
    req.setType(type);
    req.setId(id);
    const r = await call(this.client, "configure", req);
    return { acceptSecrets: r.getAcceptsecrets(), supportsPreview: r.getSupportspreview() };
  }
  async check(urn: string, olds: Props, news: Props): Promise<CheckResult> {
    const r = await call(this.client, "check", this.request("CheckRequest", urn, { olds, news }));
    return { inputs: fromStruct(r.getInputs()), failures: failures(r) };
  }
  async diff(urn: string, id: string, oldInputs: Props, olds: Props, news: Props, ignoreChanges: readonly string[]): Promise<DiffResult> {
    const req = this.request("DiffRequest", urn, { olds, news, oldInputs });
    req.setId(id);
    req.setIgnorechangesList([...ignoreChanges]);
    return toDiff(await call(this.client, "diff", req));
  }
  async create(urn: string, inputs: Props, options: { readonly preview: boolean; readonly timeout?: number }): Promise<Written> {
    const req = this.request("CreateRequest", urn, { properties: inputs });
    req.setPreview(options.preview);
    req.setTimeout(options.timeout ?? 0);
    return this.attempt("create", req);
  }
  async update(urn: string, id: string, oldInputs: Props, olds: Props, news: Props, options: { readonly preview: boolean; readonly ignoreChanges: readonly string[]; readonly timeout?: number }): Promise<Written> {
    const req = this.request("UpdateRequest", urn, { olds, news, oldInputs });
    req.setId(id);
    req.setIgnorechangesList([...options.ignoreChanges]);
    req.setPreview(options.preview);
    req.setTimeout(options.timeout ?? 0);
    return { ...(await this.attempt("update", req)), id };
  }
  async read(urn: string, id: string, inputs: Props, properties: Props): Promise<{ id: string; inputs: Props; outputs: Props }> {
    const req = this.request("ReadRequest", urn, { properties, inputs });
    req.setId(id);
    const r = await call(this.client, "read", req);
    return { id: r.getId(), inputs: fromStruct(r.getInputs()), outputs: fromStruct(r.getProperties()) };
  }
  async delete(urn: string, id: string, oldInputs: Props, properties: Props, options?: { readonly timeout?: number }): Promise<void> {
    const req = this.request("DeleteRequest", urn, { properties, oldInputs });
    req.setId(id);
    req.setTimeout(options?.timeout ?? 0);
    await call(this.client, "delete", req);
  }
  async invoke(token: string, args: Props): Promise<{ result: Props; failures: CheckFailure[] }> {
    const req = new pb.InvokeRequest();
    req.setTok(token);
    req.setArgs(toStruct(args));
    const r = await call(this.client, "invoke", req);
    return { result: fromStruct(r.getReturn()), failures: failures(r) };
  }
  async getSchema(): Promise<string> {
    return (await call(this.client, "getSchema", new pb.GetSchemaRequest())).getSchema();
  }
  async cancel(): Promise<void> {
    await call(this.client, "cancel", new (emptyPb as any).Empty()).catch(() => undefined);
  }
  async close(): Promise<void> {
    await Promise.race([this.cancel(), new Promise((r) => setTimeout(r, 500))]);
    this.client.close();
    await this.plugin.stop();
  }
  private request(kind: string, urn: string, structs: Readonly<Record<string, Props>>): any {
    const r = new pb[kind]();
    const { type, name } = parseUrn(urn);
    r.setUrn(urn);
    r.setType?.(type);
    r.setName?.(name);
    for (const [k, v] of Object.entries(structs)) {
      const upper = `${k[0]?.toUpperCase() ?? ""}${k.slice(1)}`;
      (r[`set${upper}`] ?? r[`set${upper[0] ?? ""}${upper.slice(1).toLowerCase()}`]).call(r, toStruct(v));
    }
    return r;
  }
  /** Runs create or update; a partial failure carries the live state in the error's details. */
  private async attempt(method: string, req: unknown): Promise<Written> {
    try {
      const r = await call(this.client, method, req);
      return { id: r.getId?.() ?? "", outputs: fromStruct(r.getProperties()) };
    } catch (e) {
      const raw = (e as { metadata?: grpc.Metadata }).metadata?.get("grpc-status-details-bin")[0];
      if (!raw) throw e;
      const status = (statusPb as any).Status.deserializeBinary(new Uint8Array(raw as Buffer));
      for (const any of status.getDetailsList()) {
        const d = any.unpack(pb.ErrorResourceInitFailed.deserializeBinary, "pulumirpc.ErrorResourceInitFailed");
        if (d) return { id: d.getId(), outputs: fromStruct(d.getProperties()), initErrors: d.getReasonsList() };
      }
      throw e;
    }
  }
}
