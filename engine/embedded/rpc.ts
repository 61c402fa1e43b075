import grpc from "@grpc/grpc-js";
import analyzerPb from "@pulumi/pulumi/proto/analyzer_pb.js";
import enginePb from "@pulumi/pulumi/proto/engine_pb.js";
import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import resourcePb from "@pulumi/pulumi/proto/resource_pb.js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import structPb from "google-protobuf/google/protobuf/struct_pb.js";
import type { Props, Value } from "../../lib/pulumi-value.ts";

// Pulumi's generated messages, with the types that come with them: the one place that names them.
export { analyzerPb, enginePb, grpc, providerPb, resourcePb };

export type StructMessage = InstanceType<typeof structPb.Struct>;
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

export type Fields<M> =
  & { readonly [K in keyof M as K extends `set${infer F}` ? Uncapitalize<F> : never]?: M[K] extends (value: infer V) => unknown ? V | undefined : never }
  & { readonly [K in keyof M as K extends `get${infer F}Map` ? `${Uncapitalize<F>}Map` : never]?: Readonly<Record<string, M[K] extends () => { set(key: string, value: infer V): unknown } ? V : never>> };
/** Field → its setter, or its map's getter: asked for with every field of every message. */
const methods = new Map<string, string>();
/** A message with these fields, named as its setters (and its maps) are: `{ urn, configMap: { k: "v" } }`; what is undefined isn't set. */
export function message<M extends object>(type: new () => M, fields: Fields<M>): M {
  const m = new type() as Record<string, (value?: unknown) => Map<string, unknown>>;
  for (const field in fields) {
    const value: unknown = fields[field as keyof Fields<M>], isMap = field.endsWith("Map");
    if (value === undefined) continue;
    const name = methods.get(field) ?? `${isMap ? "get" : "set"}${field.charAt(0).toUpperCase()}${field.slice(1)}`;
    methods.set(field, name);
    if (isMap) for (const [k, v] of Object.entries(value as object)) m[name]?.().set(k, v);
    else m[name]?.(Array.isArray(value) ? [...(value as unknown[])] : value);
  }
  return m as unknown as M;
}

export const UNAVAILABLE = grpc.status.UNAVAILABLE;
export interface RpcError extends Error { code?: number | string }
/** An error that a handler answers with this gRPC status. */
export const rpcError = (code: grpc.status, message: string): RpcError => Object.assign(new Error(message), { code });

export type Callback<R> = (e: RpcError | null, r?: R) => void;
/** A service's method as its client (or the handlers in this process) offers it. */
export type Method<Q, R> = (request: Q, done: Callback<R>) => unknown;
export const promised = <Q, R>(owner: object, method: Method<Q, R>, request: Q): Promise<R> =>
  new Promise((done, fail) => { method.call(owner, request, (e, r) => { if (e) fail(e); else done(r as R); }); });

export type Unary = (call: { readonly request: never }, done: Callback<never>) => void;
/** A gRPC handler of an async function. A thrown error's `code` is the status, if it has one. */
export const unary = (f: (request: never) => unknown): Unary => ({ request }, done) => {
  void new Promise((settle) => { settle(f(request)); }).then((r) => { done(null, r as never); }, (e: unknown) => {
    const { code, message } = e as RpcError;
    done({ name: "Error", message, code: typeof code === "number" ? code : grpc.status.UNKNOWN });
  });
};
/** The same handlers as methods that take a request and a callback, as a client has them: what the SDK uses in this process. */
export const direct = (handlers: Readonly<Record<string, Unary>>): Record<string, Method<never, never>> =>
  Object.fromEntries(Object.entries(handlers).map(([name, f]) => [name, (request: never, done: Callback<never>) => { f({ request }, done); }]));
export const empty = (): InstanceType<typeof emptyPb.Empty> => new emptyPb.Empty();
