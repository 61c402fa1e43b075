import { lookup } from "node:dns/promises";
import { connect, type Socket } from "node:net";
import { connect as tlsConnect, rootCertificates } from "node:tls";
import type { Encryption } from "../schemas/integrations/smtp.ts";
import type { Verdict } from "../schemas/probe.ts";
import type { DoctorCode } from "./codes.ts";

export interface MailServer {
  readonly host: string;
  readonly port: number;
  readonly encryption: Encryption;
  /** PEM certificates that are trusted besides the usual ones. */
  readonly ca?: string;
  readonly timeoutMs: number;
}
/** How far a connection came. `code` and `verdict` are of the stage where it ended; `SMTP_REACHED` where nothing was wrong. */
export interface Reach {
  readonly stage: "dns" | "tcp" | "tls" | "greeting" | "starttls" | "ready";
  readonly verdict: Verdict;
  readonly code: DoctorCode;
  readonly message: string;
  readonly next: string;
  /** The server offers AUTH on this connection. */
  readonly auth: boolean;
  readonly tls: string | null;
}
const end = (stage: Reach["stage"], verdict: Verdict, code: DoctorCode, message: string, next: string): Reach => ({ stage, verdict, code, message, next, auth: false, tls: null });

/** Resolves, connects, greets and encrypts as declared, step by step, and tells which step failed. Sends no credential. Never throws. */
export async function reachSmtp(s: MailServer, signal: AbortSignal): Promise<Reach> {
  const at = `${s.host}:${s.port}`;
  let address: string;
  try {
    address = await within(lookup(s.host).then((r) => r.address), s.timeoutMs);
  } catch (e) {
    return end("dns", "inconclusive", "SMTP_DNS", `${s.host} doesn't resolve (${codeOf(e)})`, "look at a mistyped host, or at this machine's DNS");
  }
  const opened = await open(address, s.port, s.timeoutMs, signal);
  if (typeof opened === "string") {
    if (opened === "timeout") return end("tcp", "inconclusive", "SMTP_FIREWALL", `no answer from ${at} within ${s.timeoutMs / 1000} s: a firewall drops the connection`, `open outbound TCP ${s.port} in the firewall, or use another port of the provider; an HTTPS proxy carries no mail`);
    return end("tcp", "inconclusive", opened === "ECONNREFUSED" ? "SMTP_REFUSED" : "SMTP_UNREACHABLE", `${at}: ${opened === "ECONNREFUSED" ? "nothing listens there, or a firewall refuses" : `can't be reached (${opened})`}`, "compare host and port with the provider's documentation; then look at the firewall");
  }
  const dialog = new Dialog(opened, s.timeoutMs);
  const cut = (): void => { dialog.close(); };
  signal.addEventListener("abort", cut, { once: true });
  try {
    if (s.encryption === "ssl") {
      const failed = await dialog.encrypt(s);
      if (failed !== null) return MANGLED.test(failed) && (await greetsPlainly(address, s, signal)) ? end("tls", "invalid", "SMTP_WANTS_STARTTLS", `${at} doesn't speak TLS from the first byte`, "declare encryption: tls for this port (587), or port 465 with ssl") : tlsFailure(failed, "tls", at);
    }
    const greeting = await dialog.read();
    if (greeting === null) {
      if (s.encryption !== "ssl" && (await speaksTls(address, s, signal))) return end("tls", "invalid", "SMTP_WANTS_SSL", `${at} wants TLS from the first byte, not ${s.encryption === "tls" ? "STARTTLS" : "plain text"}`, "declare encryption: ssl for this port, or port 587 with tls");
      return end("greeting", "inconclusive", dialog.closed ? "SMTP_CLOSED" : "SMTP_GREETING_TIMEOUT", dialog.closed ? `${at} closed the connection before it greeted` : `${at} accepts the connection and doesn't greet within ${s.timeoutMs / 1000} s`, "try again; a mail filter in between, or a server that delays strangers");
    }
    if (!greeting.startsWith("220")) return end("greeting", "inconclusive", "SMTP_BUSY", `${at} greets with ${greeting.slice(0, 3)}`, "the server takes no mail from here now: try again, then ask the provider");
    let offered = await dialog.ehlo();
    if (typeof offered === "string") return unheard(offered, at);
    if (s.encryption === "tls") {
      if (!offered.some((x) => x === "STARTTLS")) return end("starttls", "invalid", "SMTP_NO_STARTTLS", `${at} offers no STARTTLS`, "a port of the provider that encrypts: 587 with tls, or 465 with ssl");
      const ready = await dialog.command("STARTTLS");
      if (!ready?.startsWith("220")) return end("starttls", "inconclusive", "SMTP_STARTTLS_REFUSED", `${at} offers STARTTLS and refuses it (${ready?.slice(0, 3) ?? "no answer"})`, "try again; then ask the provider");
      const failed = await dialog.encrypt(s);
      if (failed !== null) return tlsFailure(failed, "starttls", at);
      offered = await dialog.ehlo();
      if (typeof offered === "string") return unheard(offered, at);
    }
    return { stage: "ready", verdict: "valid", code: "SMTP_REACHED", message: `${at} answers${dialog.protocol === null ? ", without encryption" : ` over ${dialog.protocol}`}`, next: "", auth: offered.some((x) => /^AUTH\b/.test(x)), tls: dialog.protocol };
  } finally {
    signal.removeEventListener("abort", cut);
    dialog.close();
  }
}
/** No whole list of what the server offers: what isn't heard isn't missing. */
const unheard = (reply: string, at: string): Reach => (reply === "" ? end("greeting", "inconclusive", "SMTP_CLOSED", `${at} greets and then ends or falls silent`, "try again; a mail filter in between, or a server that puts strangers off") : end("greeting", "inconclusive", "SMTP_BUSY", `${at} greets and answers EHLO with ${reply}`, "the server takes no mail from here now: try again, then ask the provider"));
const MANGLED = /WRONG_VERSION|EPROTO|ERR_SSL_(PACKET|HTTP|UNEXPECTED)/;
function tlsFailure(code: string, stage: Reach["stage"], at: string): Reach {
  if (code === "timeout") return end(stage, "inconclusive", "SMTP_TLS_TIMEOUT", `${at}: the TLS handshake isn't answered`, "try again; a mail filter in between");
  if (/CERT|SELF_SIGNED|UNABLE_TO|ALTNAME|HOSTNAME/.test(code)) return end(stage, "inconclusive", "SMTP_CERTIFICATE", `${at}: the certificate isn't trusted (${code})`, "a proxy that inspects TLS, or the wrong host: give the CA by NODE_EXTRA_CA_CERTS or --ca; never turn the check off");
  return end(stage, "inconclusive", "SMTP_TLS", `${at}: the TLS handshake failed (${code})`, "compare host, port and encryption with the provider's documentation");
}

const codeOf = (e: unknown): string => (e as { code?: string }).code ?? "failed";
const within = <T>(p: Promise<T>, ms: number): Promise<T> => {
  let timer: NodeJS.Timeout;
  return Promise.race([p, new Promise<never>((_, no) => { timer = setTimeout(() => { no(Object.assign(new Error("timeout"), { code: "timeout" })); }, ms); })]).finally(() => { clearTimeout(timer); });
};
/** A connected socket, or why there is none. */
function open(host: string, port: number, ms: number, signal: AbortSignal): Promise<Socket | string> {
  return new Promise((done) => {
    const socket = connect({ host, port });
    const finish = (r: Socket | string): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", aborted);
      if (typeof r === "string") socket.destroy();
      else socket.removeAllListeners("error").on("error", () => undefined);
      done(r);
    };
    const aborted = (): void => { finish("timeout"); };
    const timer = setTimeout(() => { finish("timeout"); }, ms);
    signal.addEventListener("abort", aborted, { once: true });
    socket.once("connect", () => { finish(socket); }).once("error", (e) => { finish(codeOf(e) === "ETIMEDOUT" ? "timeout" : codeOf(e)); });
  });
}
async function speaksTls(address: string, s: MailServer, signal: AbortSignal): Promise<boolean> {
  const socket = await open(address, s.port, s.timeoutMs, signal);
  if (typeof socket === "string") return false;
  const dialog = new Dialog(socket, s.timeoutMs);
  const failed = await dialog.encrypt(s);
  dialog.close();
  return failed === null || /CERT|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(failed);
}
/** That what doesn't speak TLS is a mail server that begins in clear, and not whatever answers in its place. */
async function greetsPlainly(address: string, s: MailServer, signal: AbortSignal): Promise<boolean> {
  const socket = await open(address, s.port, s.timeoutMs, signal);
  if (typeof socket === "string") return false;
  const dialog = new Dialog(socket, s.timeoutMs);
  const greeting = await dialog.read();
  dialog.close();
  return greeting?.startsWith("220") === true;
}

/** One SMTP conversation: replies are read whole, with a time limit for each. */
class Dialog {
  closed = false;
  protocol: string | null = null;
  private socket: Socket;
  private readonly ms: number;
  private buffer = "";
  private wake: (() => void) | null = null;
  constructor(socket: Socket, ms: number) {
    this.socket = socket;
    this.ms = ms;
    this.listen();
  }
  private listen(): void {
    this.socket.on("data", (d: Buffer) => {
      this.buffer = (this.buffer + d.toString("latin1")).slice(-65536);
      this.wake?.();
    });
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => {
      this.closed = true;
      this.wake?.();
    });
  }
  /** The next reply, all its lines; null where none comes in time. */
  async read(): Promise<string | null> {
    const until = Date.now() + this.ms;
    for (;;) {
      const m = /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\r?\n/.exec(this.buffer);
      if (m) {
        this.buffer = this.buffer.slice(m[0].length);
        return m[0];
      }
      const left = until - Date.now();
      if (this.closed || left <= 0) return null;
      await new Promise<void>((done) => {
        const timer = setTimeout(done, left);
        this.wake = () => { clearTimeout(timer); done(); };
      });
      this.wake = null;
    }
  }
  command(line: string): Promise<string | null> {
    if (!this.closed) this.socket.write(`${line}\r\n`);
    return this.read();
  }
  /** What the server offers; its reply's code where it refuses, empty where no whole reply came. */
  async ehlo(): Promise<string[] | string> {
    const reply = await this.command("EHLO stackseal.invalid");
    if (reply?.startsWith("250") !== true) return reply?.slice(0, 3) ?? "";
    return reply.split(/\r?\n/).slice(1).map((l) => l.slice(4).trim().toUpperCase()).filter(Boolean);
  }
  /** Null where the handshake succeeded, else the code of what failed. */
  encrypt(s: MailServer): Promise<string | null> {
    const plain = this.socket.removeAllListeners("data").removeAllListeners("close");
    this.buffer = "";
    return new Promise((done) => {
      const secure = tlsConnect({ socket: plain, servername: /^[\d.]+$|:/.test(s.host) ? "" : s.host, host: s.host, ...(s.ca !== undefined && { ca: [...rootCertificates, s.ca] }) });
      const timer = setTimeout(() => { secure.destroy(); done("timeout"); }, this.ms);
      secure.once("secureConnect", () => {
        clearTimeout(timer);
        this.socket = secure;
        this.protocol = secure.getProtocol();
        this.listen();
        done(null);
      }).on("error", (e) => { clearTimeout(timer); this.closed = true; done(codeOf(e)); });
    });
  }
  close(): void {
    if (!this.closed) this.socket.end("QUIT\r\n");
    this.socket.destroy();
  }
}
