import { randomBytes } from "node:crypto";
import { resolveTxt } from "node:dns/promises";
import type { Http } from "../lib/http.ts";
import { loopback } from "../schemas/fields.ts";
import { MAIL_LOGS } from "../schemas/integrations/mail-probe.ts";
import type { DoctorCode } from "./codes.ts";
import { sandboxServer, type MailSettings } from "./mail.ts";
import { readLogin, transportOptions, type MailError } from "./smtp-login.ts";
import { unread, type Unread } from "./unread.ts";
import { step, type StepResult } from "./step.ts";

export interface TestMail {
  readonly settings: MailSettings & { readonly from: { readonly address: string; readonly name: string } };
  readonly to: string;
  readonly password: { readonly value: string } | Unread;
  readonly sandbox: Readonly<Record<string, string>> | null;
  /** `imaps://user@host/INBOX`, or a sink's `http(s)://…`: where the message must show up. */
  readonly confirm: string | null;
  readonly imapPassword: string | null;
  readonly http: Http;
  readonly signal: AbortSignal;
  readonly now: Date;
  readonly ca?: string;
  /** How long a mailbox is watched for the message. */
  readonly waitMs?: number;
}
interface Found { readonly from: string; readonly name: string; readonly folder: string; readonly auth: string }

/** Sends a message with a unique id, says how to confirm its receipt or confirms it itself, and tells the from-domain's DNS records. */
export async function sendTestMail(m: TestMail): Promise<StepResult[]> {
  const { settings: s } = m;
  if (!/^[^\s@<>"]+@[^\s@<>"]+$/.test(m.to)) return [step("login", "invalid", "ADDRESS_WRONG", "--send-mail wants an e-mail address")];
  if (m.password.value === null) return [unread("login", "no message was sent", m.password)];
  const id = `stackseal-${randomBytes(6).toString("hex")}`;
  const server = sandboxServer({ host: s.host, port: s.port, encryption: s.encryption, timeoutMs: 8_000, ...(m.ca !== undefined && { ca: m.ca }) }, m.sandbox);
  if (server.encryption === null && !loopback(server.host)) return [step("login", "skipped", "LOGIN_IN_CLEAR", "no message was sent: without encryption everybody on the way would read the password", "declare port 587 with encryption tls, or 465 with ssl")];
  const { createTransport } = await import("nodemailer");
  const transport = createTransport(transportOptions(server, s.username, m.password.value));
  try {
    await transport.sendMail({
      from: { name: s.from.name, address: s.from.address }, to: m.to, subject: `Test message ${id}`, messageId: `<${id}@${s.from.address.split("@")[1] ?? "localhost"}>`, date: m.now, headers: { "X-Stackseal-Test": id },
      text: `This message shows that mail of ${s.from.address} arrives.\nIts id is ${id}. Nothing is to be done.\n`,
    });
  } catch (e) {
    return [refused(e as MailError, s)];
  } finally {
    transport.close();
  }
  const sent = step("login", "valid", "MAIL_SENT", `the server took the test message ${id} for ${m.to}`, m.confirm === null ? `look for ${id} in the mailbox, the spam folder too, and whether From says ${s.from.name} <${s.from.address}>; nothing there: ${MAIL_LOGS[s.provider]}` : "");
  const [confirmed, dns] = await Promise.all([m.confirm === null ? [] : confirm(m, m.confirm, id), m.sandbox === null ? records(s.from.address.split("@")[1] ?? "") : [step("logs", "skipped", "NOT_ASKED", "SPF, DKIM and DMARC records aren't looked up in the sandbox")]]);
  return [sent, ...confirmed, ...dns];
}
function refused(e: MailError & { readonly command?: string }, s: TestMail["settings"]): StepResult {
  if (e.code === "EENVELOPE") {
    const recipient = (e.command ?? "").startsWith("RCPT");
    const status = e.responseCode ?? 0;
    return status >= 400 && status < 500 ? step("login", "inconclusive", "MAIL_DEFERRED", `the server puts the message off (${status})`, "try again in some minutes")
      : recipient ? step("login", "invalid", "RECIPIENT_REFUSED", `the server refuses the recipient (${status})`, "in a provider's sandbox only verified recipients are allowed; else compare the address")
      : step("login", "invalid", "SENDER_REFUSED", `the server refuses ${s.from.address} as sender (${status})`, "verify the from address or its domain at the provider");
  }
  const r = readLogin(e, s.provider);
  return step("login", r.verdict, r.code, `no message was sent: ${r.message}`, r.next);
}

async function confirm(m: TestMail, where: string, id: string): Promise<StepResult[]> {
  const url = URL.canParse(where) ? new URL(where) : null;
  const look = url?.protocol === "http:" || url?.protocol === "https:" ? () => inSink(m, where, id) : url?.protocol === "imaps:" ? () => inMailbox(m, url, id) : null;
  if (!url || !look) return [step("logs", "skipped", "CONFIRM_WRONG", "--confirm wants an imaps:// mailbox or a sink's http URL")];
  const until = Date.now() + (m.waitMs ?? 12_000);
  for (;;) {
    const found = await look();
    if (typeof found === "string") return [step("logs", "inconclusive", "CONFIRM_FAILED", `${url.host} can't be read (${found})`, "look for the message by hand, the spam folder too")];
    if (found) return judge(m, found);
    if (Date.now() >= until || m.signal.aborted) break;
    await new Promise((done) => setTimeout(done, 500));
  }
  return [step("logs", "inconclusive", "MAIL_NOT_SEEN", `the message didn't arrive within ${(m.waitMs ?? 12_000) / 1000} s`, `it may come later; look into the provider's log: ${MAIL_LOGS[m.settings.provider]}`)];
}
function judge(m: TestMail, f: Found): StepResult[] {
  const { address, name } = m.settings.from;
  const spam = /junk|spam|bulk/i.test(f.folder);
  return [
    spam ? step("logs", "inconclusive", "MAIL_IN_SPAM", `the message arrived in ${f.folder}`, "look at SPF, DKIM and DMARC of the from domain, and at the provider's reputation page") : step("logs", "valid", "MAIL_ARRIVED", `the message arrived in ${f.folder}`),
    f.from.toLowerCase() !== address.toLowerCase() ? step("logs", "invalid", "FROM_REWRITTEN", "it arrived with another From address than declared", "the provider rewrites it: verify the address there, or declare the login's own")
      : f.name !== name ? step("logs", "invalid", "FROM_NAME_CHANGED", "it arrived with another From name than declared", "look at the provider's sender settings") : step("logs", "valid", "FROM_KEPT", `From is ${name} <${address}> as declared`),
    ...(f.auth === "" ? [] : [step("logs", "valid", "AUTHENTICATION_RESULTS", `the receiver says ${f.auth}`)]),
  ];
}
/** A sink that lists what it took as JSON, as the sandbox's does: anything that holds the id is the message. */
async function inSink(m: TestMail, url: string, id: string): Promise<Found | null | string> {
  const got = await m.http.send({ method: "GET", url }, m.signal);
  if (!got.ok) return got.code;
  if (got.status !== 200) return `HTTP ${got.status}`;
  try {
    const list = JSON.parse(got.text) as unknown;
    const all = Array.isArray(list) ? list : ((list as { messages?: unknown[] }).messages ?? []);
    const hit = all.map((x) => (typeof (x as { raw?: unknown }).raw === "string" ? (x as { raw: string }).raw : "")).find((raw) => raw.includes(id));
    return hit === undefined ? null : { ...fromOf(hit), folder: "the sink", auth: "" };
  } catch {
    return "not JSON";
  }
}
async function inMailbox(m: TestMail, url: URL, id: string): Promise<Found | null | string> {
  if (m.imapPassword === null) return "STACKSEAL_IMAP_PASSWORD is not set";
  const { ImapFlow } = await import("imapflow");
  const client = new ImapFlow({ host: url.hostname, port: Number(url.port || "993"), secure: true, auth: { user: decodeURIComponent(url.username), pass: m.imapPassword }, logger: false, ...(m.ca !== undefined && { tls: { ca: m.ca } }) });
  client.on("error", () => undefined);
  try {
    await client.connect();
    const boxes = (await client.list()).filter((b) => b.path === "INBOX" || b.specialUse === "\\Junk" || /junk|spam/i.test(b.path));
    for (const b of boxes) {
      const lock = await client.getMailboxLock(b.path, { readOnly: true });
      try {
        const hits = await client.search({ header: { "x-stackseal-test": id } }, { uid: true });
        const uid = hits ? hits.at(-1) : undefined;
        const message = uid === undefined ? undefined : await client.fetchOne(String(uid), { headers: ["from", "authentication-results"] }, { uid: true });
        if (message && message.headers) {
          const text = message.headers.toString("utf8");
          return { ...fromOf(text), folder: b.path, auth: [...text.matchAll(/\b(spf|dkim|dmarc)=(\w+)/gi)].map((x) => `${(x[1] ?? "").toLowerCase()}=${x[2] ?? ""}`).slice(0, 6).join(" ") };
        }
      } finally {
        lock.release();
      }
    }
    return null;
  } catch (e) {
    return (e as { responseStatus?: string; code?: string }).responseStatus ?? (e as { code?: string }).code ?? "no connection";
  } finally {
    client.close();
  }
}
function fromOf(raw: string): { readonly from: string; readonly name: string } {
  const line = /^from:\s*((?:.*)(?:\r?\n[ \t].*)*)/im.exec(raw)?.[1]?.replace(/\r?\n[ \t]/g, " ").trim() ?? "";
  const m = /^"?(.*?)"?\s*<([^>]+)>$/.exec(line);
  return { from: (m?.[2] ?? line).trim(), name: decode(m?.[1] ?? "") };
}
/** RFC 2047 words, as mailers write names that aren't ASCII. */
const decode = (t: string): string => t.replace(/=\?utf-8\?([bq])\?([^?]*)\?=\s*/gi, (_a, kind: string, text: string) => (kind.toLowerCase() === "b" ? Buffer.from(text, "base64").toString() : Buffer.from(text.replaceAll("_", " ").replace(/=([0-9a-f]{2})/gi, (_h, x: string) => String.fromCharCode(parseInt(x, 16))), "latin1").toString()));

/** SPF, DKIM and DMARC of a domain: information, no verdict on the mail. */
async function records(domain: string): Promise<StepResult[]> {
  const txt = async (name: string): Promise<string[] | null> => {
    try {
      return (await resolveTxt(name)).map((r) => r.join(""));
    } catch (e) {
      return ["ENOTFOUND", "ENODATA"].includes((e as { code?: string }).code ?? "") ? [] : null;
    }
  };
  const info = (code: DoctorCode, found: string[] | null, what: string, absent: string): StepResult => (found === null ? step("logs", "skipped", code, `${what} of ${domain} couldn't be looked up`) : found.length ? step("logs", "valid", code, `${what} of ${domain}: ${found.map((f) => f.slice(0, 80)).join("; ").replace(/[^\x20-\x7e]/g, "")}`) : step("logs", "skipped", code, `${what} of ${domain}: none; ${absent}`));
  const [spf, dmarc, dkim] = await Promise.all([txt(domain), txt(`_dmarc.${domain}`), Promise.all(["s1", "s2", "k1", "mail", "google", "default", "pic", "mx"].map(async (s) => ((await txt(`${s}._domainkey.${domain}`)) ?? []).filter((r) => r.includes('p=')).map(() => s)))]);
  return [
    info("SPF", spf?.filter((r) => r.startsWith("v=spf1")) ?? null, "SPF", "receivers can't tell who may send"),
    info("DKIM", dkim.flat(), "DKIM selectors", "under the usual selectors; the provider's page names its own"),
    info("DMARC", dmarc?.filter((r) => r.startsWith("v=DMARC1")) ?? null, "DMARC", "large receivers want one"),
  ];
}
