import { expand } from "../schemas/template.ts";
import type { Asked, Fake } from "./fake.ts";
import type { Key } from "./keys.ts";
import { authorization, json, type Reply } from "./server.ts";

const errors = (status: number, message: string): Reply => json(status, { errors: [{ field: null, message }] });
const FULL = ["mail.send", "api_keys.create", "api_keys.read", "api_keys.update", "api_keys.delete", "sender_verification_eligible", "2fa_required"];
const scopesOf = (k: Key): string[] => (Array.isArray(k.facts["scopes"]) ? (k.facts["scopes"] as string[]) : FULL);
const may = (a: Asked, scope: string, answer: () => Reply): Reply => (scopesOf(a.key).includes(scope) ? answer() : errors(403, "access forbidden"));
const shape = (k: Key): Record<string, unknown> => ({ name: k.name, api_key_id: k.id });
const one = (a: Asked, answer: (k: Key) => Reply): Reply => {
  const k = a.keys.all().find((x) => x.id === a.params["id"]);
  return k ? answer(k) : errors(404, "unable to find API Key");
};
const LIMITS = { "x-ratelimit-limit": "500", "x-ratelimit-remaining": "499", "x-ratelimit-reset": "60" };

/** Scopes, and API keys with their secret on create alone. */
export const sendgrid: Fake = {
  service: "sendgrid",
  credential: (req) => {
    const a = authorization(req);
    return a ? { value: a.value, owner: "" } : null;
  },
  wellFormed: /^SG\.[\w-]{22}\.[\w-]{43}$/,
  facts: () => ({}),
  refuse: (why) => (why === "restricted" || why === "suspended" ? errors(403, "access forbidden") : why === "test" ? null : errors(401, "The provided authorization grant is invalid, expired, or revoked")),
  rateLimited: () => errors(429, "too many requests"),
  notFound: () => errors(404, "not found"),
  routes: {
    "GET /v3/scopes": (a) => json(200, { scopes: scopesOf(a.key) }, LIMITS),
    "GET /v3/api_keys": (a) => may(a, "api_keys.read", () => json(200, { result: a.keys.all().map(shape) }, LIMITS)),
    "POST /v3/api_keys": (a) => may(a, "api_keys.create", () => {
      const name = a.fields["name"];
      if (name === undefined || name === "") return json(400, { errors: [{ field: "name", message: "name is required" }] });
      if (a.keys.all().length >= 100) return errors(403, "Cannot create more than 100 API Keys");
      const id = expand("{url64:22}");
      const value = `SG.${id}.${expand("{url64:43}")}`;
      const scopes = a.fields["scopes"] === undefined ? FULL : (JSON.parse(a.fields["scopes"]) as string[]);
      a.keys.add(value, "", { id, name, facts: { ...a.key.facts, scopes } });
      return json(201, { api_key: value, api_key_id: id, name, scopes }, LIMITS);
    }),
    "GET /v3/api_keys/{id}": (a) => may(a, "api_keys.read", () => one(a, (k) => json(200, { result: [{ ...shape(k), scopes: scopesOf(k) }] }))),
    "PATCH /v3/api_keys/{id}": (a) => may(a, "api_keys.update", () => one(a, (k) => {
      a.keys.change(k.id, (x) => { x.name = a.fields["name"] ?? x.name; });
      return json(200, { ...shape(k), name: a.fields["name"] ?? k.name });
    })),
    "PUT /v3/api_keys/{id}": (a) => may(a, "api_keys.update", () => one(a, (k) => {
      const scopes = a.fields["scopes"] === undefined ? scopesOf(k) : (JSON.parse(a.fields["scopes"]) as string[]);
      a.keys.change(k.id, (x) => { x.name = a.fields["name"] ?? x.name; x.facts = { ...x.facts, scopes }; });
      return json(200, { ...shape(k), name: a.fields["name"] ?? k.name, scopes });
    })),
    "DELETE /v3/api_keys/{id}": (a) => may(a, "api_keys.delete", () => one(a, (k) => { a.keys.kill(k.id); return { status: 204 }; })),
    "GET /v3/verified_senders/steps_completed": () => json(200, { results: { domain_verified: true, sender_verified: true } }),
    "GET /v3/whitelabel/domains": (a) => json(200, [{ id: 1, domain: a.req.url.searchParams.get("domain") ?? "acme.example", valid: true }]),
  },
};
