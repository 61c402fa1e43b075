import { loopback } from "../schemas/fields.ts";
import { MAIL_CONTROL, MAIL_LIMITS, MAIL_LOGS, mailProbe } from "../schemas/integrations/mail-probe.ts";
import { MAIL_RULES, PORTS, type Encryption, type MailProvider } from "../schemas/integrations/smtp.ts";
import { examineApi, type ApiSubject, type Examined } from "./api.ts";
import { corrupt } from "./corrupt.ts";
import { examineSes, sesRegion, type AwsAccess } from "./ses.ts";
import { loginSmtp } from "./smtp-login.ts";
import { reachSmtp, type MailServer, type Reach } from "./smtp-reach.ts";
import { step, type StepResult } from "./step.ts";

export interface MailSettings {
  readonly provider: MailProvider;
  readonly host: string;
  readonly port: number;
  readonly encryption: Encryption;
  readonly username: string;
  readonly from?: { readonly address: string; readonly name: string };
}
export interface MailSubject extends Omit<ApiSubject, "probe" | "settings" | "value" | "sandbox"> {
  readonly settings: MailSettings;
  /** Null where no identity opens it: everything but the login is done. */
  readonly value: string | null;
  /** Base addresses of the sandbox's services; null asks the provider. */
  readonly sandbox: Readonly<Record<string, string>> | null;
  readonly ca?: string;
  readonly timeoutMs?: number;
  /** The AWS credentials of this process, where it has any: SES's quota is asked with them. */
  readonly aws?: (() => Promise<AwsAccess | null>) | undefined;
}
const spelled = (e: Encryption): string => e ?? "null";

/** "Emails not sending": settings, a real login, port and encryption, firewall, limits, logs. */
export async function examineMail(s: MailSubject): Promise<Examined> {
  const m = s.settings;
  const server = serverOf(s);
  const [reach, api] = await Promise.all([reachSmtp(server, s.signal), viaApi(s)]);
  // A key of another region is refused or not by the mail server: its name is what helps.
  const region = api?.steps.find((x) => x.code === "REGION_WRONG");
  const login = region ? { ...region, step: "login" } : await tryLogin(s, server, reach);
  const steps: StepResult[] = [
    settingsStep(m),
    login,
    ...encryptionSteps(m, reach),
    firewallStep(reach),
    ...(api?.steps.filter((x) => x.step === "account" || x.step === "permissions").filter((x) => x.verdict === "invalid" || x.verdict === "inconclusive").map((x) => ({ ...x, step: "login" })) ?? []),
    ...(api?.steps.filter((x) => x.step === "limits") ?? [step("limits", "skipped", "LIMITS_NOT_TOLD", MAIL_LIMITS[m.provider])]),
    step("logs", "skipped", "LOG_LINE", `last delivery errors: ${MAIL_LOGS[m.provider]}; in the application's log look for the SMTP reply code`),
  ];
  return { steps, account: api?.account ?? null, live: null };
}
function serverOf(s: MailSubject): MailServer {
  const m = s.settings;
  return sandboxServer({ host: m.host, port: m.port, encryption: m.encryption, timeoutMs: s.timeoutMs ?? 5_000, ...(s.ca !== undefined && { ca: s.ca }) }, s.sandbox);
}
/** The declared server, or the sandbox's of the same kind of port. */
export function sandboxServer(own: MailServer, sandbox: Readonly<Record<string, string>> | null): MailServer {
  // By the port alone: an encryption that doesn't go with it fails here as it does there.
  const at = sandbox?.[own.port === 465 || own.port === 2465 ? "smtps" : own.port === 25 || own.port === 1025 ? "smtp-plain" : "smtp"];
  if (at === undefined) return own;
  const u = new URL(at);
  return { ...own, host: u.hostname, port: Number(u.port) };
}
/** Providers whose SMTP password is an API key tell more by their API. */
async function viaApi(s: MailSubject): Promise<Examined | null> {
  const region = s.settings.provider === "ses" && s.sandbox === null ? sesRegion(s.settings.host) : null;
  const aws = region === null ? null : await s.aws?.();
  if (region !== null && aws) return { steps: await examineSes({ http: s.http, signal: s.signal, tier: s.environment.tier, region, username: s.settings.username, from: s.settings.from?.address ?? null, aws }), account: null, live: null };
  const probe = mailProbe(s.settings.provider, s.settings.username, s.settings.host);
  if (!probe || s.value === null) return null;
  const sandbox = s.sandbox === null ? null : (s.sandbox[probe.service ?? ""] ?? null);
  if (s.sandbox !== null && sandbox === null) return null;
  return examineApi({ ...s, probe, value: s.value, settings: s.settings as unknown as Record<string, unknown>, sandbox, controlKey: `${s.controlKey}/api` });
}

function settingsStep(m: MailSettings): StepResult {
  const r = MAIL_RULES[m.provider];
  const wrong = [
    ...(!r.hosts.test(m.host) && !loopback(m.host) ? [`${m.host} is not a host of ${m.provider}`] : []),
    ...(!r.username.pattern.test(m.username) ? [`the user name must be ${r.username.says}`] : []),
  ];
  return wrong.length ? step("settings", "invalid", "SETTINGS_WRONG", wrong.join("; "), "compare the declaration with the provider's SMTP page") : step("settings", "valid", "SETTINGS_COMPLETE", `host, port, user name${m.from ? " and from address" : ""} are declared and fit ${m.provider}`);
}
async function tryLogin(s: MailSubject, server: MailServer, reach: Reach): Promise<StepResult> {
  const m = s.settings;
  if (s.value === null) return step("login", "skipped", "NO_IDENTITY", "not tried: without an identity the password can't be read", "set SOPS_AGE_KEY_FILE to an identity that may open it");
  if (reach.stage !== "ready") return step("login", "skipped", "NOT_ASKED", "not tried: there is no connection as declared");
  if (server.encryption === null && !loopback(server.host)) return step("login", "skipped", "LOGIN_IN_CLEAR", "not tried: without encryption everybody on the way would read the password", "declare port 587 with encryption tls, or 465 with ssl");
  if (!reach.auth) return step("login", "inconclusive", "LOGIN_NOT_OFFERED", "the server offers no login on this connection: the password can't be tried", "a submission port (587 with tls, or 465 with ssl) offers AUTH; port 25 often doesn't");
  const got = await loginSmtp(server, m.username, s.value, m.provider, s.signal);
  if (got.verdict !== "valid") return step("login", got.verdict, got.code, got.message, got.next);
  const fine = step("login", "valid", got.code, `${got.message} as ${m.username}`);
  if (MAIL_CONTROL[m.provider] === "never") return { ...fine, message: `${fine.message}; no corrupted copy was sent: ${m.provider} locks accounts` };
  const key = `${s.controlKey} ${server.host}:${server.port}`;
  if (s.controls.refusedBefore(key)) return fine;
  const copy = corrupt(s.value);
  if (copy === null) return step("login", "inconclusive", "CONTROL_UNCLEAR", "accepted; the password is too short for a corrupted copy of the same shape", "set a longer password");
  const other = await loginSmtp(server, m.username, copy, m.provider, s.signal);
  if (other.verdict === "invalid" && other.code !== "ACCOUNT_SUSPENDED") {
    s.controls.refused(key);
    return fine;
  }
  return other.verdict === "valid"
    ? step("login", "inconclusive", "CONTROL_ACCEPTED", "accepted, and so is a corrupted copy: this server takes any password", "find out what answers in the provider's place: a mail catcher takes everything")
    : step("login", "inconclusive", "CONTROL_UNCLEAR", `accepted; that a corrupted copy is refused couldn't be seen (${other.code})`, "run again later");
}
function encryptionSteps(m: MailSettings, reach: Reach): StepResult[] {
  const allowed = PORTS[m.port];
  if (allowed && !allowed.includes(m.encryption)) return [step("encryption", "invalid", "PORT_ENCRYPTION", `port ${m.port} goes with ${allowed.map(spelled).join(" or ")}, not ${spelled(m.encryption)}`, "declare 587 with tls, or 465 with ssl")];
  if (!loopback(m.host) && !MAIL_RULES[m.provider].ports.includes(m.port)) return [step("encryption", "invalid", "PORT_PROVIDER", `${m.provider} doesn't listen on ${m.port}`, `one of ${MAIL_RULES[m.provider].ports.join(", ")}`)];
  if (reach.stage === "tls" || reach.stage === "starttls") return [step("encryption", reach.verdict, reach.code, reach.message, reach.next)];
  return [reach.stage === "ready" ? step("encryption", "valid", "ENCRYPTION_FITS", `port ${m.port} and encryption ${spelled(m.encryption)} fit${reach.tls === null ? "" : `, ${reach.tls}`}`) : step("encryption", "skipped", "NOT_ASKED", `port ${m.port} goes with ${spelled(m.encryption)}; that the server agrees couldn't be seen`)];
}
const firewallStep = (r: Reach): StepResult => (r.stage === "dns" || r.stage === "tcp" || r.stage === "greeting" ? step("firewall", r.verdict, r.code, r.message, r.next) : step("firewall", "valid", "PORT_REACHABLE", "name, port and server answer from here"));
