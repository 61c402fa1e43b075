import statusPb from "@pulumi/pulumi/proto/status_pb.js";
import analyzerRpc from "@pulumi/pulumi/proto/analyzer_grpc_pb.js";
import engineRpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import providerRpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import resourceRpc from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import { grpc, type empty, type Method, type providerPb, type RpcError } from "../../../engine/embedded/rpc.ts";

// What speaks to a plugin in a process of its own: the engine's own providers and policies are called in its process.
export { analyzerRpc, engineRpc, providerRpc, resourceRpc, statusPb };

type P = typeof providerPb;
type Of<K extends keyof P> = P[K] extends abstract new (...args: never[]) => infer M ? M : never;
type EmptyMessage = ReturnType<typeof empty>;
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
export const unimplemented = (e: unknown): boolean => (e as RpcError | null)?.code === grpc.status.UNIMPLEMENTED;
