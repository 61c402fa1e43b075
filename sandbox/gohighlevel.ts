import type { Fake } from "./fake.ts";
import { authorization, json, type Reply } from "./server.ts";

const failed = (status: number, message: string): Reply => json(status, { statusCode: status, message, error: status === 401 ? "Unauthorized" : "Forbidden" });
const LIMITS = { "x-ratelimit-limit-daily": "200000", "x-ratelimit-daily-remaining": "199999", "x-ratelimit-interval-milliseconds": "10000", "x-ratelimit-max": "100", "x-ratelimit-remaining": "99" };

/** A sub-account's location and contacts. */
export const gohighlevel: Fake = {
  service: "gohighlevel",
  credential: (req) => {
    const a = authorization(req);
    return a ? { value: a.value, owner: "" } : null;
  },
  wellFormed: /^pit-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  facts: (d) => ({ locationId: d["locationId"] ?? "00000000000000000000" }),
  refuse: (why) => (why === "suspended" ? json(402, { statusCode: 402, message: "Location is inactive" }) : why === "test" || why === "restricted" ? null : failed(401, "Invalid Private Integration token")),
  rateLimited: () => json(429, { statusCode: 429, message: "Too Many Requests" }),
  notFound: () => json(404, { statusCode: 404, message: "Not Found" }),
  routes: {
    "GET /locations/{id}": (a) => (a.req.headers["version"] === undefined ? failed(401, "version header was not found.") : a.params["id"] === a.facts["locationId"] ? json(200, { location: { id: a.params["id"], name: "Sandbox", companyId: "sandbox" } }, LIMITS) : failed(403, "The token does not have access to this location.")),
    "GET /contacts": (a) => (a.key.state === "restricted" || a.facts["contacts"] === false ? failed(403, "The token is not authorized for this scope.") : json(200, { contacts: [], meta: { total: 0 } }, LIMITS)),
  },
};
