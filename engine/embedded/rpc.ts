import * as grpc from "@grpc/grpc-js";
import type { Props } from "../../lib/pulumi-value.ts";
import * as analyzerPb from "@pulumi/pulumi/proto/analyzer_pb.js";
import * as enginePb from "@pulumi/pulumi/proto/engine_pb.js";
import * as resourcePb from "@pulumi/pulumi/proto/resource_pb.js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import structPb from "google-protobuf/google/protobuf/struct_pb.js";

// Pulumi's generated messages, untyped on purpose: their typings differ between releases, the messages don't.
export const pb: any = { engine: enginePb, resource: resourcePb, analyzer: analyzerPb };
const { Struct } = structPb as any;
export const Empty: any = (emptyPb as any).Empty;
const clean = (v: any): any => Array.isArray(v) ? v.map((e) => clean(e ?? null))
  : v && typeof v === "object" ? Object.fromEntries(Object.entries(v).filter(([, e]) => e !== undefined).map(([k, e]) => [k, clean(e)])) : v;
export const toStruct = (p: Props): any => Struct.fromJavaScript(clean(p));
export const fromStruct = (s: any): Props => (s ? s.toJavaScript() : {});
export const call = <T = any>(client: any, method: string, req: any): Promise<T> =>
  new Promise((ok, fail) => client[method](req, (e: any, r: T) => { e ? fail(e) : ok(r); }));
export const unimplemented = (e: any) => e?.code === grpc.status.UNIMPLEMENTED;
/** Wraps an async function as a unary handler. */
export const unary = (f: (req: any, call: any) => any) => (c: any, cb: any) =>
  Promise.resolve().then(() => f(c.request, c)).then((r) => cb(null, r), (e) =>
    cb({ code: e.code ?? grpc.status.UNKNOWN, message: e.message, details: e.message }));

