import type { Fake } from "./fake.ts";
import { json } from "./server.ts";

const LIMITS = { "x-ratelimit-limit": "20", "x-ratelimit-remaining": "19", "x-ratelimit-reset": "2", "x-daily-requests-left": "29999" };
const refused = json(401, { success: false, error: "unauthorized access", errorCode: 401, error_info: "Please check developers.pipedrive.com" });

/** The user of a token, persons and activities. */
export const pipedrive: Fake = {
  service: "pipedrive",
  credential: (req) => {
    const value = req.headers["x-api-token"];
    return value === undefined ? null : { value, owner: "" };
  },
  wellFormed: /^[0-9a-zA-Z]{40}$/,
  facts: (d) => ({ domain: d["companyDomain"] ?? "sandbox", company: `company-of-${typeof d["companyDomain"] === "string" ? d["companyDomain"] : "sandbox"}`, active: true }),
  refuse: (why) => (why === "restricted" ? json(403, { success: false, error: "Scope and URL mismatch", errorCode: 403 }) : why === "suspended" ? json(402, { success: false, error: "Company account is not open", errorCode: 402 }) : why === "test" ? null : refused),
  rateLimited: () => json(429, { success: false, error: "request over limit", errorCode: 429 }),
  notFound: () => json(404, { success: false, error: "Not found", errorCode: 404 }),
  routes: {
    "GET /v1/users/me": (a) => json(200, { success: true, data: { id: 1, name: "Sandbox", email: "sandbox@acme.example", company_id: a.facts["company"], company_domain: a.facts["domain"], active_flag: a.facts["active"] } }, LIMITS),
    "GET /v1/persons": (a) => (a.facts["persons"] === false ? json(403, { success: false, error: "Forbidden" }) : json(200, { success: true, data: [] }, LIMITS)),
    "GET /v1/activities": () => json(200, { success: true, data: [] }, LIMITS),
  },
};
