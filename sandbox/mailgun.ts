import { expand } from "../schemas/template.ts";
import { exists, type Asked, type Fake } from "./fake.ts";
import type { Key } from "./keys.ts";
import { authorization, json, type Reply } from "./server.ts";

const shape = (k: Key): Record<string, unknown> => ({ id: k.id, description: k.name, kind: k.facts["kind"] ?? "user", role: k.facts["role"] ?? "admin", created_at: k.created, updated_at: k.created, expires_at: null, is_disabled: false, domain_name: k.facts["domain"] ?? null });
const apiKeys = (a: Asked): Key[] => a.keys.all("api");
/** SMTP logins stand in the same file, each the owner of its password. */
const LOGIN = "login:";
const loginOf = (a: Asked): string => `${LOGIN}${(a.params["login"] ?? a.fields["login"] ?? "").includes("@") ? (a.params["login"] ?? a.fields["login"] ?? "") : `${a.params["login"] ?? a.fields["login"] ?? ""}@${a.params["domain"] ?? ""}`}`;
const admin = (a: Asked, answer: () => Reply): Reply => ((a.key.facts["role"] ?? "admin") === "sending" ? json(403, { message: "Forbidden" }) : answer());
const password = (a: Asked, answer: (p: string) => Reply): Reply => {
  const p = a.fields["password"] ?? "";
  return p.length < 5 || p.length > 32 ? json(400, { message: "Password must be between 5 and 32 characters" }) : answer(p);
};
/** Who may log in by SMTP: used by the sandbox's mail servers. */
export const mailgunLogin = (login: string): string => `${LOGIN}${login}`;

/** Domains, API keys, and SMTP logins whose password change is a hard cut. */
export const mailgun: Fake = {
  service: "mailgun",
  credential: (req) => {
    const a = authorization(req);
    return a?.user === "api" ? { value: a.value, owner: "api" } : null;
  },
  wellFormed: /^(key-[0-9a-f]{32}|[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8})$/,
  facts: () => ({}),
  // Logins stand in the same file, each by its own name.
  adopted: (owner, declared) => (owner === "api" && typeof declared["apiKeyId"] === "string" ? { id: declared["apiKeyId"] } : {}),
  refuse: (why) => (why === "restricted" ? json(403, { message: "Forbidden" }) : why === "suspended" ? json(403, { message: "Account is disabled" }) : why === "test" ? null : json(401, { message: "Invalid private key" })),
  rateLimited: () => json(429, { message: "Too many requests" }),
  notFound: () => json(404, { message: "Not Found" }),
  routes: {
    "GET /v4/domains/{domain}": (a) => admin(a, () => !exists(a.facts, "domains", a.params["domain"] ?? "") ? json(404, { message: "Domain not found" }) : json(200, { domain: { id: "sandbox", name: a.params["domain"], state: a.facts["state"] ?? "active", is_disabled: false, require_tls: false, skip_verification: false, smtp_login: `postmaster@${a.params["domain"] ?? ""}`, type: "custom" }, receiving_dns_records: [], sending_dns_records: [] })),
    "GET /v3/domains": (a) => admin(a, () => json(200, { total_count: 0, items: [] })),
    "GET /v1/keys": (a) => admin(a, () => json(200, { total_count: apiKeys(a).length, items: apiKeys(a).map(shape) })),
    "POST /v1/keys": (a) => admin(a, () => {
      const role = a.fields["role"];
      if (role === undefined || !["admin", "basic", "sending", "developer"].includes(role)) return json(400, { message: "Invalid role" });
      const secret = expand("{hex:32}-{hex:8}-{hex:8}");
      const k = a.keys.add(secret, "api", { id: expand("{hex:8}-{hex:8}"), name: a.fields["description"] ?? "", facts: { role, kind: a.fields["kind"] ?? "user", ...(a.fields["domain_name"] !== undefined && { domain: a.fields["domain_name"] }) } });
      return json(200, { message: "great success", key: { ...shape(k), secret } });
    }),
    "DELETE /v1/keys/{id}": (a) => admin(a, () => {
      const k = apiKeys(a).find((x) => x.id === a.params["id"]);
      if (!k) return json(404, { message: "key not found" });
      a.keys.kill(k.id);
      return json(200, { message: "key deleted" });
    }),
    "GET /v3/domains/{domain}/credentials": (a) => admin(a, () => {
      const items = a.keys.all().filter((k) => k.owner.startsWith(LOGIN) && k.owner.endsWith(`@${a.params["domain"] ?? ""}`)).map((k) => ({ created_at: k.created, login: k.owner.slice(LOGIN.length), mailbox: k.owner.slice(LOGIN.length), size_bytes: null }));
      return json(200, { total_count: items.length, items });
    }),
    "POST /v3/domains/{domain}/credentials": (a) => admin(a, () => password(a, (p) => {
      if (a.keys.all(loginOf(a)).length > 0) return json(400, { message: "Credentials already exist" });
      a.keys.register(p, loginOf(a), "active", {});
      return json(200, { message: "Created 1 credentials pair(s)" });
    })),
    "PUT /v3/domains/{domain}/credentials/{login}": (a) => admin(a, () => password(a, (p) => {
      for (const k of a.keys.all(loginOf(a))) a.keys.kill(k.id);
      a.keys.register(p, loginOf(a), "active", {});
      return json(200, { message: "Password changed" });
    })),
    "DELETE /v3/domains/{domain}/credentials/{login}": (a) => admin(a, () => {
      const all = a.keys.all(loginOf(a));
      if (all.length === 0) return json(404, { message: "Credentials not found" });
      for (const k of all) a.keys.kill(k.id);
      return json(200, { message: "Credentials have been deleted", spec: loginOf(a).slice(LOGIN.length) });
    }),
  },
};
