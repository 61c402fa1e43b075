import { rootCertificates } from "node:tls";
import type { Dispatcher } from "undici";

// The one client for providers' APIs: a time limit, few retries, no redirects, a proxy and a CA file where there are such, and no secret in what it says.

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Whether a failure may be tried again: GETs are, other methods only where the caller says so. A function judges answers; without one 429 and 5xx are. */
  readonly retry?: boolean | ((answer: HttpAnswer) => boolean);
}
export interface HttpAnswer {
  readonly ok: true;
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly tries: number;
}
/** Why there is no answer. `PROXY` is a refusal of the proxy, not of the provider. */
export type HttpFailureCode = "DNS" | "REFUSED" | "RESET" | "TIMEOUT" | "TLS" | "PROXY" | "CANCELLED" | "TOO_LARGE" | "NETWORK";
export interface HttpFailure {
  readonly ok: false;
  readonly code: HttpFailureCode;
  /** Names host and cause; never a path, a query or a header, which may carry a credential. */
  readonly message: string;
  readonly tries: number;
}
export interface Http {
  /** Never throws for what the network does. */
  send(request: HttpRequest, signal?: AbortSignal): Promise<HttpAnswer | HttpFailure>;
  /** Ends its connections; nothing is left that keeps the process alive. */
  close(): Promise<void>;
}
export interface HttpOptions {
  /** HTTPS_PROXY, HTTP_PROXY and NO_PROXY are read from here. Loopback is never asked by a proxy. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** PEM certificates that are trusted besides the usual ones. */
  readonly ca?: string;
  readonly timeoutMs?: number;
  readonly retries?: number;
  /** Before the first retry; doubled after it. */
  readonly backoffMs?: number;
  /** A longer Retry-After isn't waited for: the answer is handed back at once. 2 s by default. */
  readonly maxWaitMs?: number;
}

const MAX_BYTES = 2 << 20;

/** Makes a client. undici is loaded with the first call: a command that asks nobody doesn't pay for it. */
export function createHttp(options: HttpOptions = {}): Http {
  const timeoutMs = options.timeoutMs ?? 5_000;
  const retries = options.retries ?? 2;
  let making: Promise<Dispatcher> | null = null;
  const dispatcher = (): Promise<Dispatcher> => (making ??= makeDispatcher(options, timeoutMs));

  async function once(request: HttpRequest, signal: AbortSignal | undefined, tries: number): Promise<HttpAnswer | HttpFailure> {
    const limit = AbortSignal.timeout(timeoutMs);
    const host = hostOf(request.url);
    const fail = (code: HttpFailureCode, message: string): HttpFailure => ({ ok: false, code, message, tries });
    try {
      const { request: call } = await import("undici");
      const r = await call(request.url, {
        method: request.method, dispatcher: await dispatcher(), signal: signal ? AbortSignal.any([limit, signal]) : limit,
        headers: { accept: "application/json", "user-agent": "stackseal", ...request.headers }, ...(request.body !== undefined && { body: request.body }),
      });
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of r.body as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > MAX_BYTES) {
          r.body.destroy();
          return fail("TOO_LARGE", `${host} answered with more than ${MAX_BYTES} bytes`);
        }
        chunks.push(chunk);
      }
      const headers = Object.fromEntries(Object.entries(r.headers).map(([k, v]) => [k.toLowerCase(), Array.isArray(v) ? v.join(", ") : (v ?? "")]));
      return { ok: true, status: r.statusCode, headers, text: Buffer.concat(chunks).toString("utf8"), tries };
    } catch (e) {
      if (signal?.aborted) return fail("CANCELLED", `cancelled before ${host} answered`);
      if (limit.aborted) return fail("TIMEOUT", `${host} didn't answer within ${timeoutMs / 1000} s`);
      const { code, why } = classify(e);
      return fail(code, `${host}: ${why}`);
    }
  }

  return {
    send: async (request, signal) => {
      const again = request.retry ?? request.method === "GET";
      for (let attempt = 1; ; attempt++) {
        const got = await once(request, signal, attempt);
        if (again === false || attempt > retries || !(typeof again === "function" && got.ok ? again(got) : worthAnother(got))) return got;
        const asked = got.ok ? Number(got.headers["retry-after"] ?? "0") * 1000 : 0;
        if (asked > (options.maxWaitMs ?? 2_000)) return got;
        await pause(Math.max(Number.isFinite(asked) ? asked : 0, (options.backoffMs ?? 250) * 2 ** (attempt - 1)), signal);
        if (signal?.aborted) return got;
      }
    },
    close: async () => {
      if (making) await (await making).destroy();
      making = null;
    },
  };
}

async function makeDispatcher(o: HttpOptions, timeoutMs: number): Promise<Dispatcher> {
  const { Agent, EnvHttpProxyAgent } = await import("undici");
  const env = o.env ?? {};
  const tls = o.ca === undefined ? {} : { ca: [...rootCertificates, o.ca] };
  const limits = { connect: { timeout: timeoutMs, ...tls }, headersTimeout: timeoutMs, bodyTimeout: timeoutMs, pipelining: 1 };
  const proxy = (name: string): string => env[name] ?? env[name.toLowerCase()] ?? "";
  if (proxy("HTTPS_PROXY") === "" && proxy("HTTP_PROXY") === "") return new Agent(limits);
  const noProxy = [proxy("NO_PROXY"), "localhost", "127.0.0.1", "::1"].filter(Boolean).join(",");
  return new EnvHttpProxyAgent({ ...limits, httpProxy: proxy("HTTP_PROXY"), httpsProxy: proxy("HTTPS_PROXY") || proxy("HTTP_PROXY"), noProxy, requestTls: { timeout: timeoutMs, ...tls }, proxyTls: { timeout: timeoutMs, ...tls } });
}
const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : "the provider");
const worthAnother = (got: HttpAnswer | HttpFailure): boolean => (got.ok ? got.status === 429 || got.status >= 500 : got.code === "RESET" || got.code === "TIMEOUT" || got.code === "NETWORK" || got.code === "REFUSED");
const pause = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((done) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      done();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end, { once: true });
  });

const TLS = /^(CERT_|ERR_TLS|ERR_SSL|EPROTO|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|HOSTNAME_MISMATCH)/;
/** What kind of failure an error of node's or undici's is. Only its code is read: a message could quote what was sent. */
export function classify(error: unknown): { readonly code: HttpFailureCode; readonly why: string } {
  const codes: string[] = [];
  let proxy = false;
  for (let e: unknown = error, depth = 0; e instanceof Error && depth < 6; e = e.cause, depth++) {
    const inner: unknown = e instanceof AggregateError ? e.errors[0] : undefined;
    for (const x of [e, inner] as readonly unknown[]) if (typeof (x as { code?: unknown } | undefined)?.code === "string") codes.push((x as { code: string }).code);
    proxy ||= /Proxy response|proxy/i.test(e.message);
  }
  const has = (...names: string[]): string | undefined => codes.find((c) => names.includes(c));
  const tls = codes.find((c) => TLS.test(c));
  if (proxy) return { code: "PROXY", why: "the proxy refused to connect" };
  if (has("ENOTFOUND", "EAI_AGAIN", "EAI_NODATA", "EAI_NONAME")) return { code: "DNS", why: `the name doesn't resolve (${has("ENOTFOUND", "EAI_AGAIN", "EAI_NODATA", "EAI_NONAME") ?? ""})` };
  if (tls !== undefined) return { code: "TLS", why: `no trusted TLS connection (${tls})` };
  if (has("ECONNREFUSED")) return { code: "REFUSED", why: "the connection was refused" };
  if (has("ETIMEDOUT", "UND_ERR_CONNECT_TIMEOUT", "UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT")) return { code: "TIMEOUT", why: "no answer in time" };
  if (has("ECONNRESET", "EPIPE", "UND_ERR_SOCKET")) return { code: "RESET", why: "the connection was cut" };
  return { code: "NETWORK", why: `the network failed (${codes[0] ?? "unknown"})` };
}
