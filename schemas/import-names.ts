import { variablesOf, type ExpectedSecret } from "./integrations/index.ts";
import { plainVariables } from "./variables.ts";

// Which declared credential a name from the outside means: our own variables and paths first, then names that other projects use.

/** Names seen in the wild, per kind; upper case, words joined by underscores. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  "twilio.authToken": ["TWILIO_TOKEN", "TWILIO_AUTHTOKEN", "TWILIO_SECRET"],
  "twilio.apiKeySecret": ["TWILIO_API_KEY_SECRET", "TWILIO_KEY_SECRET"],
  "vapi.token": ["VAPI_API_KEY", "VAPI_PRIVATE_KEY", "VAPI_KEY", "VAPI_API_TOKEN"],
  "vonage.apiSecret": ["NEXMO_API_SECRET", "NEXMO_SECRET", "VONAGE_SECRET"],
  "calcom.apiKey": ["CAL_API_KEY", "CALCOM_KEY", "CAL_COM_API_KEY"],
  "smtp.password": ["SMTP_PASSWORD", "SMTP_PASS", "MAIL_PASS", "EMAIL_PASSWORD", "SENDGRID_API_KEY", "MAILTRAP_PASSWORD", "MAILTRAP_API_TOKEN", "MAILGUN_SMTP_PASSWORD", "SES_SMTP_PASSWORD"],
  "smtp.apiKey": ["MAILGUN_API_KEY", "MAILGUN_KEY", "MAILGUN_PRIVATE_API_KEY"],
  "stripe.secretKey": ["STRIPE_SECRET_KEY", "STRIPE_API_KEY", "STRIPE_SK", "STRIPE_RESTRICTED_KEY"],
  "hubspot.accessToken": ["HUBSPOT_TOKEN", "HUBSPOT_API_KEY", "HUBSPOT_PRIVATE_APP_TOKEN"],
  "salesforce.consumerSecret": ["SALESFORCE_CONSUMER_SECRET", "SF_CLIENT_SECRET", "SFDC_CLIENT_SECRET"],
  "pipedrive.apiToken": ["PIPEDRIVE_TOKEN", "PIPEDRIVE_API_KEY"],
  "gohighlevel.accessToken": ["GHL_TOKEN", "GHL_API_KEY", "GHL_ACCESS_TOKEN", "GOHIGHLEVEL_API_KEY", "GOHIGHLEVEL_TOKEN"],
  "zapier.hookUrl": ["ZAPIER_HOOK_URL", "ZAPIER_WEBHOOK_URL"],
  "outbound-webhooks.signingSecret": ["WEBHOOK_SECRET", "WEBHOOK_SIGNING_SECRET"],
};
/** `twilio.authToken`, `twilio-auth-token` and `TWILIO_AUTHTOKEN` are one name. */
const normal = (name: string): string => name.toUpperCase().replace(/[^A-Z0-9]+/g, "");

export type Meaning =
  | { readonly kind: "credential"; readonly expected: ExpectedSecret }
  | { readonly kind: "setting"; readonly integration: string; readonly declared: string }
  /** Stripe mints it and the store keeps it: `up` makes an endpoint of our own. */
  | { readonly kind: "minted" }
  /** Several credentials of that kind are declared: the name doesn't say which. */
  | { readonly kind: "ambiguous"; readonly paths: readonly string[] };

/** A function that says what a name means under these declarations; null where it means nothing here. */
export function nameReader(settings: Readonly<Record<string, unknown>>, expected: readonly ExpectedSecret[]): (name: string) => Meaning | null {
  const known = new Map<string, Meaning>();
  for (const [integration, vars] of Object.entries(plainVariables(settings))) for (const [name, declared] of Object.entries(vars)) known.set(normal(name), { kind: "setting", integration, declared });
  for (const [kind, names] of Object.entries(ALIASES)) {
    const meant = expected.filter((e) => e.kind === kind);
    const [only] = meant;
    if (only) for (const n of names) known.set(normal(n), meant.length === 1 ? { kind: "credential", expected: only } : { kind: "ambiguous", paths: meant.map((e) => e.path) });
  }
  for (const e of expected) for (const n of [...variablesOf(e.spec, e.entry), e.path, `${e.path}.value`]) known.set(normal(n), { kind: "credential", expected: e });
  return (name) => known.get(normal(name)) ?? (/^STRIPE_?(WEBHOOK|ENDPOINT|SIGNING)_?([A-Z0-9_]+_?)?SECRET$/i.test(name) ? { kind: "minted" } : null);
}
