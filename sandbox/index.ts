import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeAtomic } from "../lib/atomic.ts";
import { SANDBOX_CA, SANDBOX_RUNNING, SANDBOX_SERVICES, sandboxVariable, type SandboxApi, type SandboxService } from "../schemas/sandbox.ts";
import { calcom } from "./calcom.ts";
import { selfSigned, type Certificate } from "./certificate.ts";
import { startFake, type Fake } from "./fake.ts";
import { gohighlevel } from "./gohighlevel.ts";
import { hubspot } from "./hubspot.ts";
import { Keys } from "./keys.ts";
import { startMail, type MailSandbox } from "./mail.ts";
import { mailgun } from "./mailgun.ts";
import { mailtrap } from "./mailtrap.ts";
import { pipedrive } from "./pipedrive.ts";
import { salesforce } from "./salesforce.ts";
import { sendgrid } from "./sendgrid.ts";
import type { Served } from "./server.ts";
import { startStripe, type StripeSandbox } from "./stripe.ts";
import { twilio } from "./twilio.ts";
import { vapi } from "./vapi.ts";
import { vonage } from "./vonage.ts";

/** Every fake API but Stripe's, which has events to deliver as well. */
const FAKES: readonly Fake[] = [twilio, vapi, vonage, calcom, sendgrid, mailgun, mailtrap, hubspot, salesforce, pipedrive, gohighlevel];

export interface Sandbox {
  readonly urls: Readonly<Record<SandboxService, string>>;
  /** What a program needs to find it: variable → address; and the certificate of its mail servers. */
  readonly env: Readonly<Record<string, string>>;
  /** PEM of that certificate. */
  readonly ca: string;
  readonly stripe: StripeSandbox;
  readonly mail: MailSandbox;
  close(): Promise<void>;
}
export interface SandboxOptions {
  /** Where the fakes keep what they were told; the same folder again is the same accounts. */
  readonly stateDir: string;
  /** Stripe's port; a free one otherwise. */
  readonly port?: number;
  /** Between deliveries that are tried again. */
  readonly retryMs?: number;
}

/** Starts all the loopback fakes on 127.0.0.1, and leaves their addresses in the folder while they run. Nothing stays open where one of them can't start. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const dir = options.stateDir;
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const certificate = certificateIn(dir);
  const open: { close(): Promise<void> }[] = [];
  const opened = <T extends { close(): Promise<void> }>(x: T): T => { open.push(x); return x; };
  const closeAll = async (): Promise<void> => { await Promise.all(open.map((x) => x.close())); };
  try {
    const stripe = opened(await startStripe(dir, options.port, options.retryMs === undefined ? {} : { retryMs: options.retryMs }));
    const served = new Map<SandboxApi, Served>();
    for (const f of FAKES) served.set(f.service, opened(await startFake(f, dir)));
    const keysOf = (s: SandboxApi): Keys => new Keys(dir, s);
    const mail = opened(await startMail(dir, certificate, selfSigned("stranger", new Date()), { sendgrid: keysOf("sendgrid"), mailtrap: keysOf("mailtrap"), mailgun: keysOf("mailgun") }));
    const urls = { stripe: stripe.url, ...mail.urls, ...Object.fromEntries([...served].map(([s, x]) => [s, x.url])) } as Record<SandboxService, string>;
    const file = join(dir, SANDBOX_RUNNING);
    const running = `${JSON.stringify({ pid: process.pid, urls, ca: join(dir, SANDBOX_CA) })}\n`;
    writeAtomic(file, running, 0o600);
    return {
      urls, stripe, mail, ca: certificate.cert,
      env: { ...Object.fromEntries(SANDBOX_SERVICES.map((s) => [sandboxVariable(s), urls[s]])), NODE_EXTRA_CA_CERTS: join(dir, SANDBOX_CA) },
      close: async () => {
        // Another sandbox may have started on the same folder since: its note stays.
        if (readSafely(file) === running) rmSync(file, { force: true });
        await closeAll();
      },
    };
  } catch (e) {
    await closeAll();
    throw e;
  }
}
/** The folder's own certificate, made once: who trusted it yesterday trusts it today. */
function certificateIn(dir: string): Certificate {
  const [cert, key] = [join(dir, SANDBOX_CA), join(dir, "ca.key")];
  if (existsSync(cert) && existsSync(key)) return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
  const made = selfSigned("stackseal sandbox", new Date());
  writeAtomic(key, made.key, 0o600);
  writeAtomic(cert, made.cert, 0o600);
  return made;
}
function readSafely(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}
