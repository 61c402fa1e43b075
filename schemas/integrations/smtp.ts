import { z } from "zod";
import { email, host, oneLine } from "../fields.ts";
import { defineIntegration } from "../integration.ts";
import { MAIL_CHECKLIST } from "./checklist.ts";
import { mailgunKeyProbe } from "./mail-probe.ts";
import { mailgunKeyRotation } from "./mail-rotations.ts";
import { mailNames } from "./mail-names.ts";

export const MAIL_PROVIDERS = ["gmail", "sendgrid", "mailgun", "ses", "mailtrap", "generic"] as const;
export type MailProvider = (typeof MAIL_PROVIDERS)[number];
export type Encryption = "tls" | "ssl" | null;

/** What each port means: STARTTLS (`tls`), TLS from the first byte (`ssl`), or none. Source: the product documentation, and providers' alternates. */
export const PORTS: Readonly<Record<number, readonly Encryption[]>> = { 25: [null, "tls"], 465: ["ssl"], 587: ["tls"], 2465: ["ssl"], 2525: ["tls"], 2587: ["tls"], 1025: [null] };

interface MailRules {
  readonly hosts: RegExp;
  readonly ports: readonly number[];
  readonly username: { readonly pattern: RegExp; readonly says: string };
  readonly password: { readonly pattern: RegExp; readonly says: string };
}
const text = /^[^\s"'](?:[^\r\n]*[^\s"'])?$/;
/** What each provider demands; a generic server demands nothing but sense. */
export const MAIL_RULES: Readonly<Record<MailProvider, MailRules>> = {
  gmail: { hosts: /^smtp(-relay)?\.gmail\.com$/, ports: [587, 465], username: { pattern: /^[^\s@]+@[^\s@]+$/, says: "the full address" }, password: { pattern: /^[a-z]{16}$/, says: "a 16-letter app password, without the spaces of its display" } },
  sendgrid: { hosts: /^smtp(\.eu)?\.sendgrid\.net$/, ports: [587, 465, 25, 2525], username: { pattern: /^apikey$/, says: "the word apikey" }, password: { pattern: /^SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}$/, says: "SG., 22 characters, a dot and 43 characters" } },
  mailgun: { hosts: /^smtp(\.eu)?\.mailgun\.org$/, ports: [587, 465, 25, 2525], username: { pattern: /^[^\s@]+@[^\s@]+$/, says: "the full login, such as postmaster@mg.example.com" }, password: { pattern: /^[^\s"']\S{3,62}[^\s"']$/, says: "the login's password, without spaces" } },
  ses: { hosts: /^email-smtp(-fips)?\.[a-z0-9-]+\.amazonaws\.com$/, ports: [587, 465, 25, 2465, 2587], username: { pattern: /^AKIA[A-Z2-7]{16}$/, says: "an IAM access key id (AKIA…)" }, password: { pattern: /^B[A-Za-z0-9+/]{43}$/, says: "44 characters that begin with B" } },
  mailtrap: { hosts: /^(sandbox|live|bulk)\.smtp\.mailtrap\.io$|^smtp\.mailtrap\.io$/, ports: [587, 465, 25, 2525], username: { pattern: /^([0-9a-f]{14}|api|smtp@mailtrap\.io)$/, says: "14 hexadecimal digits, or the word api" }, password: { pattern: /^([0-9a-f]{14}|[0-9a-f]{32})$/, says: "14 or 32 hexadecimal digits" } },
  generic: { hosts: /./, ports: [587, 465, 25, 2525, 2465, 2587, 1025], username: { pattern: /^\S+$/, says: "no spaces" }, password: { pattern: text, says: "no spaces or quotes at the ends" } },
};

export const smtp = defineIntegration({
  id: "smtp",
  title: "SMTP",
  chapter: "Mail Configuration",
  file: "environment",
  settings: z.strictObject({
    provider: z.enum(MAIL_PROVIDERS),
    driver: z.enum(["smtp", "sendmail", "mailgun", "ses", "log"]).default("smtp"),
    host,
    port: z.int().min(1).max(65535),
    encryption: z.enum(["tls", "ssl"]).nullable(),
    username: z.string().min(1).max(254).regex(/^\S+$/, "no spaces"),
    apiKeyId: z.string().regex(/^[A-Za-z0-9_-]{4,64}$/, "the key's id as Mailgun lists it").optional().describe("Of a Mailgun API key: for the driver mailgun, and to replace SMTP logins by"),
    from: z.strictObject({ address: email, name: oneLine }),
  }),
  secrets: {
    password: {
      title: "Password, app password or API key",
      class: "standard",
      human: true,
      // Each provider's own form is in MAIL_RULES: passwordFormat() chooses it by the declared provider.
      format: { pattern: text, says: "no spaces or quotes at the ends" },
      accepts: ["SG.{url64:22}.{url64:43}", "{lower:16}", "B{base64:43}", "{hex:14}", "{alnum:20}"],
      rejects: [{ sample: " {alnum:20}", why: "a leading space" }, { sample: "{alnum:20}\n", why: "a trailing newline" }, { sample: "\"{alnum:20}\"", why: "quotes" }],
      // Laravel's own Mailgun driver sends by the API key.
      use: (own) => (own["driver"] === "mailgun" && own["apiKeyId"] !== undefined ? "optional" : "wanted"),
      env: ["MAIL_PASSWORD"],
      pairs: ["username"],
      maxAgeDays: 366,
      probe: { kind: "smtp" },
      // Each provider's own way is in MAIL_ROTATIONS.
      rotation: { kind: "guided", danger: 50, overlap: "depends on the provider", steps: ["Make a second password or key at the provider", "Copy it"], revoke: "Remove the first one at the provider" },
    },
    apiKey: {
      title: "Mailgun API key",
      class: "standard",
      format: { pattern: /^(key-[0-9a-f]{32}|[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8})$/, says: "32, 8 and 8 hexadecimal digits with hyphens between; older ones key- and 32" },
      accepts: ["{hex:32}-{hex:8}-{hex:8}", "key-{hex:32}"],
      rejects: [{ sample: "{hex:32}", why: "no prefix and no id" }, { sample: "pubkey-{hex:32}", why: "a public validation key" }, { sample: "key-{hex:32} ", why: "a trailing space" }],
      use: (own) => (own["provider"] === "mailgun" && own["apiKeyId"] !== undefined ? "wanted" : "none"),
      env: ["MAILGUN_SECRET"],
      pairs: ["apiKeyId"],
      maxAgeDays: 366,
      probe: mailgunKeyProbe,
      rotation: mailgunKeyRotation,
    },
  },
  // Laravel read MAIL_ENCRYPTION until late in 11 and reads MAIL_SCHEME since: both are given. smtps is TLS from the first byte.
  env: {
    MAIL_MAILER: "driver", MAIL_DRIVER: "driver", MAIL_HOST: "host", MAIL_PORT: "port", MAIL_USERNAME: "username", MAIL_ENCRYPTION: "encryption", MAIL_SCHEME: (own) => (own["encryption"] === "ssl" ? "smtps" : "smtp"), MAIL_FROM_ADDRESS: "from.address", MAIL_FROM_NAME: "from.name",
    MAILGUN_API_KEY_ID: "apiKeyId", MAILGUN_DOMAIN: (own) => (own["apiKeyId"] === undefined ? undefined : mailNames(own).userDomain), MAILGUN_ENDPOINT: (own) => (own["apiKeyId"] === undefined ? undefined : `api${mailNames(own).eu}.mailgun.net`),
  },
  find: [
    { what: "host, port, username and password", where: "your mail provider's SMTP page: Gmail app passwords, SendGrid API keys, Mailgun SMTP credentials, SES SMTP settings, Mailtrap inbox", url: "https://mailtrap.io/inboxes" },
  ],
  checklist: MAIL_CHECKLIST,
});

/** Sample passwords in the true format of each provider. */
export const MAIL_SAMPLES: Readonly<Record<MailProvider, string>> = { gmail: "{lower:16}", sendgrid: "SG.{url64:22}.{url64:43}", mailgun: "{hex:32}", ses: "B{base64:43}", mailtrap: "{hex:14}", generic: "{alnum:24}" };
