import { setMaxListeners } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { loopback } from "../schemas/fields.ts";
import { FAULTS, type FaultKind } from "../schemas/sandbox.ts";

// What every fake API has in common: loopback alone, a limit to bodies, faults on demand.

export interface Incoming {
  readonly method: string;
  readonly url: URL;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}
export const json = (status: number, body: unknown, headers?: Readonly<Record<string, string>>): Reply => ({ status, body, ...(headers && { headers }) });

export interface Served {
  readonly url: string;
  close(): Promise<void>;
}
interface Fault {
  readonly kind: FaultKind;
  times: number;
  /** Of latency in ms, or Retry-After in seconds. */
  readonly amount: number;
}
/** What `/_sandbox/<what>` was told; null where there is no such control. */
export type Control = (what: string, body: Readonly<Record<string, unknown>>) => Reply | Promise<Reply> | null;

/** Serves on 127.0.0.1. `POST /_sandbox/faults { kind, times, amount }` breaks the next answers: a page of a browser can't, for it wants application/json and a loopback Host. */
export async function serve(port: number, handle: (req: Incoming) => Reply | Promise<Reply>, control: Control, rateLimited: () => Reply): Promise<Served> {
  const faults: Fault[] = [];
  const closing = new AbortController();
  setMaxListeners(0, closing.signal); // one for each answer that is kept waiting
  const server = createServer((req, res) => {
    void answer(req, res).catch(() => { send(res, json(500, { message: "sandbox fault" })); });
  });
  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    // A page in a browser can reach loopback by another name.
    if (!loopback((req.headers.host ?? "").replace(/:\d+$/, ""))) { send(res, json(403, { message: "the sandbox answers to loopback names only" })); return; }
    const body = await bodyOf(req);
    if (body === null) { send(res, json(413, { message: "request too large" })); return; }
    const incoming: Incoming = { method: req.method ?? "GET", url: new URL(req.url ?? "/", "http://sandbox"), headers: Object.fromEntries(Object.entries(req.headers).map(([k, v]) => [k, Array.isArray(v) ? v.join(", ") : (v ?? "")])), body };
    if (incoming.url.pathname.startsWith("/_sandbox/")) { send(res, await controlled(incoming)); return; }
    if (!(await faulty(res))) send(res, await handle(incoming));
  }
  async function controlled(req: Incoming): Promise<Reply> {
    if (req.method !== "POST" || !(req.headers["content-type"] ?? "").startsWith("application/json")) return json(405, { message: "POST application/json" });
    const what = req.url.pathname.slice("/_sandbox/".length);
    let body: Readonly<Record<string, unknown>>;
    try {
      body = JSON.parse(req.body || "{}") as Readonly<Record<string, unknown>>;
    } catch {
      return json(400, { message: "not JSON" });
    }
    if (what !== "faults") return (await control(what, body)) ?? json(404, { message: "no such control" });
    const kind = FAULTS.find((k) => k === body["kind"]);
    if (body["clear"] === true) faults.length = 0;
    else if (!kind) return json(400, { message: `kind is one of ${FAULTS.join(", ")}` });
    else faults.push({ kind, times: Number(body["times"] ?? 1), amount: Number(body["amount"] ?? 0) });
    return json(200, {});
  }
  async function faulty(res: ServerResponse): Promise<boolean> {
    const f = faults[0];
    if (!f) return false;
    if (--f.times <= 0) faults.shift();
    switch (f.kind) {
      case "latency": await pause(f.amount, closing.signal); return false;
      case "429": send(res, { ...rateLimited(), headers: { "retry-after": String(f.amount) } }); return true;
      case "500": send(res, json(500, { message: "something went wrong" })); return true;
      case "reset": res.socket?.resetAndDestroy(); return true;
      case "half-open": res.writeHead(200, { "content-type": "application/json", "content-length": "1000" }).write("{"); return true;
      case "json": res.writeHead(200, { "content-type": "text/html" }).end("<html>proxy</html>"); return true;
    }
  }
  await new Promise<void>((done, failed) => { server.once("error", failed).listen(port, "127.0.0.1", done); });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((done) => {
      closing.abort();
      server.close(() => { done(); });
      server.closeAllConnections();
    }),
  };
}
function send(res: ServerResponse, r: Reply): void {
  if (res.headersSent || res.destroyed) return;
  if (r.body === undefined) res.writeHead(r.status, r.headers).end();
  else res.writeHead(r.status, { "content-type": "application/json", ...r.headers }).end(typeof r.body === "string" ? r.body : JSON.stringify(r.body));
}
export const pause = (ms: number, signal: AbortSignal): Promise<void> => new Promise((done) => {
  const end = (): void => {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    done();
  };
  const timer = setTimeout(end, ms);
  signal.addEventListener("abort", end, { once: true });
});
async function bodyOf(req: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > 1 << 20) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** The fields of a urlencoded, multipart or JSON body. */
export function fieldsOf(req: Incoming): Record<string, string> {
  const type = req.headers["content-type"] ?? "";
  if (type.startsWith("application/json")) {
    try {
      return Object.fromEntries(Object.entries(JSON.parse(req.body) as Record<string, unknown>).map(([k, v]) => [k, typeof v === "string" ? v : JSON.stringify(v)]));
    } catch {
      return {};
    }
  }
  const boundary = /^multipart\/form-data;.*boundary="?([^";]+)"?/i.exec(type)?.[1];
  if (boundary === undefined) return Object.fromEntries(new URLSearchParams(req.body));
  return Object.fromEntries(req.body.split(`--${boundary}`).flatMap((part): [string, string][] => {
    const m = /name="([^"]+)"[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n([\s\S]*)\r\n$/.exec(part);
    return m ? [[m[1] as string, m[2] as string]] : [];
  }));
}
/** Basic or Bearer credentials. */
export function authorization(req: Incoming): { readonly user: string; readonly value: string } | null {
  const a = req.headers["authorization"] ?? "";
  if (a.startsWith("Bearer ")) return { user: "", value: a.slice(7) };
  if (!a.startsWith("Basic ")) return null;
  const text = Buffer.from(a.slice(6), "base64").toString();
  const colon = text.indexOf(":");
  return colon < 0 ? { user: text, value: "" } : { user: text.slice(0, colon), value: text.slice(colon + 1) };
}
