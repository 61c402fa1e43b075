import { expand } from "../schemas/template.ts";
import { exists, type Fake } from "./fake.ts";
import { authorization, json, type Reply } from "./server.ts";

const failed = (status: number, code: string, message: string): Reply => json(status, { status: "error", timestamp: new Date().toISOString(), error: { code, message, details: { message, error: code, statusCode: status } } });
const LIMITS = { "x-ratelimit-limit-default": "120", "x-ratelimit-remaining-default": "119", "x-ratelimit-reset-default": "60" };

/** The user of a key, event types, and a refresh that kills the old key in the same call. */
export const calcom: Fake = {
  service: "calcom",
  credential: (req) => {
    const a = authorization(req);
    return a ? { value: a.value, owner: "" } : null;
  },
  wellFormed: /^cal_(live_|test_)?[0-9a-f]{32}$/,
  facts: (d) => ({ userId: typeof d["eventTypeId"] === "number" ? 900_000 + d["eventTypeId"] : 900_000 }),
  refuse: (why) => (why === "restricted" || why === "suspended" ? failed(403, "ForbiddenException", "Forbidden") : why === "test" ? null : failed(401, "UnauthorizedException", "Invalid API Key")),
  rateLimited: () => failed(429, "TooManyRequestsException", "Too many requests"),
  notFound: (req) => failed(404, "NotFoundException", `Cannot ${req.method} ${req.url.pathname}`),
  routes: {
    "GET /v2/me": (a) => json(200, { status: "success", data: { id: a.facts["userId"], username: "sandbox", email: "sandbox@acme.example", timeZone: "Europe/London" } }, { ...LIMITS, ...(typeof a.facts["remaining"] === "number" && { "x-ratelimit-remaining-default": String(a.facts["remaining"]) }) }),
    "GET /v2/event-types/{id}": (a) => (exists(a.facts, "eventTypes", a.params["id"] ?? "") ? json(200, { status: "success", data: { id: Number(a.params["id"]), ownerId: a.facts["userId"], lengthInMinutes: 30, slug: "call", title: "Call" } }, LIMITS) : failed(404, "NotFoundException", "Event type not found")),
    "POST /v2/api-keys/refresh": (a) => {
      const days = a.fields["apiKeyDaysValid"];
      const never = a.fields["apiKeyNeverExpires"] === "true";
      if ((days !== undefined && never) || (days !== undefined && !(Number(days) >= 1))) return failed(400, "BadRequestException", "apiKeyDaysValid is at least 1, or apiKeyNeverExpires is true");
      const next = expand(`cal_${/^cal_(live_|test_)/.exec(a.value)?.[1] ?? ""}{hex:32}`);
      a.keys.add(next, "", { facts: { ...a.key.facts, expires: never ? null : Number(days ?? 30) } });
      a.keys.kill(a.key.id);
      return json(200, { status: "success", data: { apiKey: next } });
    },
  },
};
