import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Scheme, Verified } from "./scheme.ts";

export interface Received {
  readonly at: Date;
  readonly method: string;
  readonly path: string;
  readonly bytes: number;
  readonly verified: Verified;
  /** The same delivery was taken before: rightly signed, and a replay all the same. */
  readonly replay: boolean;
  /** The type that the body names, where it does. */
  readonly type: string | null;
}
export interface Receiver {
  readonly url: string;
  close(): Promise<void>;
}
const MAX = 1 << 20;

/** Listens on 127.0.0.1 and judges what comes; answers 204 to what is rightly signed and 401 to the rest. `publicUrl` is what the sender calls, where a tunnel stands in between. */
export async function receive(o: { readonly scheme: Scheme; readonly secret: string; readonly port: number; readonly publicUrl: string | null; readonly now: () => Date; readonly each: (r: Received) => void }): Promise<Receiver> {
  const seen = new Set<string>();
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    let size = 0;
    req.on("data", (c: Buffer) => {
      size += c.length;
      if (size <= MAX) chunks.push(c);
    });
    req.on("error", () => undefined);
    req.on("end", () => {
      void judge(size > MAX ? null : Buffer.concat(chunks).toString("utf8")).then((status) => { res.writeHead(status).end(); }, () => { res.writeHead(500).end(); });
    });
    async function judge(body: string | null): Promise<number> {
      if (body === null) return 413;
      const path = req.url ?? "/";
      const headers = Object.fromEntries(Object.entries(req.headers).map(([k, v]) => [k, Array.isArray(v) ? v.join(", ") : (v ?? "")]));
      const url = o.publicUrl === null ? `http://${req.headers.host ?? ""}${path}` : new URL(path, o.publicUrl).href;
      const method = req.method ?? "";
      const verified = await o.scheme.verify({ method, url, headers, body }, o.secret, o.now());
      const key = verified.id ?? createHash("sha256").update(JSON.stringify([headers["x-twilio-signature"], headers["x-cal-signature-256"], url, body])).digest("hex");
      const replay = verified.ok && seen.has(key);
      if (verified.ok) seen.add(key);
      o.each({ at: o.now(), method, path: path.split("?")[0] ?? path, bytes: size, verified, replay, type: /"(?:type|triggerEvent|subscriptionType)":\s*"([A-Za-z0-9_.]{1,80})"/.exec(body)?.[1] ?? null });
      return verified.ok ? 204 : 401;
    }
  });
  await new Promise<void>((done, failed) => { server.once("error", failed).listen(o.port, "127.0.0.1", done); });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((done) => {
      server.close(() => { done(); });
      server.closeAllConnections();
    }),
  };
}
