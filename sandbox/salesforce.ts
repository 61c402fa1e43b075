import { expand } from "../schemas/template.ts";
import type { Asked, Fake } from "./fake.ts";
import type { Key } from "./keys.ts";
import { authorization, fieldsOf, json, type Incoming, type Reply } from "./server.ts";

const TOKEN = "token";
const oauth = (status: number, error: string, text: string): Reply => json(status, { error, error_description: text });
const data = (status: number, code: string, message: string): Reply => json(status, [{ errorCode: code, message }]);
const asking = (req: Incoming): boolean => req.url.pathname === "/services/oauth2/token";
/** A query and the limits want the token that was granted. */
const granted = (a: Asked, answer: () => Reply): Reply => (a.key.owner === TOKEN ? answer() : data(401, "INVALID_SESSION_ID", "Session expired or invalid"));
const consumers = (a: Asked): Key[] => a.keys.all().filter((k) => k.owner !== TOKEN);
const staged = (a: Asked, answer: (k: Key) => Reply): Reply => {
  const k = consumers(a).find((x) => x.role === "staged" && x.id === a.params["id"]);
  return k ? answer(k) : data(404, "NOT_FOUND", "The requested resource does not exist");
};

/** Client credentials, the organisation, limits, and staged consumer credentials of an External Client App. */
export const salesforce: Fake = {
  service: "salesforce",
  credential: (req) => {
    if (!asking(req)) {
      const a = authorization(req);
      return a ? { value: a.value, owner: TOKEN } : null;
    }
    const f = fieldsOf(req);
    return f["client_secret"] === undefined ? null : { value: f["client_secret"], owner: f["client_id"] ?? "" };
  },
  wellFormed: /^([A-Fa-f0-9]{64}|[A-Za-z0-9+/=.]{64}|\d{19})$/,
  facts: (_d, tier) => ({ isSandbox: tier !== "production", organization: `00D${expand("{alnum:15}")}` }),
  refuse: (why, req) => {
    if (!asking(req)) return why === "suspended" || why === "restricted" ? data(403, "FORBIDDEN", "not allowed") : data(401, "INVALID_SESSION_ID", "Session expired or invalid");
    switch (why) {
      case "restricted": return oauth(400, "invalid_grant", "no client credentials user enabled");
      case "suspended": return oauth(400, "inactive_org", "organization is inactive");
      case "test": return null;
      case "missing": case "unknown": case "dead": case "expired": return oauth(400, "invalid_client", "invalid client credentials");
    }
  },
  rateLimited: () => data(429, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
  notFound: () => data(404, "NOT_FOUND", "The requested resource does not exist"),
  routes: {
    "POST /services/oauth2/token": (a) => {
      if (a.fields["grant_type"] !== "client_credentials") return oauth(400, "unsupported_grant_type", "grant type not supported");
      const token = `00${expand("{alnum:13}")}!${expand("{alnum:96}")}`;
      a.keys.add(token, TOKEN, { name: a.key.owner, facts: a.key.facts });
      return json(200, { access_token: token, instance_url: "https://sandbox.my.salesforce.com", id: "https://login.salesforce.com/id/sandbox", token_type: "Bearer", issued_at: String(Date.now()), signature: "" });
    },
    "GET /services/oauth2/userinfo": (a) => granted(a, () => json(200, { user_id: "005000000000000", organization_id: a.facts["organization"] })),
    "GET /services/data/v65.0/query": (a) => granted(a, () => json(200, { totalSize: 1, done: true, records: [{ attributes: { type: "Organization" }, Id: a.facts["organization"], IsSandbox: a.facts["isSandbox"] }] })),
    "GET /services/data/v65.0/limits": (a) => granted(a, () => json(200, { DailyApiRequests: { Max: 15000, Remaining: a.facts["remaining"] ?? 14990 } })),
    "GET /services/data/v65.0/sobjects/Contact": (a) => granted(a, () => json(200, { objectDescribe: { name: "Contact" }, recentItems: [] })),
    "GET /services/data/v65.0/apps/oauth/usage": (a) => granted(a, () => json(200, { apps: [{ id: "0xI000000000001", developerName: "Stackseal" }] })),
    "GET /services/data/v65.0/apps/oauth/credentials/{app}": (a) => granted(a, () => json(200, { consumers: consumers(a).map((k) => ({ id: k.id, key: k.owner, status: k.role === "staged" ? "staged" : "active" })) })),
    // A staged pair has a key of its own; both pairs work until one is rotated or removed.
    "POST /services/data/v65.0/apps/oauth/credentials/{consumer}/staged": (a) => granted(a, () => {
      if (consumers(a).some((k) => k.role === "staged")) return data(400, "STAGED_CREDENTIALS_EXIST", "staged credentials exist already");
      const [key, secret] = [`3MVG9${expand("{alnum:80}")}`, expand("{hex:64}")];
      const k = a.keys.add(secret, key, { role: "staged", facts: a.key.facts, name: a.params["consumer"] ?? "" });
      return json(201, { id: k.id, key, secret, consumerKey: key, consumerSecret: secret });
    }),
    "PATCH /services/data/v65.0/apps/oauth/credentials/{consumer}/staged/{id}": (a) => granted(a, () => staged(a, (k) => {
      if (a.fields["command"] !== "rotate") return data(400, "INVALID_COMMAND", "command must be rotate");
      for (const x of consumers(a)) if (x.owner === k.name || x.id === k.name) a.keys.kill(x.id);
      a.keys.change(k.id, (x) => { delete x.role; });
      return json(200, { id: k.id, key: k.owner });
    })),
    "DELETE /services/data/v65.0/apps/oauth/credentials/{consumer}/staged/{id}": (a) => granted(a, () => staged(a, (k) => { a.keys.kill(k.id); return { status: 204 }; })),
  },
};
