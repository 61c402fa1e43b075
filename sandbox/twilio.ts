import { expand } from "../schemas/template.ts";
import type { Asked, Facts, Fake } from "./fake.ts";
import { authorization, json, type Reply } from "./server.ts";

const error = (status: number, code: number, message: string): Reply => json(status, { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status });
const stamp = (): string => new Date().toISOString().replace(/\.\d+Z$/, "Z");
const main = (a: Asked, answer: () => Reply): Reply => (a.key.role === "api-key" ? error(403, 70051, "Authorization error: the key may not do this") : answer());
/** The account that a path names must be the credential's own. */
const own = (a: Asked, answer: () => Reply): Reply => (a.params["sid"] !== undefined && a.params["sid"] !== account(a) ? error(404, 20404, "The requested resource was not found") : answer());
const account = (a: Asked): string => (a.key.role === "api-key" ? String(a.facts["account"]) : a.key.owner);
const keyShape = (k: { readonly id: string; readonly name: string; readonly created: string; readonly facts: Facts }): Record<string, unknown> => ({ sid: k.id, friendly_name: k.name, date_created: k.created, date_updated: k.created, policy: k.facts["policy"] ?? null });
const MAGIC_FROM: Readonly<Record<string, [number, string]>> = { "+15005550001": [21212, "The 'From' number is not a valid phone number"], "+15005550007": [21606, "The 'From' phone number is not owned by your account"], "+15005550008": [21611, "This 'From' number has exceeded its queue limit"] };
const MAGIC_TO: Readonly<Record<string, [number, string]>> = { "+15005550001": [21211, "Invalid 'To' phone number"], "+15005550002": [21612, "The message can't be routed"], "+15005550003": [21408, "No permission for this region"], "+15005550004": [21610, "The recipient has unsubscribed"], "+15005550009": [21614, "'To' number is not a valid mobile number"] };

function message(a: Asked): Reply {
  const [from = "", to = ""] = [a.fields["From"], a.fields["To"]];
  const bad = MAGIC_FROM[from] ?? MAGIC_TO[to];
  if (bad) return error(400, bad[0], bad[1]);
  return json(201, { sid: `SM${expand("{hex:32}")}`, account_sid: account(a), from, to, status: "queued", body: a.fields["Body"] ?? "", date_created: stamp(), error_code: null });
}
function secondary(a: Asked): Reply {
  if (a.keys.all(a.key.owner).some((k) => k.role === "secondary")) return error(409, 20409, "A secondary auth token exists already");
  const value = expand("{hex:32}");
  a.keys.add(value, a.key.owner, { role: "secondary", name: "secondary", pending: value, facts: a.key.facts });
  return json(201, { account_sid: a.key.owner, secondary_auth_token: value, date_created: stamp(), date_updated: stamp(), url: "https://accounts.twilio.com/v1/AuthTokens/Secondary" });
}
function promote(a: Asked): Reply {
  const next = a.keys.all(a.key.owner).find((k) => k.role === "secondary");
  if (!next) return error(404, 20404, "The requested resource /AuthTokens/Promote was not found");
  // The old primary dies at once.
  for (const k of a.keys.all(a.key.owner)) if (k.id !== next.id && k.role === undefined) a.keys.kill(k.id);
  const token = next.pending;
  a.keys.change(next.id, (k) => { delete k.role; delete k.pending; k.name = "primary"; });
  return json(200, { account_sid: a.key.owner, auth_token: token, date_created: stamp(), date_updated: stamp(), url: "https://accounts.twilio.com/v1/AuthTokens/Promote" });
}
function removeSecondary(a: Asked): Reply {
  const next = a.keys.all(a.key.owner).find((k) => k.role === "secondary");
  if (!next) return error(404, 20404, "The requested resource /AuthTokens/Secondary was not found");
  a.keys.kill(next.id);
  return { status: 204 };
}
function newKey(a: Asked): Reply {
  const of = a.fields["AccountSid"] ?? account(a);
  if (of !== account(a)) return error(404, 20404, "The requested resource was not found");
  const policy = a.fields["Policy"] === undefined ? null : (JSON.parse(a.fields["Policy"]) as unknown);
  const [sid, secret] = [`SK${expand("{hex:32}")}`, expand("{alnum:32}")];
  const k = a.keys.add(secret, sid, { id: sid, role: "api-key", name: a.fields["FriendlyName"] ?? "", facts: { ...a.key.facts, account: of, ...(policy !== null && { policy }) } });
  return json(201, { ...keyShape(k), secret, policy });
}
const keysOf = (a: Asked): ReturnType<Asked["keys"]["all"]> => a.keys.all().filter((k) => k.role === "api-key" && k.facts["account"] === account(a));
const oneKey = (a: Asked, answer: (id: string) => Reply): Reply => {
  const found = keysOf(a).find((k) => k.id === a.params["key"]);
  return found ? answer(found.id) : error(404, 20404, `The requested resource /Keys/${a.params["key"] ?? ""} was not found`);
};
const page = (key: string): Record<string, unknown> => ({ page: 0, page_size: 50, first_page_url: "", previous_page_url: null, next_page_url: null, key });

/** Accounts, balance, numbers, messages, alerts; secondary token and promotion, the old one dying; API keys that may not read accounts; test credentials. */
export const twilio: Fake = {
  service: "twilio",
  credential: (req) => {
    const a = authorization(req);
    return a && a.user !== "" ? { value: a.value, owner: a.user } : null;
  },
  wellFormed: /^([0-9a-f]{32}|[0-9A-Za-z]{32})$/,
  facts: (declared, tier) => ({ status: "active", type: tier === "production" ? "Full" : "Trial", balance: "42.00", ...(typeof declared["accountSid"] === "string" && { account: declared["accountSid"] }) }),
  // An API key speaks by its own SID.
  adopted: (owner) => (owner.startsWith("SK") ? { id: owner, role: "api-key" } : {}),
  refuse: (why, req) => {
    switch (why) {
      case "test": return req.method === "POST" && /\/(Messages|Calls|IncomingPhoneNumbers)\.json$/.test(req.url.pathname) ? null : error(403, 20008, "Resource not accessible with Test Account Credentials");
      case "suspended": return error(403, 20403, "The account is suspended");
      case "restricted": return error(403, 70051, "Authorization error: the credential lacks a permission");
      case "missing": case "unknown": case "dead": case "expired": return json(401, { code: 20003, detail: "Your AccountSid or AuthToken was incorrect.", message: "Authenticate", more_info: "https://www.twilio.com/docs/errors/20003", status: 401 });
    }
  },
  rateLimited: () => error(429, 20429, "Too Many Requests"),
  notFound: (req) => error(404, 20404, `The requested resource ${req.url.pathname} was not found`),
  routes: {
    // As at Twilio, the whole account carries its token in clear.
    "GET /2010-04-01/Accounts/{sid}.json": (a) => main(a, () => own(a, () => json(200, { sid: a.key.owner, friendly_name: "Sandbox", status: a.facts["status"], type: a.facts["type"], owner_account_sid: a.key.owner, auth_token: a.value, date_created: "Tue, 24 Nov 2026 09:00:00 +0000", uri: req(a) }))),
    "GET /2010-04-01/Accounts/{sid}/Balance.json": (a) => own(a, () => json(200, { account_sid: account(a), balance: a.facts["balance"], currency: "USD" })),
    "GET /2010-04-01/Accounts/{sid}/IncomingPhoneNumbers.json": (a) => own(a, () => {
      const wanted = a.req.url.searchParams.get("PhoneNumber");
      const numbers = Array.isArray(a.facts["numbers"]) ? (a.facts["numbers"] as string[]) : wanted === null ? [] : [wanted];
      return json(200, { incoming_phone_numbers: numbers.filter((n) => wanted === null || n === wanted).map((n) => ({ sid: `PN${"0".repeat(32)}`, account_sid: account(a), phone_number: n, capabilities: { voice: true, sms: true, mms: false, fax: false } })), page: 0, page_size: 50, uri: req(a), next_page_uri: null, previous_page_uri: null, first_page_uri: req(a), start: 0, end: 0 });
    }),
    "POST /2010-04-01/Accounts/{sid}/Messages.json": (a) => own(a, () => message(a)),
    "POST /2010-04-01/Accounts/{sid}/Calls.json": (a) => own(a, () => json(201, { sid: `CA${expand("{hex:32}")}`, account_sid: account(a), status: "queued" })),
    "GET /v1/Alerts": (a) => json(200, { alerts: Array.isArray(a.facts["alerts"]) ? (a.facts["alerts"] as unknown[]).map((code) => ({ sid: `NO${"0".repeat(32)}`, error_code: String(code), log_level: "error", date_created: stamp() })) : [], meta: page("alerts") }),
    "GET /v2/Services": () => json(200, { services: [], meta: page("services") }),
    "POST /v1/AuthTokens/Secondary": (a) => main(a, () => secondary(a)),
    "DELETE /v1/AuthTokens/Secondary": (a) => main(a, () => removeSecondary(a)),
    "POST /v1/AuthTokens/Promote": (a) => main(a, () => promote(a)),
    "POST /v1/Keys": (a) => main(a, () => newKey(a)),
    "GET /v1/Keys": (a) => main(a, () => json(200, { keys: keysOf(a).map(keyShape), meta: page("keys") })),
    "GET /v1/Keys/{key}": (a) => main(a, () => oneKey(a, (id) => json(200, keyShape(keysOf(a).find((k) => k.id === id) ?? a.key)))),
    "DELETE /v1/Keys/{key}": (a) => main(a, () => oneKey(a, (id) => { a.keys.kill(id); return { status: 204 }; })),
  },
};
const req = (a: Asked): string => a.req.url.pathname;
