import { DECLARED_HEADER, KEY_STATES, ORIGIN_HEADER, type KeyState, type SandboxApi } from "../schemas/sandbox.ts";
import { Keys, type Key } from "./keys.ts";
import { fieldsOf, json, serve, type Incoming, type Reply, type Served } from "./server.ts";

export type Facts = Record<string, unknown>;
export interface Asked {
  readonly req: Incoming;
  /** What the route's `{names}` stand for. */
  readonly params: Readonly<Record<string, string>>;
  /** The body's fields, whatever its encoding. */
  readonly fields: Readonly<Record<string, string>>;
  readonly keys: Keys;
  readonly key: Key;
  readonly value: string;
  /** What the credential's account tells of itself. */
  readonly facts: Facts;
}
/** `GET /v3/api_keys/{id}` → its answer. */
export type Routes = Readonly<Record<string, (a: Asked) => Reply>>;
export type Refused = "missing" | "unknown" | Exclude<KeyState, "active" | "anything">;

/** A provider's API as data and answers. */
export interface Fake {
  readonly service: SandboxApi;
  /** The credential of a request and whose it claims to be; null where it carries none. */
  readonly credential: (req: Incoming) => { readonly value: string; readonly owner: string } | null;
  readonly wellFormed: RegExp;
  /** The id and the role of a credential that is taken in, where its account declares them. */
  readonly adopted?: (owner: string, declared: Facts) => { readonly id?: string; readonly role?: string };
  /** What a new account tells of itself: as declared, of the kind that the tier wants. */
  readonly facts: (declared: Facts, tier: string) => Facts;
  /** The provider's answer to a credential that isn't simply active; null lets the request through. */
  readonly refuse: (why: Refused, req: Incoming) => Reply | null;
  readonly rateLimited: () => Reply;
  readonly routes: Routes;
  readonly notFound: (req: Incoming) => Reply;
}

/**
 * Starts a fake on 127.0.0.1. A well-formed credential that is no near miss of a known one is taken in as one of the account that the doctor
 * declares; from the first `POST /_sandbox/credentials { value, state, owner?, facts? }` of an owner on, none but registered ones are.
 */
export async function startFake(fake: Fake, dir: string | null, port = 0): Promise<Served> {
  const keys = new Keys(dir, fake.service);
  const routes = Object.entries(fake.routes).map(([pattern, answer]) => ({ ...compile(pattern), answer }));

  function handle(req: Incoming): Reply {
    const given = fake.credential(req);
    if (!given) return fake.refuse("missing", req) ?? json(401, {});
    const declared = declaredOf(req);
    const known = keys.find(given.value, given.owner) ?? (fake.wellFormed.test(given.value) ? keys.adopt(given.value, given.owner, fake.facts(declared.settings, declared.tier), fake.adopted?.(given.owner, declared.settings)) : null);
    if (!known) return fake.refuse("unknown", req) ?? json(401, {});
    // A key of another region is unknown at this one's host.
    const region = known.facts["region"];
    if (typeof region === "string" && !(req.headers[ORIGIN_HEADER] ?? "").includes(region)) return fake.refuse("unknown", req) ?? json(401, {});
    if (known.state !== "active" && known.state !== "anything") {
      const refusal = fake.refuse(known.state, req);
      if (refusal) return refusal;
    }
    for (const r of routes) {
      const m = r.method === req.method ? r.path.exec(req.url.pathname) : null;
      if (m) return r.answer({ req, params: Object.fromEntries(r.names.map((n, i) => [n, decodeURIComponent(m[i + 1] ?? "")])), fields: fieldsOf(req), keys, key: known, value: given.value, facts: known.facts });
    }
    return fake.notFound(req);
  }
  return serve(port, handle, (what, body) => {
    if (what !== "credentials") return null;
    const state = KEY_STATES.find((s) => s === body["state"]);
    if (!state || typeof body["value"] !== "string") return json(400, { message: `value is text, state one of ${KEY_STATES.join(", ")}` });
    const facts = { ...fake.facts((body["declared"] ?? {}) as Facts, typeof body["tier"] === "string" ? body["tier"] : "development"), ...((body["facts"] ?? {}) as Facts) };
    const owner = typeof body["owner"] === "string" ? body["owner"] : "";
    keys.register(body["value"], owner, state, facts, fake.adopted?.(owner, (body["declared"] ?? {}) as Facts));
    return json(200, {});
  }, fake.rateLimited);
}
function compile(pattern: string): { readonly method: string; readonly path: RegExp; readonly names: readonly string[] } {
  const [method = "GET", path = "/"] = pattern.split(" ");
  const names = [...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1] as string);
  return { method, names, path: new RegExp(`^${path.replace(/[.]/g, "\\.").replace(/\{\w+\}/g, "([^/]+?)")}/?$`) };
}
function declaredOf(req: Incoming): { readonly settings: Facts; readonly tier: string } {
  try {
    const d = JSON.parse(Buffer.from(req.headers[DECLARED_HEADER] ?? "", "base64").toString()) as { settings?: Facts; tier?: string };
    return { settings: d.settings ?? {}, tier: d.tier ?? "development" };
  } catch {
    return { settings: {}, tier: "development" };
  }
}
/** Whether a list of known ids, where the account has one, holds this id. */
export const exists = (facts: Facts, list: string, id: string): boolean => !Array.isArray(facts[list]) || (facts[list] as unknown[]).map(String).includes(id);
