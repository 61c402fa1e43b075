import type { Fake } from "./fake.ts";
import { authorization, json, type Reply } from "./server.ts";

const failed = (status: number, category: string, message: string): Reply => json(status, { status: "error", message, correlationId: "00000000-0000-4000-8000-000000000000", category });
const LIMITS = { "x-hubspot-ratelimit-max": "190", "x-hubspot-ratelimit-remaining": "189", "x-hubspot-ratelimit-daily": "650000", "x-hubspot-ratelimit-daily-remaining": "649999" };
const SCOPES = ["crm.objects.contacts.read", "crm.objects.contacts.write", "oauth"];
const objects = json(200, { results: [] }, LIMITS);

/** Account details, a token's own information, and the objects that the platform syncs. */
export const hubspot: Fake = {
  service: "hubspot",
  credential: (req) => {
    const a = authorization(req);
    return a ? { value: a.value, owner: "" } : null;
  },
  wellFormed: /^pat-[a-z]{2,3}\d-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  facts: (d, tier) => ({ portalId: d["portalId"] ?? 1, accountType: tier === "production" ? "STANDARD" : "SANDBOX" }),
  refuse: (why) => (why === "restricted" || why === "suspended" ? failed(403, "MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call.") : why === "test" ? null : failed(401, "INVALID_AUTHENTICATION", "Authentication credentials not found or invalid.")),
  rateLimited: () => failed(429, "RATE_LIMITS", "You have reached your secondly limit."),
  notFound: () => failed(404, "OBJECT_NOT_FOUND", "not found"),
  routes: {
    "GET /account-info/v3/details": (a) => json(200, { portalId: a.facts["portalId"], accountType: a.facts["accountType"], timeZone: "Europe/London", companyCurrency: "GBP", dataHostingLocation: "eu1", uiDomain: "app.hubspot.com" }, LIMITS),
    "POST /oauth/v2/private-apps/get/access-token-info": (a) => (a.fields["tokenKey"] === a.value ? json(200, { userId: 7, hubId: a.facts["portalId"], appId: 70, scopes: a.facts["scopes"] ?? SCOPES }) : failed(400, "VALIDATION_ERROR", "tokenKey is of another token")),
    "GET /crm/v3/objects/contacts": (a) => (a.facts["contacts"] === false ? failed(403, "MISSING_SCOPES", "crm.objects.contacts.read is missing") : objects),
    "GET /crm/v3/objects/calls": () => objects,
    "GET /crm/v3/objects/meetings": () => objects,
  },
};
