import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../lib/clock.ts";
import { createHttp } from "../lib/http.ts";
import { expand } from "../schemas/template.ts";
import type { Encryption } from "../schemas/integrations/smtp.ts";
import { startSandbox, type Sandbox } from "../sandbox/index.ts";
import type { MailFault } from "../sandbox/mail.ts";
import { probeCredential, type Probed } from "./index.ts";

// Every port is a real server of smtp-server: 587 offers STARTTLS, 465 speaks TLS from the first byte, 25 is plain.

const PROVIDERS = {
  gmail: { host: "smtp.gmail.com", username: "acme@gmail.com", password: "{lower:16}" },
  sendgrid: { host: "smtp.sendgrid.net", username: "apikey", password: "SG.{url64:22}.{url64:43}" },
  mailgun: { host: "smtp.mailgun.org", username: "postmaster@mg.acme.example", password: "{alnum:24}" },
  mailtrap: { host: "live.smtp.mailtrap.io", username: "api", password: "{hex:32}" },
} as const;
type Provider = keyof typeof PROVIDERS;
const PORTS = [587, 465, 25] as const;
const ENCRYPTIONS: readonly Encryption[] = ["tls", "ssl", null];
type Fault = MailFault | "none";
const FAULTS: readonly Fault[] = ["535", "454", "no-auth", "untrusted", "greeting-delay", "none"];
type Expected = readonly [verdict: Probed["verdict"], code: string, next: RegExp];

/** What the login says where port and encryption are right. */
const BY_FAULT: Readonly<Record<string, Expected>> = {
  none: ["valid", "LOGIN_DONE", /^$/],
  "535": ["invalid", "LOGIN_REFUSED", /new (app )?password/],
  "454": ["inconclusive", "LOGIN_TEMPORARY", /try again/],
  "no-auth": ["inconclusive", "LOGIN_NOT_OFFERED", /submission port/],
  untrusted: ["inconclusive", "SMTP_CERTIFICATE", /--ca/],
  "greeting-delay": ["inconclusive", "SMTP_GREETING_TIMEOUT", /try again/],
};
const MISFIT: Expected = ["invalid", "PORT_ENCRYPTION", /587 with tls, or 465 with ssl/];
function expected(provider: Provider, port: number, encryption: Encryption, fault: Fault): Expected {
  if (port === 587 && encryption === "tls") return BY_FAULT[fault]!;
  // Without encryption the server of 587 wants STARTTLS before any login: nothing of the password is judged.
  if (port === 587 && encryption === null) return fault === "no-auth" || fault === "greeting-delay" ? MISFIT : ["invalid", "LOGIN_NEEDS_TLS", /587 with encryption tls/];
  if (port === 465 && encryption === "ssl") return BY_FAULT[fault]!;
  // A plain port has no certificate; Gmail doesn't listen on it at all.
  if (port === 25 && encryption === null) {
    const login = BY_FAULT[fault === "untrusted" ? "none" : fault]!;
    return provider === "gmail" && login[0] !== "invalid" ? ["invalid", "PORT_PROVIDER", /587, 465/] : login;
  }
  if (port === 25 && encryption === "tls") {
    if (provider === "gmail") return ["invalid", "PORT_PROVIDER", /587, 465/];
    return fault === "greeting-delay" ? BY_FAULT[fault]! : ["invalid", "SMTP_NO_STARTTLS", /587 with tls/];
  }
  return MISFIT;
}

/** Short where a greeting is waited for in vain; long where a loaded machine must not look like a slow server. */
const patience = (port: number, encryption: Encryption, fault: Fault): number => (fault === "greeting-delay" || (port === 465 && encryption !== "ssl") ? 4_000 : 25_000);
const http = createHttp({ timeoutMs: 25_000 });
let sandbox: Sandbox;
const cells = (Object.keys(PROVIDERS) as Provider[]).flatMap((provider) => PORTS.flatMap((port) => ENCRYPTIONS.map((encryption) => ({ provider, port, encryption, name: `${provider} ${port} ${encryption ?? "null"}` }))));
beforeAll(async () => { sandbox = await startSandbox({ stateDir: mkdtempSync(join(tmpdir(), "mail-")) }); });
afterAll(async () => {
  await sandbox.close();
  await http.close();
});

describe.each(FAULTS)("fault: %s", (fault) => {
  const results = new Map<string, Probed>();
  const password = Object.fromEntries(Object.entries(PROVIDERS).map(([p, x]) => [p, expand(x.password)]));
  beforeAll(async () => {
    sandbox.mail.fault(fault === "none" ? null : fault, 30_000);
    await Promise.all(cells.map(async (c) => {
      const p = PROVIDERS[c.provider];
      results.set(c.name, await probeCredential({
        kind: "smtp.password", value: password[c.provider] ?? "", settings: { provider: c.provider, host: p.host, port: c.port, encryption: c.encryption, username: p.username, from: { address: "acme@gmail.com", name: "Acme" } },
        environment: { name: "dev", tier: "development" }, sandbox: sandbox.urls, ca: sandbox.ca, http, signal: AbortSignal.timeout(100_000), clock: systemClock, mailTimeoutMs: patience(c.port, c.encryption, fault),
      }));
    }));
  }, 120_000);
  it.each(cells.map((c) => [c.name, c] as const))("%s", (name, c) => {
    const r = results.get(name)!;
    const [verdict, code, next] = expected(c.provider, c.port, c.encryption, fault);
    expect([r.verdict, r.code]).toEqual([verdict, code]);
    expect(r.next).toMatch(next);
    expect(JSON.stringify(r)).not.toContain(password[c.provider]);
  });
});

describe("other refusals of mail servers", () => {
  const probe = (port = 587, encryption: Encryption = "tls"): Promise<Probed> => probeCredential({
    kind: "smtp.password", value: expand("{alnum:24}"), settings: { provider: "generic", host: "127.0.0.1", port, encryption, username: expand("u{hex:8}"), from: { address: "a@acme.example", name: "Acme" } },
    environment: { name: "dev", tier: "development" }, sandbox: sandbox.urls, ca: sandbox.ca, http, signal: AbortSignal.timeout(60_000), clock: systemClock, mailTimeoutMs: 5_000,
  });
  it.each([["534", "invalid", "LOGIN_APP_PASSWORD"], ["530", "invalid", "LOGIN_NEEDS_TLS"], ["550", "invalid", "ACCOUNT_SUSPENDED"], ["421", "inconclusive", "RATE_LIMITED"], ["no-starttls", "invalid", "SMTP_NO_STARTTLS"], ["half-open", "inconclusive", "SMTP_GREETING_TIMEOUT"], ["closed", "inconclusive", "SMTP_BUSY"]] as const)("%s: %s, %s", async (fault, verdict, code) => {
    sandbox.mail.fault(fault);
    const r = await probe();
    sandbox.mail.fault(null);
    expect([r.verdict, r.code]).toEqual([verdict, code]);
    expect(r.next).not.toBe("");
  });
});
