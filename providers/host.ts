import * as grpc from "@grpc/grpc-js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import pluginPb from "@pulumi/pulumi/proto/plugin_pb.js";
import statusPb from "@pulumi/pulumi/proto/status_pb.js";
import anyPb from "google-protobuf/google/protobuf/any_pb.js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import structPb, { type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb.js";
import { FindingError } from "../lib/finding.ts";
import type { CheckFailure, CheckResult, DiffResult, Provider, Written } from "../lib/provider.ts";
import type { Props, Value } from "../lib/pulumi-value.ts";
import { redact } from "./redact.ts";

// Serves a provider as Pulumi's ResourceProvider service. The SDK's own host drops configuration, previews and detailed diffs, so this
// one stands on the generated stubs directly.

type Struct = structPb.Struct;
const MAX_BYTES = 400 * 1024 * 1024;
const { Kind } = pb.PropertyDiff;
const { DiffChanges } = pb.DiffResponse;
const KINDS = { add: Kind.ADD, "add-replace": Kind.ADD_REPLACE, delete: Kind.DELETE, "delete-replace": Kind.DELETE_REPLACE, update: Kind.UPDATE, "update-replace": Kind.UPDATE_REPLACE } as const;
const CHANGES = { unknown: DiffChanges.DIFF_UNKNOWN, none: DiffChanges.DIFF_NONE, some: DiffChanges.DIFF_SOME } as const;

const fromStruct = (s: Struct | undefined): Props => (s ? (s.toJavaScript()) : {});
/** google-protobuf throws on undefined; an absent property is simply left out. */
const clean = (v: Value | undefined): JavaScriptValue =>
  Array.isArray(v) ? v.map((e) => clean(e)) : typeof v === "object" && v !== null ? Object.fromEntries(Object.entries(v as Record<string, Value | undefined>).filter(([, e]) => e !== undefined).map(([k, e]) => [k, clean(e)])) : (v ?? null);
const toStruct = (p: Props): Struct => structPb.Struct.fromJavaScript(clean(p) as Record<string, JavaScriptValue>);

type Handler = (request: never) => Promise<unknown>;
interface Failure {
  readonly code: grpc.status;
  readonly details: string;
  readonly metadata?: grpc.Metadata;
}
class PartialFailure extends Error {
  readonly written: Written;
  readonly inputs: Props;
  constructor(written: Written, inputs: Props) {
    super((written.initErrors ?? []).join("\n"));
    this.written = written;
    this.inputs = inputs;
  }
}
/** What the engine is told of an error: a finding's own words, or the bare message without anything of a credential's shape. */
function failureOf(e: unknown): Failure {
  if (e instanceof PartialFailure) return { code: grpc.status.UNKNOWN, details: e.message, metadata: partial(e) };
  if (e instanceof FindingError) return { code: grpc.status.UNKNOWN, details: e.findings.map((f) => `${f.code}: ${f.message}${f.hint === undefined ? "" : ` (${f.hint})`}`).join("\n") };
  return { code: grpc.status.UNKNOWN, details: `PROVIDER_FAILED: ${redact(e instanceof Error ? e.message : "unexpected failure")}` };
}
function partial(e: PartialFailure): grpc.Metadata {
  const detail = new pb.ErrorResourceInitFailed();
  detail.setId(e.written.id);
  detail.setProperties(toStruct(e.written.outputs));
  detail.setInputs(toStruct(e.inputs));
  detail.setReasonsList([...(e.written.initErrors ?? [])]);
  const any = new anyPb.Any();
  any.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new statusPb.Status();
  status.setCode(grpc.status.UNKNOWN);
  status.setMessage(e.message);
  status.addDetails(any);
  const metadata = new grpc.Metadata();
  metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  return metadata;
}

const checkFailures = (failures: readonly CheckFailure[]): pb.CheckFailure[] => failures.map((f) => {
  const m = new pb.CheckFailure();
  m.setProperty(f.property);
  m.setReason(f.reason);
  return m;
});
function checkResponse(r: CheckResult): pb.CheckResponse {
  const m = new pb.CheckResponse();
  m.setInputs(toStruct(r.inputs));
  m.setFailuresList(checkFailures(r.failures));
  return m;
}
function diffResponse(r: DiffResult): pb.DiffResponse {
  const m = new pb.DiffResponse();
  m.setChanges(CHANGES[r.changes]);
  m.setReplacesList([...r.replaces]);
  m.setDiffsList([...r.diffs]);
  m.setDeletebeforereplace(r.deleteBeforeReplace);
  m.setHasdetaileddiff(r.detailed !== undefined);
  for (const [path, d] of Object.entries(r.detailed ?? {})) {
    const p = new pb.PropertyDiff();
    p.setKind(KINDS[d.kind]);
    p.setInputdiff(d.inputDiff);
    m.getDetaileddiffMap().set(path, p);
  }
  return m;
}
const timeout = (seconds: number): { timeout?: number } => (seconds > 0 ? { timeout: seconds } : {});

function handlers(provider: Provider, version: string): Record<string, Handler> {
  const empty = (): emptyPb.Empty => new emptyPb.Empty();
  const wholly = (w: Written, inputs: Props): Written => {
    if (w.initErrors?.length) throw new PartialFailure(w, inputs);
    return w;
  };
  return {
    handshake: () => {
      const m = new pb.ProviderHandshakeResponse();
      m.setAcceptSecrets(true);
      return Promise.resolve(m);
    },
    getPluginInfo: () => {
      const m = new pluginPb.PluginInfo();
      m.setVersion(version);
      return Promise.resolve(m);
    },
    attach: () => Promise.resolve(empty()),
    getSchema: async () => {
      const m = new pb.GetSchemaResponse();
      m.setSchema(await provider.getSchema());
      return m;
    },
    checkConfig: async (r: pb.CheckRequest) => checkResponse(await provider.checkConfig(r.getUrn(), fromStruct(r.getOlds()), fromStruct(r.getNews()))),
    diffConfig: async (r: pb.DiffRequest) => diffResponse(await provider.diffConfig(r.getUrn(), fromStruct(r.getOldInputs()), fromStruct(r.getOlds()), fromStruct(r.getNews()))),
    configure: async (r: pb.ConfigureRequest) => {
      // Older engines send configuration as `package:config:key` texts alone.
      const legacy = Object.fromEntries([...r.getVariablesMap().entries()].map(([k, v]) => [k.split(":").at(-1) ?? k, v]));
      const args = r.getArgs();
      const f = await provider.configure(r.getUrn() ?? "", r.getId() ?? "", args ? fromStruct(args) : legacy);
      const m = new pb.ConfigureResponse();
      m.setAcceptsecrets(f.acceptSecrets);
      m.setSupportspreview(f.supportsPreview);
      return m;
    },
    check: async (r: pb.CheckRequest) => checkResponse(await provider.check(r.getUrn(), fromStruct(r.getOlds()), fromStruct(r.getNews()))),
    diff: async (r: pb.DiffRequest) => diffResponse(await provider.diff(r.getUrn(), r.getId(), fromStruct(r.getOldInputs()), fromStruct(r.getOlds()), fromStruct(r.getNews()), r.getIgnorechangesList())),
    create: async (r: pb.CreateRequest) => {
      const inputs = fromStruct(r.getProperties());
      const w = wholly(await provider.create(r.getUrn(), inputs, { preview: r.getPreview(), ...timeout(r.getTimeout()) }), inputs);
      const m = new pb.CreateResponse();
      m.setId(w.id);
      m.setProperties(toStruct(w.outputs));
      return m;
    },
    update: async (r: pb.UpdateRequest) => {
      const news = fromStruct(r.getNews());
      const w = wholly(await provider.update(r.getUrn(), r.getId(), fromStruct(r.getOldInputs()), fromStruct(r.getOlds()), news, { preview: r.getPreview(), ignoreChanges: r.getIgnorechangesList(), ...timeout(r.getTimeout()) }), news);
      const m = new pb.UpdateResponse();
      m.setProperties(toStruct(w.outputs));
      return m;
    },
    read: async (r: pb.ReadRequest) => {
      const got = await provider.read(r.getUrn(), r.getId(), fromStruct(r.getInputs()), fromStruct(r.getProperties()));
      const m = new pb.ReadResponse();
      if (got.id === "") return m; // what isn't there has no properties: the CLI would import an empty one
      m.setId(got.id);
      m.setProperties(toStruct(got.outputs));
      if (got.inputs) m.setInputs(toStruct(got.inputs));
      return m;
    },
    delete: async (r: pb.DeleteRequest) => {
      await provider.delete(r.getUrn(), r.getId(), fromStruct(r.getOldInputs()), fromStruct(r.getProperties()), timeout(r.getTimeout()));
      return empty();
    },
    invoke: async (r: pb.InvokeRequest) => {
      const got = await provider.invoke(r.getTok(), fromStruct(r.getArgs()));
      const m = new pb.InvokeResponse();
      m.setReturn(toStruct(got.result));
      m.setFailuresList(checkFailures(got.failures));
      return m;
    },
    cancel: async () => {
      await provider.cancel();
      return empty();
    },
  };
}

export interface Served {
  readonly port: number;
  /** Ends the service; running calls are asked to stop first. */
  close(): Promise<void>;
}

/** Serves a provider on a free loopback port. Whatever isn't implemented answers UNIMPLEMENTED, as Pulumi expects. */
export async function serve(provider: Provider, version = "0.1.0"): Promise<Served> {
  const server = new grpc.Server({ "grpc.max_receive_message_length": MAX_BYTES, "grpc.max_send_message_length": MAX_BYTES });
  const implementation = Object.fromEntries(Object.entries(handlers(provider, version)).map(([name, f]) => [
    name,
    (call: grpc.ServerUnaryCall<unknown, unknown>, answer: grpc.sendUnaryData<unknown>) => {
      Promise.resolve().then(() => f(call.request as never)).then((r) => { answer(null, r); }, (e: unknown) => { answer(failureOf(e), null); });
    },
  ]));
  server.addService((providerGrpc as { ResourceProviderService: grpc.ServiceDefinition }).ResourceProviderService, implementation);
  const port = await new Promise<number>((ok, fail) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (e, p) => { if (e) fail(e); else ok(p); });
  });
  return {
    port,
    close: async () => {
      await provider.cancel();
      await provider.close();
      server.forceShutdown();
    },
  };
}
