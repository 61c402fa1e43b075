import type { Clock } from "../lib/clock.ts";
import type { Http } from "../lib/http.ts";
import type { Tier } from "../schemas/access.ts";
import { expectedSecrets, integrationOf, specOf } from "../schemas/integrations/index.ts";
import type { Verdict } from "../schemas/probe.ts";
import { examineApi } from "./api.ts";
import { alwaysControl, type Controls } from "./controls.ts";
import { examineMail, type MailSettings } from "./mail.ts";
import { judgeMode, judgeShape } from "./shape.ts";
import { worst, type StepResult } from "./step.ts";

export interface ProbeOptions {
  /** `twilio.authToken`. */
  readonly kind: string;
  readonly value: string;
  /** The integration's own declared settings: `environment.integrations.twilio`, or `payments.stripe`. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly environment: { readonly name: string; readonly tier: Tier };
  /** Base addresses of the sandbox's services in place of the providers' own. */
  readonly sandbox?: Readonly<Record<string, string>>;
  readonly http: Http;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly controls?: Controls;
  /** PEM certificates that mail servers may show besides the usual ones. */
  readonly ca?: string;
  /** For each step of a mail server's dialogue. */
  readonly mailTimeoutMs?: number;
}
export interface Probed {
  readonly verdict: Verdict;
  readonly code: string;
  readonly message: string;
  readonly next: string;
}

/**
 * Proves one value at its provider: form, acceptance with a corrupted copy refused, account and environment, permissions. The weightiest
 * result decides: anything but `valid` must not go live. `skipped` where the kind is never called. Throws RangeError on an unknown kind.
 */
export async function probeCredential(o: ProbeOptions): Promise<Probed> {
  const steps = await proveValue(o);
  const skipped = steps.every((s) => s.verdict === "skipped");
  const decisive = skipped ? steps[0] : worst(steps.filter((s) => DECISIVE.has(s.step)));
  const accepted = steps.find((s) => s.step === "test" || s.step === "login");
  const chosen = decisive?.verdict === "valid" && accepted?.verdict === "valid" ? accepted : decisive;
  if (!chosen) return { verdict: "skipped", code: "NOT_PROBED", message: "nothing was asked", next: "" };
  return { verdict: chosen.verdict, code: chosen.code, message: chosen.message, next: chosen.next };
}
/** Usage and logs are told, and don't judge the value. */
const DECISIVE = new Set(["credentials", "test", "account", "permissions", "login", "encryption", "firewall"]);

/** All steps that concern the value itself. */
async function proveValue(o: ProbeOptions): Promise<readonly StepResult[]> {
  const spec = specOf(o.kind);
  const [id = ""] = o.kind.split(".");
  const integration = integrationOf(id);
  if (!spec || !integration) throw new RangeError(`no kind ${o.kind}`);
  const format = expectedSecrets({ [id]: o.settings }, o.environment.tier).find((e) => e.kind === o.kind)?.format ?? spec.format;
  const shape = judgeShape(o.value, { path: o.kind, kind: o.kind, format }, "credentials");
  if (shape.verdict === "invalid") return [shape];
  const { probe } = spec;
  if (probe.kind === "none") return [{ step: "test", verdict: "skipped", code: "NEVER_CALLED", message: probe.why, next: "" }];
  const mode = judgeMode(o.value, { spec }, o.environment.tier);
  const subject = { http: o.http, signal: o.signal, title: integration.title, path: o.kind, environment: o.environment, tier: o.environment.tier, controls: o.controls ?? alwaysControl, controlKey: `${o.environment.name}/${o.kind}` };
  if (probe.kind === "smtp") return [shape, ...(await examineMail({ ...subject, settings: o.settings as unknown as MailSettings, value: o.value, sandbox: o.sandbox ?? null, ...(o.ca !== undefined && { ca: o.ca }), ...(o.mailTimeoutMs !== undefined && { timeoutMs: o.mailTimeoutMs }) })).steps];
  const sandbox = sandboxOf(o.sandbox, probe.service ?? id);
  return [shape, ...(mode ? [mode] : []), ...(await examineApi({ ...subject, title: probe.provider ?? integration.title, probe, value: o.value, settings: o.settings, sandbox })).steps];
}
/** Throws RangeError where a sandbox is given and has no such service: the provider itself must not be asked then. */
export function sandboxOf(sandbox: Readonly<Record<string, string>> | undefined, service: string): string | null {
  if (!sandbox) return null;
  const base = sandbox[service];
  if (base === undefined) throw new RangeError(`the sandbox has no ${service}`);
  return base;
}
