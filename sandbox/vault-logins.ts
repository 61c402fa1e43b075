interface Answer {
  readonly status: number;
  readonly body?: unknown;
}
interface JwtRole {
  readonly bound_audiences?: readonly string[];
  readonly bound_subject?: string;
  readonly token_policies?: readonly string[];
}
const errors = (status: number, message: string): Answer => ({ status, body: { errors: [message] } });
const ok = (data: unknown): Answer => ({ status: 200, body: { data } });

/** The fake Vault's JWT logins: mounts, configuration, roles bound to audience and subject. A token's signature isn't looked at: whose it is can't be proven here. */
export class VaultLogins {
  private readonly mounts = new Map<string, { config: Record<string, unknown>; readonly roles: Map<string, JwtRole> }>();

  mount(method: string, name: string, body: Record<string, unknown>): Answer {
    if (name === "") return ok(Object.fromEntries([...this.mounts.keys()].map((k) => [`${k}/`, { type: "jwt" }])));
    if (method === "GET") return this.mounts.has(name) ? ok({ type: "jwt" }) : errors(400, `No auth engine at ${name}/`);
    if (method === "DELETE") { this.mounts.delete(name); return { status: 204 }; }
    if (this.mounts.has(name)) return errors(400, `path is already in use at ${name}/`);
    if (body["type"] !== "jwt") return errors(400, "this fake has JWT logins alone");
    this.mounts.set(name, { config: {}, roles: new Map() });
    return { status: 204 };
  }
  configure(method: string, path: string, body: Record<string, unknown>): Answer {
    const [name = "", what = "", role] = path.split("/");
    const m = this.mounts.get(name);
    if (!m) return errors(404, `no handler for route "auth/${path}"`);
    if (what === "config") {
      if (method === "GET") return ok(m.config);
      m.config = body;
      return { status: 204 };
    }
    if (what !== "role" || role === undefined) return errors(404, `no handler for route "auth/${path}"`);
    if (method === "GET") return m.roles.has(role) ? ok(m.roles.get(role)) : errors(404, "");
    if (method === "DELETE") m.roles.delete(role);
    else if (body["bound_subject"] === undefined && body["bound_audiences"] === undefined) return errors(400, "must have at least one bound constraint");
    else m.roles.set(role, body);
    return { status: 204 };
  }
  /** The policies of a token, or why there is none. */
  login(name: string, body: Record<string, unknown>): readonly string[] | string {
    const role = this.mounts.get(name)?.roles.get(String(body["role"]));
    if (!role) return "role could not be found";
    let claims: { aud?: string | string[]; sub?: string };
    try {
      claims = JSON.parse(Buffer.from(String(body["jwt"]).split(".")[1] ?? "", "base64url").toString("utf8")) as typeof claims;
    } catch {
      return "error parsing token";
    }
    if (role.bound_audiences && ![claims.aud].flat().some((a) => a !== undefined && role.bound_audiences?.includes(a))) return "error validating claims: aud claim does not match any bound audience";
    if (role.bound_subject !== undefined && role.bound_subject !== claims.sub) return "error validating token: sub claim does not match";
    return ["default", ...(role.token_policies ?? [])];
  }
}
