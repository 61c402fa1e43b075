import { exists, type Asked, type Fake } from "./fake.ts";
import { authorization, json, type Reply } from "./server.ts";

const unauthorized: Reply = json(401, { message: "Invalid Key. Hot tip, you may be using the private key instead of the public key, or vice versa.", error: "Unauthorized", statusCode: 401 });
const one = (a: Asked, list: string, what: string): Reply => (exists(a.facts, list, a.params["id"] ?? "") ? json(200, { id: a.params["id"], orgId: a.facts["orgId"], name: `Sandbox ${what}` }) : json(404, { message: `Couldn't Get ${what}. Does Not Exist.`, error: "Not Found", statusCode: 404 }));

/** Assistants and phone numbers of one organisation. */
export const vapi: Fake = {
  service: "vapi",
  credential: (req) => bearer(req),
  wellFormed: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  facts: (d) => ({ orgId: `org-of-${typeof d["assistantId"] === "string" ? d["assistantId"] : "the-sandbox"}` }),
  refuse: (why) => (why === "restricted" ? json(403, { message: "Forbidden", statusCode: 403 }) : why === "suspended" ? json(402, { message: "Wallet balance is too low", statusCode: 402 }) : why === "test" ? null : unauthorized),
  rateLimited: () => json(429, { message: "Too Many Requests", statusCode: 429 }),
  notFound: (req) => json(404, { message: `Cannot ${req.method} ${req.url.pathname}`, error: "Not Found", statusCode: 404 }),
  routes: {
    "GET /assistant": (a) => json(200, [{ id: "00000000-0000-4000-8000-000000000000", orgId: a.facts["orgId"], name: "Sandbox assistant" }]),
    "GET /assistant/{id}": (a) => one(a, "assistants", "Assistant"),
    "GET /phone-number/{id}": (a) => one(a, "phoneNumbers", "Phone Number"),
  },
};
function bearer(req: Parameters<Fake["credential"]>[0]): ReturnType<Fake["credential"]> {
  const a = authorization(req);
  return a?.user === "" ? { value: a.value, owner: "" } : null;
}
