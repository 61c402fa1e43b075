import { randomBytes } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { AddressInfo } from "node:net";
import type { SMTPServer as Server, SMTPServerAuthentication, SMTPServerSession } from "smtp-server";
import { KEY_STATES } from "../schemas/sandbox.ts";
import type { Certificate } from "./certificate.ts";
import { Keys, type Key } from "./keys.ts";
import { mailgunLogin } from "./mailgun.ts";
import { json, pause, serve, type Served } from "./server.ts";

/** What a mail server of the sandbox can be made to do; the numbers are replies to AUTH, `550-from` and `550-rcpt` to the envelope. */
export const MAIL_FAULTS = ["535", "534", "454", "530", "550", "421", "550-from", "550-rcpt", "no-auth", "no-starttls", "untrusted", "greeting-delay", "half-open", "closed"] as const;
export type MailFault = (typeof MAIL_FAULTS)[number];

export interface Mail {
  readonly id: string;
  readonly at: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly user: string;
  readonly tls: boolean;
  /** As received. */
  readonly raw: string;
}
export interface MailSandbox {
  readonly urls: { readonly smtp: string; readonly smtps: string; readonly "smtp-plain": string; readonly "mail-sink": string };
  /** The mail that was taken, newest last. */
  mails(): readonly Mail[];
  fault(fault: MailFault | null, amount?: number): void;
  close(): Promise<void>;
}
class Refused extends Error {
  readonly responseCode: number;
  constructor(code: number, text: string) {
    super(text);
    this.responseCode = code;
  }
}
const SAYS: Readonly<Record<string, string>> = { "535": "5.7.8 Authentication credentials invalid", "534": "5.7.9 Application-specific password required", "454": "4.7.0 Temporary authentication failure", "530": "5.7.0 Must issue a STARTTLS command first", "550": "5.7.1 Account suspended", "421": "4.7.0 Try again later" };

/**
 * Three mail servers on 127.0.0.1, as on 587 (STARTTLS), 465 (TLS from the first byte) and 25 (plain), and a sink that shows what they took.
 * A login `apikey` is looked up among the fake SendGrid's keys, `api` among Mailtrap's, an address among Mailgun's; any other password is taken in
 * unless it is a near miss of a known one or the login's was registered.
 */
export async function startMail(dir: string | null, trusted: Certificate, untrusted: Certificate, apis: Readonly<Record<"sendgrid" | "mailtrap" | "mailgun", Keys>>): Promise<MailSandbox> {
  const { SMTPServer } = await import("smtp-server");
  const own = new Keys(dir, "mail");
  const mails: Mail[] = [];
  const closing = new AbortController();
  setMaxListeners(0, closing.signal); // one for each connection that is kept waiting
  let active: { readonly fault: MailFault; readonly amount: number } | null = null;

  function known(user: string, password: string): Key | null {
    // A domain whose logins are Mailgun's has no others.
    if (apis.mailgun.knows((o) => o.startsWith(mailgunLogin("")) && o.endsWith(`@${user.split("@")[1] ?? ""}`))) return apis.mailgun.find(password, mailgunLogin(user));
    const [keys, owner] = user === "apikey" ? [apis.sendgrid, ""] : user === "api" || user === "smtp@mailtrap.io" ? [apis.mailtrap, ""] : [own, user];
    return keys.find(password, owner) ?? keys.adopt(password, owner, {});
  }
  function judge(auth: SMTPServerAuthentication): void {
    if (active && active.fault in SAYS) throw new Refused(Number(active.fault), SAYS[active.fault] ?? "");
    const key = known(auth.username ?? "", auth.password ?? "");
    if (key === null || key.state === "dead" || key.state === "expired") throw new Refused(535, SAYS["535"] ?? "");
    if (key.state === "suspended") throw new Refused(550, SAYS["550"] ?? "");
  }
  const make = (kind: "smtp" | "smtps" | "smtp-plain"): Server => {
    const server = new SMTPServer({
      secure: kind === "smtps", key: trusted.key, cert: trusted.cert, name: "sandbox.invalid", banner: "stackseal sandbox", logger: false, disableReverseLookup: true, authMethods: ["PLAIN", "LOGIN"],
      disabledCommands: kind === "smtp-plain" ? ["STARTTLS"] : [], allowInsecureAuth: kind === "smtp-plain", closeTimeout: 100, size: 1 << 20,
      onConnect: (session: SMTPServerSession, done) => {
        const f = active;
        if (f?.fault === "half-open") return;
        if (f?.fault === "closed") { done(new Refused(421, "4.3.2 closing")); return; }
        const base = kind === "smtp-plain" ? ["STARTTLS"] : [];
        (session as { disabledCommands?: string[] }).disabledCommands = f?.fault === "no-auth" ? [...base, "AUTH"] : f?.fault === "no-starttls" ? [...base, "STARTTLS"] : base;
        if (f?.fault === "greeting-delay") void pause(f.amount, closing.signal).then(() => { done(); });
        else done();
      },
      onAuth: (auth, _session, done) => {
        try {
          judge(auth);
          done(null, { user: auth.username ?? "" });
        } catch (e) {
          done(e as Error);
        }
      },
      onMailFrom: (address, _session, done) => { done(active?.fault === "550-from" ? new Refused(550, `5.7.1 from address ${address.address} does not match a verified Sender Identity`) : null); },
      onRcptTo: (_address, _session, done) => { done(active?.fault === "550-rcpt" ? new Refused(550, "5.1.1 no such user") : null); },
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on("data", (c: Buffer) => chunks.push(c)).on("end", () => {
          const from = session.envelope.mailFrom;
          mails.push({ id: randomBytes(6).toString("hex"), at: new Date().toISOString(), from: from === false ? "" : from.address, to: session.envelope.rcptTo.map((r) => r.address), user: String(session.user ?? ""), tls: session.secure, raw: Buffer.concat(chunks).toString("utf8") });
          if (mails.length > 100) mails.shift();
          done();
        });
      },
    });
    // A client that hangs up is no fault of the sandbox.
    server.on("error", () => undefined);
    return server;
  };
  const servers = { smtp: make("smtp"), smtps: make("smtps"), "smtp-plain": make("smtp-plain") };
  const listen = (s: Server): Promise<number> => new Promise((done, failed) => { s.server.once("error", failed); s.listen(0, "127.0.0.1", () => { done((s.server.address() as AddressInfo).port); }); });
  const [smtp, smtps, plain] = [await listen(servers.smtp), await listen(servers.smtps), await listen(servers["smtp-plain"])];
  function fault(next: MailFault | null, amount = 0): void {
    const certificate = next === "untrusted" ? untrusted : trusted;
    for (const s of [servers.smtp, servers.smtps]) s.updateSecureContext({ key: certificate.key, cert: certificate.cert });
    active = next === null ? null : { fault: next, amount };
  }
  const sink: Served = await serve(0, (req) => {
    if (req.method === "GET" && req.url.pathname === "/mails") return json(200, mails);
    if (req.method === "DELETE" && req.url.pathname === "/mails") {
      mails.length = 0;
      return { status: 204 };
    }
    return json(404, { message: "GET /mails" });
  }, (what, body) => {
    if (what === "mail-faults") {
      const f = MAIL_FAULTS.find((x) => x === body["fault"]);
      if (f === undefined && body["fault"] !== null) return json(400, { message: `fault is null or one of ${MAIL_FAULTS.join(", ")}` });
      fault(f ?? null, Number(body["amount"] ?? 0));
      return json(200, {});
    }
    if (what !== "credentials") return null;
    const state = KEY_STATES.find((s) => s === body["state"]);
    if (!state || typeof body["value"] !== "string" || typeof body["owner"] !== "string") return json(400, { message: "owner (the login), value, state" });
    own.register(body["value"], body["owner"], state, {});
    return json(200, {});
  }, () => json(429, {}));
  return {
    urls: { smtp: `smtp://127.0.0.1:${smtp}`, smtps: `smtps://127.0.0.1:${smtps}`, "smtp-plain": `smtp://127.0.0.1:${plain}`, "mail-sink": sink.url },
    mails: () => mails, fault,
    close: async () => {
      closing.abort();
      await Promise.all([sink.close(), ...Object.values(servers).map((s) => new Promise<void>((done) => {
        s.close(() => { done(); });
        for (const c of s.connections) c.close();
      }))]);
    },
  };
}
