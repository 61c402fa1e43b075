import grpc from "@grpc/grpc-js";
import analyzerPb from "@pulumi/pulumi/proto/analyzer_pb.js";
import analyzerRpc from "@pulumi/pulumi/proto/analyzer_grpc_pb.js";
import enginePb from "@pulumi/pulumi/proto/engine_pb.js";
import engineRpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import providerRpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import resourcePb from "@pulumi/pulumi/proto/resource_pb.js";
import resourceRpc from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import statusPb from "@pulumi/pulumi/proto/status_pb.js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import structPb from "google-protobuf/google/protobuf/struct_pb.js";
import type { Props, Value } from "../../lib/pulumi-value.ts";

// Pulumi's generated messages and services, with the types that come with them: the one place that names them.
export { analyzerPb, analyzerRpc, emptyPb, enginePb, engineRpc, grpc, providerPb, providerRpc, resourcePb, resourceRpc, statusPb };

type StructMessage = InstanceType<typeof structPb.Struct>;
type StructInput = Parameters<typeof structPb.Struct.fromJavaScript>[0];

/** `undefined` has no place in a Struct: absent in maps, null in lists. */
export const clean = (v: Value | undefined): Value => {
  if (v === undefined || v === null || typeof v !== "object") return v ?? null;
  if (Array.isArray(v)) return v.map(clean);
  const out: Props = {};
  for (const [k, e] of Object.entries(v) as [string, Value | undefined][]) if (e !== undefined) out[k] = clean(e);
  return out;
};
export const toStruct = (p: Props): StructMessage => structPb.Struct.fromJavaScript(clean(p) as unknown as StructInput);
export const fromStruct = (s: { toJavaScript(): unknown } | undefined): Props => (s ? (s.toJavaScript() as Props) : {});

export const UNAVAILABLE = grpc.status.UNAVAILABLE;
export interface RpcError extends Error { code?: number | string }
/** An error that a handler answers with this gRPC status. */
export const rpcError = (code: grpc.status, message: string): RpcError => Object.assign(new Error(message), { code });
export const unimplemented = (e: unknown): boolean => (e as RpcError | null)?.code === grpc.status.UNIMPLEMENTED;

export type Callback<R> = (e: RpcError | null, r?: R) => void;
/** A service's method as its client (or the handlers in this process) offers it. */
export type Method<Q, R> = (request: Q, done: Callback<R>) => unknown;
export const promised = <Q, R>(owner: object, method: Method<Q, R>, request: Q): Promise<R> =>
  new Promise((done, fail) => { method.call(owner, request, (e, r) => { if (e) fail(e); else done(r as R); }); });

type P = typeof providerPb;
type Of<K extends keyof P> = P[K] extends abstract new (...args: never[]) => infer M ? M : never;
type EmptyMessage = InstanceType<typeof emptyPb.Empty>;
/** The ResourceProvider service as its client offers it. */
export interface ProviderCalls {
  readonly handshake: Method<Of<"ProviderHandshakeRequest">, Of<"ProviderHandshakeResponse">>;
  readonly checkConfig: Method<Of<"CheckRequest">, Of<"CheckResponse">>;
  readonly diffConfig: Method<Of<"DiffRequest">, Of<"DiffResponse">>;
  readonly configure: Method<Of<"ConfigureRequest">, Of<"ConfigureResponse">>;
  readonly check: Method<Of<"CheckRequest">, Of<"CheckResponse">>;
  readonly diff: Method<Of<"DiffRequest">, Of<"DiffResponse">>;
  readonly create: Method<Of<"CreateRequest">, Of<"CreateResponse">>;
  readonly update: Method<Of<"UpdateRequest">, Of<"UpdateResponse">>;
  readonly read: Method<Of<"ReadRequest">, Of<"ReadResponse">>;
  readonly delete: Method<Of<"DeleteRequest">, EmptyMessage>;
  readonly invoke: Method<Of<"InvokeRequest">, Of<"InvokeResponse">>;
  readonly getSchema: Method<Of<"GetSchemaRequest">, Of<"GetSchemaResponse">>;
  readonly cancel: Method<EmptyMessage, EmptyMessage>;
  readonly close: () => void;
}
export const providerClient = (address: string, options: grpc.ChannelOptions): ProviderCalls =>
  new providerRpc.ResourceProviderClient(address, grpc.credentials.createInsecure(), options);

export interface Call<Q> { readonly request: Q; readonly metadata?: grpc.Metadata }
export type Unary = (call: Call<never>, done: Callback<never>) => void;
/** A gRPC handler of an async function. A thrown error's `code` is the status, if it has one. */
export const unary = <Q, R>(f: (request: Q, call: Call<Q>) => R | Promise<R>): Unary => ((call: Call<Q>, done: Callback<R>) => {
  void (async () => f(call.request, call))().then((r) => { done(null, r); }, (e: unknown) => {
    const { code, message } = e as RpcError;
    done({ name: "Error", message, code: typeof code === "number" ? code : grpc.status.UNKNOWN });
  });
}) as Unary;
/** The same handlers as methods that take a request and a callback, as a client has them: what the SDK uses in this process. */
export const direct = (handlers: Readonly<Record<string, Unary>>): Record<string, Method<never, never>> =>
  Object.fromEntries(Object.entries(handlers).map(([name, f]) => [name, (request: never, done: Callback<never>) => { f({ request }, done); }]));
export const empty = (): InstanceType<typeof emptyPb.Empty> => new emptyPb.Empty();
