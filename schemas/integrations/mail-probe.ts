import type { HttpProbe } from "../probe.ts";
import type { MailProvider } from "./smtp.ts";

const sendgrid: HttpProbe = {
  kind: "http",
  service: "sendgrid",
  call: { method: "GET", url: "https://api.sendgrid.com/v3/scopes", auth: { kind: "bearer" } },
  keep: ["scopes"],
  readings: [{ status: 403, verdict: "valid", code: "CREDENTIAL_RESTRICTED", message: "the key is alive and lacks a right", next: "give the key the scope mail.send" }],
  facts: [{ kind: "includes", field: "scopes", wants: ["mail.send"], what: "scope" }],
  more: [],
  permissions: [],
  unprovable: "that the from address is verified shows when mail is sent",
  limits: [{ what: "requests", remaining: "x-ratelimit-remaining", limit: "x-ratelimit-limit" }],
  limitsKnown: "10,000 connections at once, 5,000 messages a connection; daily mail by plan",
  control: "once",
  regions: [{ name: "EU", origin: "https://api.eu.sendgrid.com", declare: "declare the EU host smtp.eu.sendgrid.net" }],
  logLine: "550 from address does not match a verified Sender Identity",
  page: "https://app.sendgrid.com/settings/api_keys",
};
/** A subuser pinned to the EU has an API host of its own; a key of the other region is unknown at each. */
const sendgridEu: HttpProbe = {
  ...sendgrid, call: { ...sendgrid.call, url: "https://api.eu.sendgrid.com/v3/scopes" },
  regions: [{ name: "global", origin: "https://api.sendgrid.com", declare: "declare the global host smtp.sendgrid.net" }],
};
const mailtrap: HttpProbe = {
  kind: "http",
  service: "mailtrap",
  call: { method: "GET", url: "https://mailtrap.io/api/accounts", auth: { kind: "bearer" } },
  keep: ["0.id"],
  readings: [{ status: 403, verdict: "valid", code: "CREDENTIAL_RESTRICTED", message: "the token is alive and may not list accounts", next: "nothing to do where it sends" }],
  facts: [{ kind: "account", field: "0.id" }],
  more: [],
  permissions: [],
  unprovable: "that the sending domain is verified shows when mail is sent",
  limits: [{ what: "requests", remaining: "x-ratelimit-remaining", limit: "x-ratelimit-limit" }],
  limitsKnown: "mail a month by plan",
  control: "once",
  logLine: "535 Authentication failed",
  page: "https://mailtrap.io/api-tokens",
};

/** A Mailgun API key, by the domain of the declared login. */
export const mailgunKeyProbe: HttpProbe = {
  kind: "http",
  service: "mailgun",
  provider: "Mailgun",
  call: { method: "GET", url: "https://api{eu}.mailgun.net/v4/domains/{userDomain}", auth: { kind: "basic", user: "api" } },
  keep: ["domain.name", "domain.state", "domain.is_disabled"],
  readings: [
    { status: 403, verdict: "valid", code: "CREDENTIAL_RESTRICTED", message: "the key is alive and may not read domains: a sending key, or one of a lesser role", next: "nothing to do where it sends" },
    { status: 404, verdict: "invalid", code: "ACCOUNT_WRONG", account: true, message: "the key is alive and its account has no such domain", next: "compare the domain of smtp.username with Mailgun → Sending → Domains; one of the two is of another account" },
  ],
  facts: [{ kind: "standing", field: "domain.state", good: ["active"] }, { kind: "standing", field: "domain.is_disabled", good: [false] }, { kind: "account", field: "domain.name" }],
  more: [],
  permissions: [],
  unprovable: "that mail may be sent is shown by sending one: stackseal doctor --send-mail TO",
  limits: [],
  limitsKnown: "by plan; Mailgun answers 429 to too many requests",
  control: "once",
  regions: [{ name: "EU", origin: "https://api.eu.mailgun.net", declare: "declare the EU host smtp.eu.mailgun.org" }, { name: "US", origin: "https://api.mailgun.net", declare: "declare the US host smtp.mailgun.org" }],
  logLine: "401 Forbidden or Invalid private key",
  page: "https://app.mailgun.com/settings/api_security",
};

/** The API of a mail provider whose SMTP password is an API key as well; null where it isn't: a login is all that can be proven. */
export function mailProbe(provider: MailProvider, username: string, host: string): HttpProbe | null {
  if (provider === "sendgrid") return host.includes(".eu.") ? sendgridEu : sendgrid;
  return provider === "mailtrap" && (username === "api" || username === "smtp@mailtrap.io") ? mailtrap : null;
}

/** What each provider publishes of its limits. */
export const MAIL_LIMITS: Readonly<Record<MailProvider, string>> = {
  gmail: "500 mails a day for a personal account, 2,000 in Workspace; 550 5.4.5 says that the quota is used up",
  sendgrid: sendgrid.limitsKnown,
  mailgun: "by plan; a sandbox domain sends to authorised recipients alone",
  ses: "in the sandbox 200 mails a day, 1 a second, to verified recipients alone; an SMTP password can't ask how much is left; with AWS credentials in its environment (ses:GetAccount, ses:GetEmailIdentity) stackseal doctor asks quota, sandbox and standing",
  mailtrap: mailtrap.limitsKnown,
  generic: "ask the server's owner",
};
/** Where a mail provider keeps its last delivery errors. */
export const MAIL_LOGS: Readonly<Record<MailProvider, string>> = {
  gmail: "Google Admin → Reporting → Email log search",
  sendgrid: "https://app.sendgrid.com/email_activity",
  mailgun: "https://app.mailgun.com (Sending → Logs)",
  ses: "CloudWatch metrics of SES, and the configuration set's event destination",
  mailtrap: "https://mailtrap.io (Email Logs, or the inbox of the sandbox)",
  generic: "the mail server's own log",
};
/** `never`: a wrong password too many locks the account. */
export const MAIL_CONTROL: Readonly<Record<MailProvider, "once" | "never">> = { gmail: "never", sendgrid: "once", mailgun: "once", ses: "once", mailtrap: "once", generic: "once" };
