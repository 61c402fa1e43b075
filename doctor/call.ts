import type { Tier } from "../schemas/access.ts";
import type { Http, HttpAnswer, HttpFailure, HttpRequest } from "../lib/http.ts";
import { mailNames } from "../schemas/integrations/mail-names.ts";
import type { ProbeCall } from "../schemas/probe.ts";
import { DECLARED_HEADER, ORIGIN_HEADER } from "../schemas/sandbox.ts";

/** Where and with what a probe's calls are made. */
export interface Target {
  readonly http: Http;
  readonly signal: AbortSignal;
  /** The declared settings of the integration. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The sandbox's origin in place of every provider's own; null asks the provider. */
  readonly sandbox: string | null;
  /** Told to the sandbox alone, which makes a first credential's account accordingly. */
  readonly tier: Tier;
}

/** The value at a dotted path; undefined where there is none. */
export function at(value: unknown, path: string): unknown {
  let v = value;
  for (const k of path.split(".")) v = typeof v === "object" && v !== null && Object.hasOwn(v, k) ? (v as Record<string, unknown>)[k] : undefined;
  return v;
}
/** A setting as text; undefined where it isn't declared. */
export function setting(settings: Readonly<Record<string, unknown>>, path: string): string | undefined {
  const v = at(settings, path);
  return typeof v === "string" || typeof v === "number" || typeof v === "boolean" ? String(v) : undefined;
}
function fill(text: string, settings: Readonly<Record<string, unknown>>, value: string, inUrl: boolean): string {
  return text.replace(/\{([A-Za-z.]+)\}/g, (_all, name: string, offset: number) => {
    if (name === "value") return value;
    const v = setting(settings, name) ?? setting(mailNames(settings), name) ?? "";
    return inUrl && offset > 0 && !text.startsWith(`https://{${name}}`) ? encodeURIComponent(v) : v;
  });
}

/** The request of a probe's call. `origin` replaces the URL's own, for another region. */
export function requestOf(call: ProbeCall, t: Target, value: string, options: { readonly origin?: string; readonly granted?: string } = {}): HttpRequest {
  let url = new URL(fill(call.url, t.settings, value, true));
  if (options.origin !== undefined) url = new URL(url.pathname + url.search, options.origin);
  const headers: Record<string, string> = { ...call.headers };
  if (t.sandbox !== null) {
    headers[ORIGIN_HEADER] = url.origin;
    headers[DECLARED_HEADER] = Buffer.from(JSON.stringify({ settings: t.settings, tier: t.tier })).toString("base64");
    url = new URL(url.pathname + url.search, t.sandbox);
  }
  let body: string | undefined;
  if (call.json) {
    headers["content-type"] = "application/json";
    body = JSON.stringify(Object.fromEntries(Object.entries(call.json).map(([k, v]) => [k, fill(v, t.settings, value, false)])));
  }
  switch (call.auth.kind) {
    case "bearer": headers["authorization"] = `Bearer ${value}`; break;
    case "granted": headers["authorization"] = `Bearer ${options.granted ?? ""}`; break;
    case "basic": headers["authorization"] = `Basic ${Buffer.from(`${fill(call.auth.user, t.settings, value, false)}:${value}`).toString("base64")}`; break;
    case "header": headers[call.auth.name] = value; break;
    case "form":
      headers["content-type"] = "application/x-www-form-urlencoded";
      body = new URLSearchParams(Object.entries(call.auth.fields).map(([k, v]): [string, string] => [k, fill(v, t.settings, value, false)])).toString();
      break;
  }
  // A probe's POST only asks: it may be tried again.
  return { method: call.method, url: url.href, headers, ...(body !== undefined && { body }), retry: true };
}

/** An answer with nothing of its body but the fields that were asked for. */
export interface Kept {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Field → its plain value or list of texts. */
  readonly fields: ReadonlyMap<string, unknown>;
  /** Whether the body was JSON. */
  readonly json: boolean;
  /** Whether it was a web page: a proxy's, a login's, a maintenance notice. No API answers so. */
  readonly page: boolean;
}
export type Asked = Kept | HttpFailure;
export const answered = (a: Asked): a is Kept => "status" in a;

/** Makes a call and drops everything of the answer but the named fields. */
export async function ask(call: ProbeCall, t: Target, value: string, keep: readonly string[], options: { readonly origin?: string; readonly granted?: string } = {}): Promise<Asked> {
  const got = await t.http.send(requestOf(call, t, value, options), t.signal);
  return got.ok ? kept(got, keep, value) : got;
}
/** Whoever answers may send back what was sent, as it is or as the header carried it. */
const holds = (text: string, value: string): boolean => value !== "" && (text.includes(value) || (text.match(/[A-Za-z0-9+/_-]{16,}/g) ?? []).some((run) => Buffer.from(run, "base64").toString("latin1").includes(value)));
/** An answer reduced to the named fields; a field that holds the value is dropped. */
export function kept(got: HttpAnswer, keep: readonly string[], value: string): Kept {
  let body: unknown;
  let json = true;
  try {
    body = JSON.parse(got.text);
  } catch {
    json = false;
  }
  const fields = new Map(keep.flatMap((k): [string, unknown][] => {
    const v = at(body, k);
    const fit = (x: unknown): unknown => (typeof x === "object" || (typeof x === "string" && holds(x, value)) ? null : x);
    return v === undefined ? [] : [[k, Array.isArray(v) ? v.map((x) => (typeof x === "string" ? fit(x) : null)) : fit(v)]];
  }));
  return { status: got.status, headers: got.headers, fields, json, page: !json && /^[\s\ufeff]*<(!doctype|html|head|body|\?xml)/i.test(got.text) };
}
