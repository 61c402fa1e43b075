import { expand } from "../schemas/template.ts";
import type { Asked, Fake } from "./fake.ts";
import type { Key } from "./keys.ts";
import { authorization, json, type Reply } from "./server.ts";

const ACCOUNT = 1001;
/** Mailtrap's ids are numbers; a token that was taken in has one made of its own id. */
const numberOf = (k: Key): number => (/^\d{1,9}$/.test(k.id) ? Number(k.id) : parseInt(k.id.slice(0, 7), 16));
const shape = (k: Key): Record<string, unknown> => ({ id: numberOf(k), name: k.name, last_4_digits: k.tail ?? "", created_by: "sandbox", expires_at: k.facts["expires_at"] ?? null, resources: k.facts["resources"] ?? [{ resource_type: "account", resource_id: ACCOUNT, access_level: 100 }] });
const one = (a: Asked, answer: (k: Key) => Reply): Reply => {
  const k = a.keys.all("").find((x) => String(numberOf(x)) === a.params["id"]);
  return k ? answer(k) : json(404, { error: "Not Found" });
};
const own = (a: Asked, answer: () => Reply): Reply => (a.params["account"] === `${(a.facts["account"] as number | undefined) ?? ACCOUNT}` ? answer() : json(404, { error: "Not Found" }));
function mint(a: Asked, name: string, facts: Record<string, unknown>): Reply {
  const token = expand("{hex:32}");
  const k = a.keys.add(token, "", { id: expand("{digits:9}").replace(/^0+/, "1"), name, facts: { ...a.key.facts, ...facts } });
  return json(200, { ...shape(k), last_4_digits: token.slice(-4), token });
}

/** Accounts, and API tokens (also the password of live SMTP): create shows a token once, reset kills the old one. */
export const mailtrap: Fake = {
  service: "mailtrap",
  credential: (req) => {
    const a = authorization(req);
    const value = a?.value ?? req.headers["api-token"];
    return value === undefined ? null : { value, owner: "" };
  },
  wellFormed: /^[0-9a-f]{32}$/,
  facts: () => ({}),
  refuse: (why) => (why === "restricted" || why === "suspended" ? json(403, { errors: "Access forbidden" }) : why === "test" ? null : json(401, { error: "Incorrect API token" })),
  rateLimited: () => json(429, { errors: "Throttled" }),
  notFound: () => json(404, { error: "Not Found" }),
  routes: {
    "GET /api/accounts": (a) => json(200, [{ id: a.facts["account"] ?? ACCOUNT, name: "Sandbox", access_levels: [1000] }]),
    "GET /api/accounts/{account}/api_tokens": (a) => own(a, () => json(200, a.keys.all("").map(shape))),
    "POST /api/accounts/{account}/api_tokens": (a) => own(a, () => (a.fields["name"] === undefined ? json(422, { errors: { name: ["can't be blank"] } }) : mint(a, a.fields["name"], { resources: a.fields["resources"] === undefined ? undefined : JSON.parse(a.fields["resources"]) as unknown, expires_at: a.fields["expires_at"] ?? null }))),
    "GET /api/accounts/{account}/api_tokens/{id}": (a) => own(a, () => one(a, (k) => json(200, shape(k)))),
    "DELETE /api/accounts/{account}/api_tokens/{id}": (a) => own(a, () => one(a, (k) => { a.keys.kill(k.id); return { status: 204 }; })),
    "POST /api/accounts/{account}/api_tokens/{id}/reset": (a) => own(a, () => one(a, (k) => { const r = mint(a, k.name, k.facts); a.keys.kill(k.id); return r; })),
  },
};
