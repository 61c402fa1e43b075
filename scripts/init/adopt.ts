import type { Finding } from "../../lib/finding.ts";
import type { Tier } from "../../schemas/access.ts";
import { nameReader } from "../../schemas/import-names.ts";
import { expectedSecrets, integrations } from "../../schemas/integrations/index.ts";
import type { IntegrationSpec } from "../../schemas/integration.ts";
import { MAIL_RULES, type MailProvider } from "../../schemas/integrations/smtp.ts";
import { holds, readPlain, readSource, sourceOf } from "../import-source.ts";
import { initCodes } from "./codes.ts";
import type { Declaration } from "./declarations.ts";

/** Environment names of plain settings that other projects use, beside our own. */
const ALIASES: Readonly<Record<string, string>> = {
  TWILIO_SID: "TWILIO_ACCOUNT_SID", TWILIO_FROM_NUMBER: "TWILIO_FROM", TWILIO_PHONE_NUMBER: "TWILIO_FROM", NEXMO_API_KEY: "VONAGE_API_KEY", STRIPE_PUBLISHABLE_KEY: "STRIPE_KEY", STRIPE_PUBLIC_KEY: "STRIPE_KEY",
  SMTP_HOST: "MAIL_HOST", SMTP_PORT: "MAIL_PORT", SMTP_USERNAME: "MAIL_USERNAME", SMTP_USER: "MAIL_USERNAME", CAL_EVENT_TYPE_ID: "CALCOM_EVENT_TYPE_ID",
};
/** Adds to a declaration the integrations whose plain settings a .env or other plain file names in full; says which ones it names in part. Values are never quoted. */
export function adoptSettings(root: string, file: string, d: Declaration): { readonly declaration: Declaration; readonly findings: readonly Finding[] } {
  const content = readSource(root, file);
  const source = sourceOf(file, content);
  if (source === "sops") return { declaration: d, findings: [] };
  const { items, findings } = readPlain(file, content, source);
  const given = new Map(items.filter((i) => holds(i.value)).map((i) => [ALIASES[i.name] ?? i.name, i.value]));
  const out: Finding[] = findings.filter((f) => f.severity === "error");
  const found: Record<string, unknown> = {};
  let payments = d.payments;
  for (const i of integrations) {
    const own = settingsOf(i, given);
    if (own === null) continue;
    if (i.id === "stripe") Object.assign(own, { mode: String(own["publishableKey"]).startsWith("pk_live_") ? "live" : "test", webhooks: {} });
    const r = i.settings.safeParse(own);
    if (!r.success) {
      const lacks = [...new Set(r.error.issues.map((x) => x.path.join(".")))].join(", ");
      out.push(initCodes.finding("INIT_IMPORT_UNDECLARED", { message: `${file} names settings of ${i.title}, but ${lacks || "something"} is missing or not of its form: it isn't declared`, at: { file, line: 1, column: 1 }, path: i.id, hint: `declare it by hand in stacks/${d.name}/${i.file}.yaml, then: stackseal secret import ${file} --env ${d.name}` }));
    } else if (i.file === "payments") payments ??= own as NonNullable<Declaration["payments"]>;
    else found[i.id] = own;
  }
  return { declaration: { ...d, integrations: { ...found, ...d.integrations }, adopted: [...new Set([...(d.adopted ?? []), ...Object.keys(found)])], ...(payments && { payments }) }, findings: out };
}
/** The names of a plain file that mean a credential under these settings, each with its path. */
export function namesOf(root: string, file: string, settings: Readonly<Record<string, unknown>>, tier: Tier): { readonly name: string; readonly path: string }[] {
  const content = readSource(root, file);
  const source = sourceOf(file, content);
  if (source === "sops") return [];
  const meaning = nameReader(settings, expectedSecrets(settings, tier));
  return readPlain(file, content, source).items.flatMap((i) => {
    const m = holds(i.value) ? meaning(i.name) : null;
    return m?.kind === "credential" ? [{ name: i.name, path: m.expected.path }] : [];
  });
}
/** The settings that the variables name; null where none does. */
function settingsOf(i: IntegrationSpec, given: ReadonlyMap<string, string>): Record<string, unknown> | null {
  const own: Record<string, unknown> = {};
  for (const [variable, path] of Object.entries(i.env)) {
    const value = given.get(variable);
    if (value === undefined || typeof path !== "string" || (i.id === "stripe" && path === "mode")) continue;
    const steps = path.split(".");
    let at = own;
    for (const s of steps.slice(0, -1)) at = (at[s] ??= {}) as Record<string, unknown>;
    at[steps.at(-1) as string] ??= /^\d{1,15}$/.test(value) && (path === "port" || path === "eventTypeId" || path === "portalId") ? Number(value) : value;
  }
  const mentioned = Object.values(i.secrets).some((s) => s.env.some((v) => given.has(v)));
  if (Object.keys(own).length === 0) return mentioned && i.settings.safeParse({}).success ? {} : null;
  if (i.id === "smtp") {
    const host = typeof own["host"] === "string" ? own["host"] : "";
    own["provider"] = (Object.keys(MAIL_RULES) as MailProvider[]).find((p) => p !== "generic" && MAIL_RULES[p].hosts.test(host)) ?? "generic";
    own["encryption"] ??= own["port"] === 465 ? "ssl" : "tls";
  }
  return own;
}
