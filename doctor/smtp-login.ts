import { rootCertificates } from "node:tls";
import type { MailProvider } from "../schemas/integrations/smtp.ts";
import type { DoctorCode } from "./codes.ts";
import type { Reading } from "./answer.ts";
import type { MailServer } from "./smtp-reach.ts";

/** nodemailer's options of a declared server: encryption is enforced as declared, a login is forced, no default time limit of minutes stays. */
export function transportOptions(s: MailServer, username: string, password: string): Record<string, unknown> {
  return {
    host: s.host, port: s.port, secure: s.encryption === "ssl", requireTLS: s.encryption === "tls", ignoreTLS: s.encryption === null,
    forceAuth: true, auth: { user: username, pass: password },
    connectionTimeout: s.timeoutMs, greetingTimeout: s.timeoutMs, socketTimeout: s.timeoutMs, dnsTimeout: s.timeoutMs,
    ...(s.ca !== undefined && { tls: { ca: [...rootCertificates, s.ca] } }), logger: false, debug: false,
  };
}

/** Really logs in (AUTH is done, not just offered) and says what came of it. Never throws; nothing of the server's text is repeated. */
export async function loginSmtp(s: MailServer, username: string, password: string, provider: MailProvider, signal: AbortSignal): Promise<Reading> {
  const { createTransport } = await import("nodemailer");
  const transport = createTransport(transportOptions(s, username, password));
  const cut = (): void => { transport.close(); };
  signal.addEventListener("abort", cut, { once: true });
  try {
    await transport.verify();
    return { verdict: "valid", code: "LOGIN_DONE", message: `${s.host} accepts the login`, next: "" };
  } catch (e) {
    return readLogin(e as MailError, provider);
  } finally {
    signal.removeEventListener("abort", cut);
    transport.close();
  }
}
export interface MailError {
  readonly code?: string;
  readonly responseCode?: number;
  readonly command?: string;
}
/** What nodemailer's error says of the login; its text may quote the server and isn't used. */
export function readLogin(e: MailError, provider: MailProvider): Reading {
  const status = e.responseCode;
  const no = (verdict: "invalid" | "inconclusive", code: DoctorCode, message: string, next: string): Reading => ({ verdict, code, message, next });
  if (e.code === "ENOAUTH" || (e.code === "EAUTH" && status === undefined)) return no("inconclusive", "LOGIN_NOT_OFFERED", "the server offers no login that we know on this connection: the password can't be tried", "a submission port (587 with tls, or 465 with ssl) offers AUTH; port 25 often doesn't");
  if (status === 535) return no("invalid", "LOGIN_REFUSED", "the server refuses user name or password (535)", provider === "gmail" ? "make a new app password at https://myaccount.google.com/apppasswords; the account's own password doesn't work" : "compare the user name with the provider's; then make a new password or key and stackseal secret set smtp.password");
  if (status === 534) return no("invalid", "LOGIN_APP_PASSWORD", "the server wants an application's password (534)", provider === "gmail" ? "turn on 2-Step Verification and make an app password at https://myaccount.google.com/apppasswords" : "make an application's password at the provider");
  if (status === 530 || status === 538 || status === 523) return no("invalid", "LOGIN_NEEDS_TLS", `the server wants encryption before a login (${status})`, "declare port 587 with encryption tls, or 465 with ssl");
  if (status === 454) return no("inconclusive", "LOGIN_TEMPORARY", "the server can't judge the login now (454)", "try again in some minutes; then look at the provider's status page");
  if (status === 421 || (status !== undefined && status >= 400 && status < 500)) return no("inconclusive", "RATE_LIMITED", `the server puts us off (${status})`, "wait and run again; find out who uses up the limit");
  if (status === 550 || status === 525) return no("invalid", "ACCOUNT_SUSPENDED", `the server refuses this account (${status})`, "open the provider's dashboard: sending may be suspended");
  if (e.code === "ETLS") return no("invalid", "SMTP_NO_STARTTLS", "the server offers no STARTTLS", "a port of the provider that encrypts: 587 with tls, or 465 with ssl");
  if (e.code === "ETIMEDOUT") return no("inconclusive", "SMTP_TIMEOUT", "the server stopped to answer", "try again; then look at the provider's status page");
  return no("inconclusive", "SMTP_UNKNOWN", `the login ended without an answer (${e.code ?? "unknown"}${status === undefined ? "" : `, ${status}`})`, "try again; then look at the provider's status page");
}
