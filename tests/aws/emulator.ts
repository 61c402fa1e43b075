import { spawn } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as tcp, type AddressInfo } from "node:net";
import { request } from "node:http";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";

export interface Emulator {
  readonly url: string;
  readonly pid: number;
  close(): Promise<void>;
}
const folders = (): string[] => {
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "stackseal", "tools");
  return [...(process.env["PATH"] ?? "").split(delimiter), join(cache, "ministack-1.5.33"), join(cache, "moto-5.2.5")];
};
/** A program that the test command installs; undefined where it isn't there, and its tests are skipped. */
export const findPeer = (name: string): string | undefined => folders().map((d) => join(d, name)).find((f) => existsSync(f));

const freePort = (): Promise<number> => new Promise((done) => {
  const s = tcp();
  s.listen(0, "127.0.0.1", () => { const { port } = s.address() as AddressInfo; s.close(() => { done(port); }); });
});

async function start(command: string, args: readonly string[], env: Readonly<Record<string, string>>, url: string, health: string): Promise<Emulator> {
  const cwd = mkdtempSync(join(tmpdir(), "emulator-"));
  const child = spawn(command, args, { cwd, env: { ...env, PATH: process.env["PATH"] ?? "", HOME: cwd }, stdio: "ignore" });
  const exited = new Promise<void>((done) => child.once("exit", () => { done(); }));
  const kill = (): void => { child.kill("SIGKILL"); };
  process.once("exit", kill);
  for (const until = Date.now() + 60_000; ; ) {
    if (await fetch(`${url}${health}`).then((r) => r.ok, () => false)) break;
    if (child.exitCode !== null || Date.now() > until) throw new Error(`${command} doesn't start`);
    await new Promise((r) => setTimeout(r, 50));
  }
  return { url, pid: child.pid ?? 0, close: async () => { process.off("exit", kill); child.kill("SIGTERM"); setTimeout(kill, 2000).unref(); await exited; } };
}
/** ministack on a free loopback port; `auth` turns its enforcement of IAM on. */
export async function startMinistack(account: string, options: { readonly auth?: boolean } = {}): Promise<Emulator> {
  const port = await freePort();
  return start(findPeer("ministack") ?? "ministack", [], { BIND_HOST: "127.0.0.1", GATEWAY_PORT: String(port), MINISTACK_ACCOUNT_ID: account, CLOUDTRAIL_RECORDING: "1", ...(options.auth === true && { AUTH: "true" }) }, `http://127.0.0.1:${port}`, "/_ministack/health");
}
/** moto on a free loopback port; its account is 123456789012. */
export async function startMoto(): Promise<Emulator> {
  const port = await freePort();
  return start(findPeer("moto_server") ?? "moto_server", ["-H", "127.0.0.1", "-p", String(port)], {}, `http://127.0.0.1:${port}`, "/moto-api/data.json");
}

export interface Proxy {
  readonly url: string;
  /** Answers a request itself where it returns something (a text as XML, all else as JSON; status 0 breaks the connection); passes it on otherwise. */
  intercept: (target: string, body: string, n: number, url: string) => { readonly status: number; readonly body: unknown } | null | undefined;
  readonly seen: string[];
  close(): Promise<void>;
}
/** Stands before an emulator: counts and can answer requests; `target` is the JSON services' operation. */
export async function startProxy(upstream: string): Promise<Proxy> {
  const seen: string[] = [];
  const to = new URL(upstream);
  const server: Server = createServer((req: IncomingMessage, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (c: Buffer) => chunks.push(c));
    req.on("end", () => {
      const body = Buffer.concat(chunks);
      const target = String(req.headers["x-amz-target"] ?? req.url).split(".").at(-1) ?? "";
      seen.push(target);
      const own = proxy.intercept(target, body.toString("utf8"), seen.filter((t) => t === target).length, req.url ?? "");
      if (own?.status === 0) { res.destroy(); return; }
      if (own) { res.writeHead(own.status, { "content-type": typeof own.body === "string" ? "text/xml" : "application/x-amz-json-1.1" }).end(typeof own.body === "string" ? own.body : JSON.stringify(own.body)); return; }
      const out = request({ host: to.hostname, port: to.port, method: req.method, path: req.url, headers: req.headers }, (back) => { res.writeHead(back.statusCode ?? 502, back.headers); back.pipe(res); });
      out.on("error", () => { res.destroy(); });
      out.end(body);
    });
  });
  await new Promise<void>((done) => { server.listen(0, "127.0.0.1", done); });
  const proxy: Proxy = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, intercept: () => null, seen, close: () => new Promise((done) => { server.closeAllConnections(); server.close(() => { done(); }); }) };
  return proxy;
}
