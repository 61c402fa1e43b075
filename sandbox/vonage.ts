import type { Asked, Fake } from "./fake.ts";
import { authorization, json, type Reply } from "./server.ts";

const problem = (status: number, title: string, detail: string, type = title.toLowerCase()): Reply => json(status, { type: `https://developer.nexmo.com/api-errors#${type}`, title, detail, instance: "sandbox" });
const shape = (k: { readonly id: string; readonly created: string }): Record<string, unknown> => ({ id: k.id, created_at: k.created, _links: { self: { href: `/accounts/secrets/${k.id}` } } });
const own = (a: Asked, answer: () => Reply): Reply => (a.params["key"] === a.key.owner ? answer() : problem(401, "Unauthorized", "You did not provide correct credentials."));
const FORM = /^(?=.*[a-z])(?=.*[A-Z])(?=.*\d).{8,25}$/;

/** Balance, and at most two secrets of an API key. */
export const vonage: Fake = {
  service: "vonage",
  credential: (req) => {
    const a = authorization(req);
    return a && a.user !== "" ? { value: a.value, owner: a.user } : null;
  },
  wellFormed: FORM,
  facts: () => ({ balance: 10.5 }),
  refuse: (why) => (why === "restricted" ? problem(403, "Forbidden", "not allowed") : why === "suspended" ? problem(402, "Payment Required", "the account is blocked") : why === "test" ? null : problem(401, "Unauthorized", "You did not provide correct credentials.")),
  rateLimited: () => problem(429, "Too Many Requests", "try again later"),
  notFound: (req) => problem(404, "Not Found", req.url.pathname),
  routes: {
    "GET /account/get-balance": (a) => json(200, { value: a.facts["balance"], autoReload: false }),
    "GET /accounts/{key}/secrets": (a) => own(a, () => json(200, { _links: { self: { href: a.req.url.pathname } }, _embedded: { secrets: a.keys.all(a.key.owner).map(shape) } })),
    "POST /accounts/{key}/secrets": (a) => own(a, () => {
      const secret = a.fields["secret"] ?? "";
      if (!FORM.test(secret)) return json(400, { type: "https://developer.nexmo.com/api-errors/account/secret-management#validation", title: "Bad Request", detail: "The request failed due to validation errors", invalid_parameters: [{ name: "secret", reason: "Does not meet complexity requirements" }], instance: "sandbox" });
      if (a.keys.all(a.key.owner).length >= 2) return problem(403, "Maxiumum number of secrets already met", "This account has reached maximum number of '2' allowed secrets", "account/secret-management#maximum-secrets-allowed");
      return json(201, shape(a.keys.add(secret, a.key.owner, { facts: a.key.facts })));
    }),
    "GET /accounts/{key}/secrets/{id}": (a) => own(a, () => {
      const k = a.keys.all(a.key.owner).find((x) => x.id === a.params["id"]);
      return k ? json(200, shape(k)) : problem(404, "Invalid Secret", "no such secret");
    }),
    "DELETE /accounts/{key}/secrets/{id}": (a) => own(a, () => {
      const all = a.keys.all(a.key.owner);
      const k = all.find((x) => x.id === a.params["id"]);
      if (!k) return problem(404, "Invalid Secret", "no such secret");
      if (all.length < 2) return problem(403, "Secret Deletion Forbidden", "Can not delete the last secret. The account must always have at least 1 secret active at any time", "account/secret-management#delete-last-secret");
      a.keys.kill(k.id);
      return { status: 204 };
    }),
  },
};
