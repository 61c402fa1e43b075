import type { RotationSpec } from "../rotation.ts";
import type { MailProvider } from "./smtp.ts";

const SENDGRID_ADMIN = { variable: "STACKSEAL_ADMIN_SENDGRID", says: "an API key that may create and delete API keys (api_keys.create, api_keys.delete)", fallback: "current" } as const;
const MAILGUN_ADMIN = { variable: "STACKSEAL_ADMIN_MAILGUN", says: "a Mailgun API key of role admin: an SMTP login can't make another one", fallback: { secret: "apiKey" } } as const;
const MAILTRAP_ADMIN = { variable: "STACKSEAL_ADMIN_MAILTRAP", says: "an API token with admin access to the account's API tokens", fallback: "current" } as const;

const sendgrid: RotationSpec = {
  kind: "api", strategy: "sendgrid-api-key", danger: 60, graceSeconds: 3600, overlap: "unbounded: both keys live until the old one is deleted",
  admin: SENDGRID_ADMIN,
  // Without scopes a new key would have full access: it gets those of the key that it replaces.
  prepare: [{ method: "GET", url: "https://api{eu}.sendgrid.com/v3/scopes", auth: { kind: "bearer", as: "current" }, take: { scopes: "scopes" } }],
  list: { method: "GET", url: "https://api{eu}.sendgrid.com/v3/api_keys?limit=100", auth: { kind: "bearer", as: "admin" }, items: "result", id: "api_key_id", name: "name" },
  old: { from: "value", pattern: /^SG\.([A-Za-z0-9_-]{22})\./ },
  mint: { by: "provider", step: { method: "POST", url: "https://api{eu}.sendgrid.com/v3/api_keys", auth: { kind: "bearer", as: "admin" }, json: { name: "{marker}", scopes: "{scopes}" } }, value: "api_key", id: "api_key_id" },
  discard: { method: "DELETE", url: "https://api{eu}.sendgrid.com/v3/api_keys/{id}", auth: { kind: "bearer", as: "admin" }, done: [404] },
  revoke: { method: "DELETE", url: "https://api{eu}.sendgrid.com/v3/api_keys/{old}", auth: { kind: "bearer", as: "admin" }, done: [404] },
};
const mailgun: RotationSpec = {
  kind: "api", strategy: "mailgun-smtp-login", danger: 60, graceSeconds: 3600, overlap: "unbounded: a second login lives beside the first until that one is deleted",
  admin: MAILGUN_ADMIN,
  list: { method: "GET", url: "https://api{eu}.mailgun.net/v3/domains/{userDomain}/credentials", auth: { kind: "basic", user: "api", as: "admin" }, items: "items", id: "login", name: "login" },
  // A new password for the same login would end the old one at once: a second login doesn't.
  mint: { by: "us", template: "{alnum:32}", step: { method: "POST", url: "https://api{eu}.mailgun.net/v3/domains/{userDomain}/credentials", auth: { kind: "basic", user: "api", as: "admin" }, multipart: true, form: { login: "{marker}@{userDomain}", password: "{next}" } }, settings: { username: "{marker}@{userDomain}" } },
  discard: { method: "DELETE", url: "https://api{eu}.mailgun.net/v3/domains/{userDomain}/credentials/{marker}@{userDomain}", auth: { kind: "basic", user: "api", as: "admin" }, done: [404] },
  revoke: { method: "DELETE", url: "https://api{eu}.mailgun.net/v3/domains/{userDomain}/credentials/{oldUsername}", auth: { kind: "basic", user: "api", as: "admin" }, done: [404] },
};
/** By itself where its role is admin; a lesser one wants the rotator's own. */
export const mailgunKeyRotation: RotationSpec = {
  kind: "api", strategy: "mailgun-api-key", danger: 70, graceSeconds: 3600, overlap: "unbounded: both keys live until the old one is deleted",
  admin: { ...MAILGUN_ADMIN, says: "a Mailgun API key of role admin", fallback: "current" },
  // The new one may do what the old one may, and no more.
  prepare: [{
    method: "GET", url: "https://api{eu}.mailgun.net/v1/keys", auth: { kind: "basic", user: "api", as: "admin" },
    find: Object.fromEntries([["role", "role"], ["keyKind", "kind"], ["keyDomain", "domain_name"]].map(([name = "", take = ""]) => [name, { in: "items", where: "id", is: "{oldApiKeyId}", take }])),
  }],
  list: { method: "GET", url: "https://api{eu}.mailgun.net/v1/keys", auth: { kind: "basic", user: "api", as: "admin" }, items: "items", id: "id", name: "description" },
  mint: {
    by: "provider", value: "key.secret", id: "key.id", settings: { apiKeyId: "key.id" },
    step: { method: "POST", url: "https://api{eu}.mailgun.net/v1/keys", auth: { kind: "basic", user: "api", as: "admin" }, multipart: true, form: { role: "{role}", kind: "{keyKind}", description: "{marker}" }, formWith: { keyDomain: { domain_name: "{keyDomain}" } } },
  },
  discard: { method: "DELETE", url: "https://api{eu}.mailgun.net/v1/keys/{id}", auth: { kind: "basic", user: "api", as: "admin" }, done: [404] },
  revoke: { method: "DELETE", url: "https://api{eu}.mailgun.net/v1/keys/{oldApiKeyId}", auth: { kind: "basic", user: "api", as: "admin" }, done: [404] },
};
const mailtrap: RotationSpec = {
  kind: "api", strategy: "mailtrap-api-token", danger: 60, graceSeconds: 3600, overlap: "unbounded: both tokens live until the old one is deleted",
  admin: MAILTRAP_ADMIN,
  prepare: [{ method: "GET", url: "https://mailtrap.io/api/accounts", auth: { kind: "bearer", as: "admin" }, take: { accountId: "0.id" } }],
  list: { method: "GET", url: "https://mailtrap.io/api/accounts/{accountId}/api_tokens", auth: { kind: "bearer", as: "admin" }, items: "", id: "id", name: "name", tail: "last_4_digits" },
  old: { from: "list" },
  mint: { by: "provider", step: { method: "POST", url: "https://mailtrap.io/api/accounts/{accountId}/api_tokens", auth: { kind: "bearer", as: "admin" }, json: { name: "{marker}", resources: "{oldResources}" } }, value: "token", id: "id" },
  discard: { method: "DELETE", url: "https://mailtrap.io/api/accounts/{accountId}/api_tokens/{id}", auth: { kind: "bearer", as: "admin" }, done: [404] },
  revoke: { method: "DELETE", url: "https://mailtrap.io/api/accounts/{accountId}/api_tokens/{old}", auth: { kind: "bearer", as: "admin" }, done: [404] },
};
const ses: RotationSpec = { kind: "iam", strategy: "ses-access-key", danger: 60, graceSeconds: 3600, overlap: "the user has two access keys until the old one is deleted; two is all that IAM allows" };
const gmail: RotationSpec = {
  kind: "guided", danger: 60, page: "https://myaccount.google.com/apppasswords", overlap: "unbounded: several app passwords live side by side",
  steps: ["Make a second app password", "Copy its 16 letters, without the spaces of the display"], revoke: "On the same page: remove the first app password",
};
const sandboxInbox: RotationSpec = {
  kind: "guided", danger: 10, hardCut: true, page: "https://mailtrap.io/inboxes", overlap: "none: resetting an inbox's credentials ends the old ones at once",
  steps: ["Open the inbox → Integration → SMTP settings → reset credentials", "Copy the new password; the user name changes too: put it into environment.yaml"], revoke: "Nothing is left to do: the old password died with the reset",
};
const generic: RotationSpec = {
  kind: "guided", danger: 50, overlap: "as the server allows: a second login, or none",
  steps: ["Make a second password or login at the mail server", "Copy the new password"], revoke: "Remove the first one at the mail server",
};

/** How the declared mail provider's password is replaced. */
export function mailRotation(settings: Readonly<Record<string, unknown>>): RotationSpec {
  const provider = settings["provider"] as MailProvider;
  if (provider === "mailtrap") return /^(api|smtp@mailtrap\.io)$/.test(String(settings["username"])) ? mailtrap : sandboxInbox;
  return { gmail, sendgrid, mailgun, ses, generic }[provider];
}
