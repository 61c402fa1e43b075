import { spawn } from "node:child_process";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTls } from "node:https";
import { afterAll, describe, expect, it } from "vitest";
import { systemClock } from "../lib/clock.ts";
import { createHttp } from "../lib/http.ts";
import { selfSigned } from "../sandbox/certificate.ts";
import { expand } from "../schemas/template.ts";
import { probeCredential, type Probed } from "./index.ts";
import { reachSmtp } from "./smtp-reach.ts";

const closers: (() => void)[] = [];
afterAll(() => { for (const c of closers) c(); });
const listen = (s: Server): Promise<number> => new Promise((done) => { s.listen(0, "127.0.0.1", () => { done((s.address() as AddressInfo).port); }); });

describe("behind a proxy that inspects TLS", () => {
  const owner = `AC${"7".repeat(32)}`;
  const value = expand("{hex:32}");
  const asked: string[] = [];
  /** The provider under its own name, behind a proxy that alone reaches it; the certificate is of the proxy's authority. */
  async function start(): Promise<{ proxy: string; ca: string }> {
    const certificate = selfSigned("proxy", new Date(), 30, ["api.twilio.com", "monitor.twilio.com"]);
    const provider = createTls({ key: certificate.key, cert: certificate.cert }, (req, res) => {
      const right = req.headers.authorization === `Basic ${Buffer.from(`${owner}:${value}`).toString("base64")}`;
      res.writeHead(right ? 200 : 401, { "content-type": "application/json" }).end(JSON.stringify(right ? { sid: owner, status: "active", type: "Trial", balance: "1", alerts: [] } : { code: 20003, status: 401 }));
    });
    const at = await listen(provider);
    const proxy = createServer((client) => {
      client.on("error", () => undefined).once("data", (head: Buffer) => {
        const target = /^CONNECT (\S+) HTTP/.exec(head.toString("latin1"))?.[1] ?? "";
        asked.push(target);
        if (/^Proxy-Authorization: Basic d3Jvbmc6/im.test(head.toString("latin1"))) { client.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"); return; } // stackseal:allow what the test sends as a wrong one
        const up = connect(at, "127.0.0.1", () => { client.write("HTTP/1.1 200 Connection established\r\n\r\n"); client.pipe(up).pipe(client); });
        up.on("error", () => { client.destroy(); });
      });
    });
    const port = await listen(proxy);
    closers.push(() => { provider.closeAllConnections(); provider.close(); proxy.close(); });
    return { proxy: `127.0.0.1:${String(port)}`, ca: certificate.cert };
  }
  const started = start();
  const probe = async (env: Record<string, string>, ca?: string): Promise<Probed> => {
    const http = createHttp({ env, timeoutMs: 3_000, retries: 0, ...(ca !== undefined && { ca }) });
    try {
      return await probeCredential({ kind: "twilio.authToken", value, settings: { accountSid: owner }, environment: { name: "dev", tier: "development" }, http, signal: AbortSignal.timeout(20_000), clock: systemClock });
    } finally {
      await http.close();
    }
  };
  it.each(["HTTPS_PROXY", "https_proxy"])("%s is used with the given authority's certificate: accepted, a corrupted copy refused", async (name) => {
    const { proxy, ca } = await started;
    expect(await probe({ [name]: `http://${proxy}` }, ca)).toMatchObject({ verdict: "valid", code: "CREDENTIAL_ACCEPTED" });
    expect(asked).toContain("api.twilio.com:443");
  });
  it("without the authority's certificate it is inconclusive and names TLS, never invalid", async () => {
    const { proxy } = await started;
    const r = await probe({ HTTPS_PROXY: `http://${proxy}` });
    expect(r).toMatchObject({ verdict: "inconclusive", code: "PROVIDER_TLS" });
    expect(r.message).toMatch(/TLS/);
  });
  it("a proxy that refuses, and one that isn't there, are the proxy's fault and not the key's", async () => {
    const { proxy, ca } = await started;
    expect(await probe({ HTTPS_PROXY: `http://wrong:pass@${proxy}` }, ca)).toMatchObject({ verdict: "inconclusive", code: "PROXY_REFUSED" });
    expect((await probe({ HTTPS_PROXY: "http://127.0.0.1:1" }, ca)).verdict).toBe("inconclusive");
  });
  it("never asks the proxy for this machine", async () => {
    const { proxy } = await started;
    const before = asked.length;
    const http = createHttp({ env: { HTTP_PROXY: `http://${proxy}`, HTTPS_PROXY: `http://${proxy}` }, timeoutMs: 1_000, retries: 0 });
    await http.send({ method: "GET", url: "http://127.0.0.1:1/" });
    await http.close();
    expect(asked).toHaveLength(before);
  });
});

describe("a mail server that can't be reached", () => {
  const reach = (host: string, port: number): ReturnType<typeof reachSmtp> => reachSmtp({ host, port, encryption: "tls", timeoutMs: 1_500 }, AbortSignal.timeout(10_000));
  it("a name that doesn't resolve is DNS", async () => {
    expect(await reach("smtp.nowhere.invalid", 587)).toMatchObject({ stage: "dns", verdict: "inconclusive", code: "SMTP_DNS" });
  });
  it("a port where nobody listens is told apart from a firewall", async () => {
    expect(await reach("127.0.0.1", 1)).toMatchObject({ stage: "tcp", verdict: "inconclusive", code: "SMTP_REFUSED" });
  });
  it("packets that vanish are named a firewall, with the port to open", async () => {
    // A process that listens with a queue of one and never takes anything: once the queue is full the system drops what comes, as a firewall does.
    const child = spawn(process.execPath, ["-e", "const s=require('net').createServer();s.listen({port:0,host:'127.0.0.1',backlog:1},()=>{require('fs').writeSync(1,String(s.address().port));Atomics.wait(new Int32Array(new SharedArrayBuffer(4)),0,0)})"], { stdio: ["ignore", "pipe", "ignore"] });
    const fillers: Socket[] = [];
    try {
      const port = await new Promise<number>((done) => { child.stdout.once("data", (d: Buffer) => { done(Number(d.toString())); }); });
      for (let i = 0; i < 8; i++) fillers.push(connect(port, "127.0.0.1").on("error", () => undefined));
      await new Promise((done) => { setTimeout(done, 300); });
      const r = await reach("127.0.0.1", port);
      expect(r).toMatchObject({ stage: "tcp", verdict: "inconclusive", code: "SMTP_FIREWALL" });
      expect(r.next).toContain(`open outbound TCP ${String(port)}`);
    } finally {
      for (const f of fillers) f.destroy();
      child.kill("SIGKILL");
    }
  });
});
