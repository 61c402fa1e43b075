import type { Tier } from "../access.ts";
import type { IntegrationSpec, SecretFormat, SecretSpec } from "../integration.ts";
import type { RotationSpec } from "../rotation.ts";
import { calcom } from "./calcom.ts";
import { gohighlevel } from "./gohighlevel.ts";
import { hubspot } from "./hubspot.ts";
import { outboundWebhooks } from "./outbound-webhooks.ts";
import { pipedrive } from "./pipedrive.ts";
import { salesforce } from "./salesforce.ts";
import { mailRotation } from "./mail-rotations.ts";
import { MAIL_RULES, MAIL_SAMPLES, smtp, type MailProvider } from "./smtp.ts";
import { stripe } from "./stripe.ts";
import { twilio } from "./twilio.ts";
import { vapi } from "./vapi.ts";
import { vonage } from "./vonage.ts";
import { zapier } from "./zapier.ts";

/** Every integration, in the order of the product documentation. */
export const integrations: readonly IntegrationSpec[] = [twilio, vapi, vonage, calcom, smtp, stripe, outboundWebhooks, zapier, hubspot, salesforce, pipedrive, gohighlevel];
/** Direct CRM integrations: plan Agency only. */
export const NATIVE_CRMS: readonly string[] = ["hubspot", "salesforce", "pipedrive", "gohighlevel"];

const byId = new Map(integrations.map((i) => [i.id, i]));
export const integrationOf = (id: string): IntegrationSpec | null => byId.get(id) ?? null;

/** The declaration behind a kind such as `stripe.secretKey`; null where there is none. */
export function specOf(kind: string): SecretSpec | null {
  const [id = "", secret = ""] = kind.split(".");
  return byId.get(id)?.secrets[secret] ?? null;
}
export const kinds = (): string[] => integrations.flatMap((i) => Object.keys(i.secrets).map((s) => `${i.id}.${s}`));

/** A credential that a declaration asks for. */
export interface ExpectedSecret {
  /** `twilio.authToken`, `outbound-webhooks.crm-sync.signingSecret`. */
  readonly path: string;
  readonly kind: string;
  readonly integration: string;
  readonly secret: string;
  readonly entry?: string;
  readonly spec: SecretSpec;
  /** The format that holds here: for mail, the declared provider's own. */
  readonly format: SecretFormat;
  /** A sample in that format; Stripe's is of the declared mode. */
  readonly sample: string;
  /** How it is replaced here: for mail, the declared provider's own way. */
  readonly rotation: RotationSpec;
  /** Absent is no error: these settings ask for another one in its place. */
  readonly optional: boolean;
}

/** The credentials that these settings ask for, in the order of the registry. */
export function expectedSecrets(settings: Readonly<Record<string, unknown>>, tier: Tier): ExpectedSecret[] {
  return integrations.flatMap((i) => {
    const own = settings[i.id];
    if (typeof own !== "object" || own === null) return [];
    return Object.entries(i.secrets).flatMap(([secret, spec]) => {
      const use = spec.use?.(own as Readonly<Record<string, unknown>>) ?? "wanted";
      if (use === "none") return [];
      const entries = spec.each === undefined ? [undefined] : Object.keys(((own as Record<string, unknown>)[spec.each] ?? {}));
      return entries.map((entry) => ({
        path: [i.id, ...(entry === undefined ? [] : [entry]), secret].join("."), kind: `${i.id}.${secret}`, integration: i.id, secret,
        ...(entry !== undefined && { entry }), spec, optional: use === "optional", ...formatAndSample(i.id, secret, spec, own as Readonly<Record<string, unknown>>, tier),
      }));
    });
  });
}
function formatAndSample(id: string, secret: string, spec: SecretSpec, own: Readonly<Record<string, unknown>>, tier: Tier): { format: SecretFormat; sample: string; rotation: RotationSpec } {
  if (id === "smtp" && secret === "password") {
    const provider = own["provider"] as MailProvider;
    return { format: MAIL_RULES[provider].password, sample: provider === "mailtrap" && !/^[0-9a-f]{14}$/.test(String(own["username"])) ? "{hex:32}" : MAIL_SAMPLES[provider], rotation: mailRotation(own) };
  }
  const mode = tier === "production" ? "live" : "test";
  return { format: spec.format, sample: spec.accepts.find((a) => spec.modeOf?.(a) === mode) ?? (spec.accepts[0] as string), rotation: spec.rotation };
}

/** Runtime variables of a credential: `{NAME}` becomes the entry in capitals. */
export const variablesOf = (spec: SecretSpec, entry?: string): string[] => spec.env.map((v) => v.replace("{NAME}", (entry ?? "").toUpperCase().replaceAll("-", "_")));

/**
 * Plain settings that belong to a credential as a user name does to its password: delivered with it in one version, so that a reader never gets one
 * without the other. Variable → text.
 */
export function companionsOf(integration: string, secrets: readonly string[], settings: Readonly<Record<string, unknown>>): Record<string, string> {
  const spec = byId.get(integration);
  const pairs = new Set(secrets.flatMap((s) => spec?.secrets[s]?.pairs ?? []));
  return Object.fromEntries(Object.entries(spec?.env ?? {}).flatMap(([variable, setting]) => {
    const value = typeof setting === "string" && pairs.has(setting) ? settings[setting] : undefined;
    return typeof value === "string" ? [[variable, value]] : [];
  }));
}
