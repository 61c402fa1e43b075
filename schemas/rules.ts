import type { Document } from "../lib/document.ts";
import type { Finding } from "../lib/finding.ts";
import { nearest } from "../lib/nearest.ts";
import { schemaCodes as c } from "./codes.ts";
import type { Environment, Payments } from "./environment.ts";
import { loopback, privateHost } from "./fields.ts";
import { REGIONS } from "./iam/regions.ts";
import { integrations, NATIVE_CRMS } from "./integrations/index.ts";
import { MAIL_RULES, PORTS } from "./integrations/smtp.ts";
import { LOCAL } from "./layout.ts";
import facts from "./stripe-facts.json" with { type: "json" };

type Path = readonly (string | number)[];
const say = (doc: Document, code: Extract<keyof typeof c.table, string>, path: Path, message: string, hint?: string): Finding =>
  c.finding(code, { message, at: doc.locate(path), path: path.join("."), ...(hint !== undefined && { hint }) });

/** Rules of the product documentation over one environment's declaration, beyond what its shape says. */
export function environmentRules(e: Environment, doc: Document, folder: string): Finding[] {
  return [...naming(e.environment, doc, folder), ...tierRules(e, doc), ...regionRules(e, doc), ...urlRules(e, doc), ...mailRules(e, doc), ...crmRules(e, doc), ...sandboxRules(e, doc), ...pastedSecrets(doc)];
}
/** The same over `payments.yaml`; `environment` is null where that file can't be read. */
export function paymentsRules(p: Payments, doc: Document, folder: string, environment: Environment | null): Finding[] {
  return [...naming(p.environment, doc, folder), ...stripeMode(p, doc, environment), ...stripeWebhooks(p, doc), ...apiBase(doc, "stripe", p.stripe.apiBase, ["stripe", "apiBase"]), ...pastedSecrets(doc)];
}

function naming(name: string, doc: Document, folder: string): Finding[] {
  return [
    ...(name !== folder ? [say(doc, "ENVIRONMENT_NAME_MISMATCH", ["environment"], `the folder is ${folder}, the file says ${name}`)] : []),
    ...(/-(payments|foundation)$/.test(name) ? [say(doc, "ENVIRONMENT_NAME_RESERVED", ["environment"], "an environment's name can't end in -payments or -foundation: its stacks do")] : []),
  ];
}
function tierRules(e: Environment, doc: Document): Finding[] {
  return (e.tier === "local") !== (e.environment === LOCAL) ? [say(doc, "ENVIRONMENT_TIER_LOCAL", ["tier"], "tier local belongs to the environment local, and to no other")] : [];
}
function regionRules(e: Environment, doc: Document): Finding[] {
  if (e.store.kind !== "aws") return [];
  const all: [Path, string][] = [[["store", "region"], e.store.region], ...(e.store.replicas ?? []).map((r, i): [Path, string] => [["store", "replicas", i], r])];
  return all.filter(([, r]) => !REGIONS.includes(r)).map(([path, r]) => say(doc, "STORE_REGION", path, `AWS has no region ${r} that this release knows`, `did you mean ${nearest(r, REGIONS) ?? "eu-west-1"}?`));
}
function urlRules(e: Environment, doc: Document): Finding[] {
  const urls: [Path, string][] = [
    [["platform", "url"], e.platform.url],
    ...Object.entries(e.integrations["outbound-webhooks"]?.endpoints ?? {}).map(([n, w]): [Path, string] => [["integrations", "outbound-webhooks", "endpoints", n, "url"], w.url]),
    ...(e.alerts?.https ?? []).map((u, i): [Path, string] => [["alerts", "https", i], u]),
  ];
  return urls.flatMap(([path, text]) => {
    const u = new URL(text);
    if (e.tier === "local") return [];
    if (u.protocol !== "https:") return [say(doc, "URL_NOT_HTTPS", path, "must be https", "plain http is for a loopback host of local alone")];
    return privateHost(u.hostname) ? [say(doc, "URL_NOT_PUBLIC", path, `${u.hostname} is no public host`)] : [];
  });
}

function mailRules(e: Environment, doc: Document): Finding[] {
  const m = e.integrations.smtp;
  if (!m) return [];
  const at = (k: string): Path => ["integrations", "smtp", k];
  const rule = MAIL_RULES[m.provider];
  const domain = m.from.address.split("@")[1] ?? "";
  const spelled = (x: string | null): string => x ?? "null";
  const allowed = PORTS[m.port];
  const local = e.tier === "local" && loopback(m.host);
  return [
    ...(allowed && !allowed.includes(m.encryption) ? [say(doc, "SMTP_PORT_ENCRYPTION", at("encryption"), `port ${m.port} goes with ${allowed.map(spelled).join(" or ")}, not ${spelled(m.encryption)}`, "587 tls, 465 ssl, 25 null")] : []),
    ...(!allowed && !local ? [say(doc, "SMTP_PROVIDER_PORT", at("port"), `${m.port} is no SMTP port`, `one of ${Object.keys(PORTS).join(", ")}`)] : []),
    ...(!local && !rule.hosts.test(m.host) ? [say(doc, "SMTP_PROVIDER_HOST", at("host"), `the host is not ${m.provider}'s`)] : []),
    ...(!local && allowed && !rule.ports.includes(m.port) ? [say(doc, "SMTP_PROVIDER_PORT", at("port"), `${m.provider} doesn't listen on ${m.port}`, `one of ${rule.ports.join(", ")}`)] : []),
    ...(!rule.username.pattern.test(m.username) ? [say(doc, "SMTP_PROVIDER_USERNAME", at("username"), `${m.provider} wants ${rule.username.says}`)] : []),
    ...(m.encryption === null && (e.tier === "staging" || e.tier === "production") ? [say(doc, "SMTP_UNENCRYPTED", at("encryption"), `${e.tier} sends no mail without encryption`)] : []),
    ...(m.provider === "gmail" && m.username !== m.from.address ? [say(doc, "SMTP_FROM_MISMATCH", ["integrations", "smtp", "from", "address"], "Gmail rewrites every other from address than the login's or an alias of it")] : []),
    ...(m.provider !== "gmail" && m.provider !== "generic" && /^(gmail|googlemail|yahoo|outlook|hotmail)\./.test(domain) ? [say(doc, "SMTP_FROM_MISMATCH", ["integrations", "smtp", "from", "address"], `${domain} refuses mail that others send in its name (DMARC)`)] : []),
    ...(e.tier === "production" && m.provider === "mailtrap" && m.host.startsWith("sandbox.") ? [say(doc, "SMTP_SANDBOX_IN_PRODUCTION", at("host"), "Mailtrap's sandbox delivers nothing")] : []),
  ];
}
function crmRules(e: Environment, doc: Document): Finding[] {
  return e.platform.plan === "agency" ? [] : NATIVE_CRMS.filter((id) => (e.integrations as Record<string, unknown>)[id] !== undefined).map((id) => c.finding("CRM_PLAN", { message: `native CRM integrations are for plan agency; this one is ${e.platform.plan}`, at: doc.locate(["integrations", id], "key"), path: `integrations.${id}` }));
}
function sandboxRules(e: Environment, doc: Document): Finding[] {
  return [
    ...Object.entries(e.integrations).flatMap(([id, s]) => apiBase(doc, id, (s as { apiBase?: string }).apiBase, ["integrations", id, "apiBase"])),
    ...(e.store.kind === "aws" ? apiBase(doc, "store", e.store.endpoint, ["store", "endpoint"]) : []),
  ];
}
/** A credential goes where this address says: only a provider's own, or the sandbox on this machine. */
function apiBase(doc: Document, what: string, base: string | undefined, path: Path): Finding[] {
  if (base === undefined || base === "sandbox") return [];
  const u = URL.canParse(base) ? new URL(base) : null;
  return u && loopback(u.hostname) ? [] : [say(doc, "SANDBOX_ADDRESS", path, `${what}: only a loopback address may stand here`, "leave it out to use the provider's own")];
}
function stripeMode(p: Payments, doc: Document, e: Environment | null): Finding[] {
  const { mode, publishableKey } = p.stripe;
  const wanted = e?.tier === "production" ? "live" : "test";
  return [
    ...(e && mode !== wanted ? [say(doc, "STRIPE_MODE_TIER", ["stripe", "mode"], `tier ${e.tier} wants Stripe's ${wanted} mode`)] : []),
    ...(!publishableKey.startsWith(`pk_${mode}_`) ? [say(doc, "STRIPE_KEY_MODE", ["stripe", "publishableKey"], `the publishable key is not of mode ${mode}`)] : []),
  ];
}
const EVENTS = new Set(facts.events);
const VERSIONS = new Set(facts.apiVersions);
function stripeWebhooks(p: Payments, doc: Document): Finding[] {
  const entries = Object.entries(p.stripe.webhooks);
  const seen = new Map<string, string>();
  return [
    ...(entries.length > 16 ? [say(doc, "STRIPE_ENDPOINTS_TOO_MANY", ["stripe", "webhooks"], `${entries.length} endpoints; Stripe allows 16 an account`)] : []),
    ...entries.flatMap(([name, w]) => {
      const at = (...rest: Path): Path => ["stripe", "webhooks", name, ...rest];
      const twin = seen.get(w.path);
      seen.set(w.path, name);
      return [
        ...(twin !== undefined ? [say(doc, "STRIPE_ENDPOINT_DUPLICATE", at("path"), `${twin} has the same path: every event would come twice`)] : []),
        ...w.events.flatMap((event, i) => {
          if (!EVENTS.has(event)) {
            const near = nearest(event, EVENTS);
            return [say(doc, "STRIPE_EVENT_UNKNOWN", at("events", i), `Stripe has no event "${event}"`, near !== null ? `did you mean ${near}?` : `the names: schemas/stripe-facts.json`)];
          }
          return w.events.indexOf(event) < i ? [say(doc, "STRIPE_EVENT_DUPLICATE", at("events", i), `${event} stands here twice`)] : [];
        }),
        ...(!VERSIONS.has(w.apiVersion) ? [say(doc, "STRIPE_API_VERSION_UNKNOWN", at("apiVersion"), `the installed Stripe SDK (${facts.sdk}) doesn't know ${w.apiVersion}`)] : []),
      ];
    }),
  ];
}
/** Formats that no plain setting has: kinds with a prefix of their own. A shape like "32 hexadecimal digits" would accuse the innocent. */
const TELLING = integrations.flatMap((i) => Object.entries(i.secrets).filter(([s]) => !["authToken", "apiKeySecret", "password", "apiSecret", "token", "apiToken", "consumerSecret"].includes(s)).map(([s, spec]) => ({ kind: `${i.id}.${s}`, pattern: spec.format.pattern })));
function pastedSecrets(doc: Document): Finding[] {
  const out: Finding[] = [];
  const walk = (v: unknown, path: Path): void => {
    if (typeof v === "string") {
      const hit = TELLING.find((t) => t.pattern.test(v.trim()));
      const key = /(^|[^A-Za-z])(sk|rk)_(test|live)_[A-Za-z0-9]{16,}|AGE-SECRET-KEY-1|-----BEGIN [A-Z ]*PRIVATE KEY|\bSG\.[\w-]{22}\.[\w-]{43}/.test(v);
      if (hit || key) out.push(say(doc, "SECRET_IN_PLAIN_FILE", path, `a credential${hit ? ` (${hit.kind})` : ""} stands here in clear`, "it is exposed now: issue it anew, then stackseal secret set"));
    } else if (Array.isArray(v)) v.forEach((x, i) => { walk(x, [...path, i]); });
    else if (typeof v === "object" && v !== null) for (const [k, x] of Object.entries(v)) walk(x, [...path, k]);
  };
  walk(doc.value, []);
  return out;
}
