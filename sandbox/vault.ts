import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTls } from "node:https";
import type { AddressInfo } from "node:net";
import { VaultLogins } from "./vault-logins.ts";
import { capabilitiesOn, parsePolicy, type VaultRule } from "./vault-policy.ts";

interface KvVersion {
  data: Record<string, unknown> | null;
  readonly created_time: string;
  deletion_time: string;
  destroyed: boolean;
}
interface KvSecret {
  versions: Map<number, KvVersion>;
  current: number;
  oldest: number;
  cas_required: boolean;
  max_versions: number;
  custom_metadata: Record<string, string> | null;
  readonly created_time: string;
  updated_time: string;
}
interface Answer {
  readonly status: number;
  readonly body?: unknown;
}
const errors = (status: number, ...list: string[]): Answer => ({ status, body: { errors: list } });
const ok = (data: unknown): Answer => ({ status: 200, body: { request_id: randomBytes(8).toString("hex"), lease_id: "", renewable: false, lease_duration: 0, data, wrap_info: null, warnings: null, auth: null } });
const gone: Answer = { status: 204 };

export interface VaultFake {
  readonly url: string;
  readonly rootToken: string;
  /** Answers these statuses first, one a request. */
  readonly failNext: number[];
  /** What was asked, without values: `POST secret/data/x`. */
  readonly log: string[];
  close(): Promise<void>;
}

/** A KV v2 Vault on loopback, in memory: versions, check-and-set, custom metadata, soft delete, tokens with ACL policies, namespaces, audit devices. Policies and mounts as the server has them. */
export async function startVault(options: { readonly mount?: string; readonly port?: number; readonly namespace?: string; readonly audit?: boolean; readonly tls?: { readonly cert: string; readonly key: string } } = {}): Promise<VaultFake> {
  const rootToken = `root-${randomBytes(12).toString("hex")}`;
  const tokens = new Map<string, readonly string[]>([[rootToken, ["root"]]]);
  const policies = new Map<string, readonly VaultRule[]>();
  const texts = new Map<string, string>();
  const mounts = new Map<string, unknown>([...(options.mount === undefined ? [] : [[options.mount, { type: "kv", options: { version: "2" } }] as const])]);
  const audit = new Map<string, unknown>(options.audit === false ? [] : [["file", { type: "file", options: { file_path: "stdout" } }]]);
  const logins = new VaultLogins();
  const secrets = new Map<string, KvSecret>();
  const configs = new Map<string, Record<string, unknown>>();
  const failNext: number[] = [];
  const log: string[] = [];

  const allowed = (token: string, path: string, capability: string): boolean => {
    const own = tokens.get(token);
    if (!own) return false;
    if (own.includes("root")) return true;
    const caps = capabilitiesOn(own.flatMap((p) => policies.get(p) ?? []), path);
    return !caps.includes("deny") && caps.includes(capability);
  };
  const mountOf = (path: string): string | undefined => [...mounts.keys()].find((m) => path.startsWith(`${m}/`));

  const kv = (method: string, mount: string, rest: string, query: URLSearchParams, body: Record<string, unknown>): Answer => {
    if (rest === "config") {
      if (method !== "GET") configs.set(mount, { ...configs.get(mount), ...body });
      return method === "GET" ? ok(configs.get(mount) ?? { cas_required: false, max_versions: 0 }) : gone;
    }
    const at = rest.indexOf("/");
    const kind = at < 0 ? rest : rest.slice(0, at);
    const path = at < 0 ? "" : rest.slice(at + 1);
    const key = `${mount}/${path}`;
    const s = secrets.get(key);
    const now = new Date().toISOString();
    const meta = (n: number, v: KvVersion): unknown => ({ created_time: v.created_time, custom_metadata: s?.custom_metadata ?? null, deletion_time: v.deletion_time, destroyed: v.destroyed, version: n });
    const fresh = (): KvSecret => ({ versions: new Map(), current: 0, oldest: 0, cas_required: false, max_versions: 0, custom_metadata: null, created_time: now, updated_time: now });
    if (kind === "metadata" && (method === "LIST" || query.get("list") === "true")) {
      const folder = key === `${mount}/` || key.endsWith("/") ? key : `${key}/`;
      const keys = [...new Set([...secrets.keys()].filter((k) => k.startsWith(folder)).map((k) => k.slice(folder.length)).map((k) => (k.includes("/") ? `${k.slice(0, k.indexOf("/"))}/` : k)))].sort();
      return keys.length === 0 ? errors(404) : ok({ keys });
    }
    if (kind === "data" && method === "GET") {
      const n = Number(query.get("version") ?? 0) || (s?.current ?? 0);
      const v = s?.versions.get(n);
      if (!v) return errors(404);
      return v.data === null || v.deletion_time !== "" ? { status: 404, body: { data: { data: null, metadata: meta(n, v) } } } : ok({ data: v.data, metadata: meta(n, v) });
    }
    if (kind === "data" && (method === "POST" || method === "PUT")) {
      const cas = (body["options"] as { cas?: unknown } | undefined)?.cas;
      if (typeof body["data"] !== "object" || body["data"] === null) return errors(400, "no data provided");
      const t = s ?? fresh();
      if ((t.cas_required || configs.get(mount)?.["cas_required"] === true) && cas === undefined) return errors(400, "check-and-set parameter required for this call");
      if (cas !== undefined && cas !== t.current) return errors(400, "check-and-set parameter did not match the current version");
      const v: KvVersion = { data: body["data"] as Record<string, unknown>, created_time: now, deletion_time: "", destroyed: false };
      t.current += 1;
      t.versions.set(t.current, v);
      t.updated_time = now;
      for (const n of [...t.versions.keys()]) if (n <= t.current - (t.max_versions || 10)) { t.versions.delete(n); t.oldest = n + 1; }
      secrets.set(key, t);
      return ok({ created_time: v.created_time, custom_metadata: t.custom_metadata, deletion_time: "", destroyed: false, version: t.current });
    }
    if (kind === "data" && method === "DELETE") return mark(s, s ? [s.current] : [], (v) => { v.deletion_time = now; });
    if (kind === "subkeys" && method === "GET") {
      const v = s?.versions.get(s.current);
      return s && v?.data && v.deletion_time === "" ? ok({ subkeys: Object.fromEntries(Object.keys(v.data).map((k) => [k, null])), metadata: meta(s.current, v) }) : errors(404);
    }
    const numbers = ((body["versions"] ?? []) as unknown[]).map(Number);
    if (kind === "delete" && method !== "GET") return mark(s, numbers, (v) => { v.deletion_time = now; });
    if (kind === "undelete" && method !== "GET") return mark(s, numbers, (v) => { v.deletion_time = ""; });
    if (kind === "destroy" && method !== "GET") return mark(s, numbers, (v) => { v.data = null; v.destroyed = true; });
    if (kind !== "metadata") return errors(404, `no handler for route "${mount}/${rest}"`);
    if (method === "DELETE") { secrets.delete(key); return gone; }
    if (method === "GET")
      return s ? ok({ cas_required: s.cas_required, created_time: s.created_time, current_version: s.current, custom_metadata: s.custom_metadata, delete_version_after: "0s", max_versions: s.max_versions, oldest_version: s.oldest, updated_time: s.updated_time, versions: Object.fromEntries([...s.versions].map(([n, v]) => [String(n), { created_time: v.created_time, deletion_time: v.deletion_time, destroyed: v.destroyed }])) }) : errors(404);
    const t = s ?? fresh();
    const custom = body["custom_metadata"];
    if (custom !== undefined && custom !== null) {
      const pairs = Object.entries(custom as Record<string, unknown>);
      if (pairs.length > 64) return errors(400, "custom_metadata validation failed: payload must contain at most 64 keys");
      if (pairs.some(([k, v]) => typeof v !== "string" || Buffer.byteLength(v) > 512 || Buffer.byteLength(k) > 128 || k === "")) return errors(400, "custom_metadata validation failed: length of value or key exceeds the limit");
      t.custom_metadata = custom as Record<string, string>;
    }
    if (typeof body["cas_required"] === "boolean") t.cas_required = body["cas_required"];
    if (typeof body["max_versions"] === "number") t.max_versions = body["max_versions"];
    secrets.set(key, t);
    return gone;
  };
  const mark = (s: KvSecret | undefined, versions: readonly number[], change: (v: KvVersion) => void): Answer => {
    for (const n of versions) { const v = s?.versions.get(n); if (v) change(v); }
    return gone;
  };

  const system = (method: string, path: string, body: Record<string, unknown>): Answer => {
    const acl = /^policies\/acl\/(.+)$/.exec(path)?.[1];
    if (acl !== undefined) {
      if (method === "GET") return texts.has(acl) ? ok({ name: acl, policy: texts.get(acl) }) : errors(404);
      if (method === "DELETE") { texts.delete(acl); policies.delete(acl); return gone; }
      const text = body["policy"];
      const rules = typeof text === "string" ? parsePolicy(text) : null;
      if (!rules) return errors(400, "failed to parse policy");
      texts.set(acl, text as string);
      policies.set(acl, rules);
      return gone;
    }
    if (path === "auth" || path.startsWith("auth/")) return logins.mount(method, path.slice("auth/".length), body);
    const table = path.startsWith("mounts") ? mounts : path.startsWith("audit") ? audit : null;
    if (!table) return errors(404, `no handler for route "sys/${path}"`);
    const name = path.replace(/^(mounts|audit)\/?/, "").replace(/\/(tune)?$/, "");
    if (method === "GET" && name === "") return ok(Object.fromEntries([...table].map(([k, v]) => [`${k}/`, v])));
    if (method === "GET") return table.has(name) ? ok(table.get(name)) : errors(400, `No secret engine mount at ${name}/`);
    if (method === "DELETE") { table.delete(name); return gone; }
    if (table.has(name) && !path.endsWith("/tune")) return errors(400, `path is already in use at ${name}/`);
    table.set(name, body);
    return gone;
  };

  const route = (req: IncomingMessage, text: string): Answer => {
    const url = new URL(req.url ?? "/", "http://vault");
    const path = decodeURIComponent(url.pathname.replace(/^\/v1\//, ""));
    const method = req.method ?? "GET";
    const token = String(req.headers["x-vault-token"] ?? "");
    log.push(`${method} ${path}`);
    const broken = failNext.shift();
    if (broken !== undefined) return errors(broken, broken === 429 ? "request path rejected: rate limit quota exceeded" : "internal error");
    if (path === "sys/health") return { status: 200, body: { initialized: true, sealed: false, standby: false, version: "1.21.0" } };
    if (options.namespace !== undefined && req.headers["x-vault-namespace"] !== options.namespace) return errors(403, "permission denied");
    let body: Record<string, unknown>;
    try {
      body = text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
    } catch {
      return errors(400, "failed to parse JSON input");
    }
    const mount = mountOf(path);
    const created = mount !== undefined && !secrets.has(`${mount}/${path.slice(mount.length + 1).replace(/^[a-z]+\//, "")}`);
    const capability = method === "LIST" || url.searchParams.get("list") === "true" ? "list" : method === "GET" ? "read" : method === "DELETE" ? "delete" : created ? "create" : "update";
    if (path === "auth/token/lookup-self") return tokens.has(token) ? ok({ policies: tokens.get(token), ttl: 3600, renewable: true, display_name: "token" }) : errors(403, "permission denied");
    const jwt = /^auth\/([^/]+)\/login$/.exec(path)?.[1];
    if (jwt !== undefined) {
      const policies = logins.login(jwt, body);
      if (typeof policies === "string") return errors(400, policies);
      const made = `s.${randomBytes(12).toString("hex")}`;
      tokens.set(made, policies);
      return { status: 200, body: { auth: { client_token: made, policies, lease_duration: 900 } } };
    }
    // Vault's root-protected paths want sudo besides.
    const sudo = path === "sys/audit" || path.startsWith("sys/audit/") || (path.startsWith("sys/auth/") && method !== "GET");
    if (!allowed(token, path, capability) || (sudo && !allowed(token, path, "sudo"))) return errors(403, "1 error occurred:\n\t* permission denied\n\n");
    if (path === "auth/token/create") {
      const made = `s.${randomBytes(12).toString("hex")}`;
      tokens.set(made, ((body["policies"] ?? []) as unknown[]).map(String));
      return { status: 200, body: { auth: { client_token: made, policies: tokens.get(made) } } };
    }
    if (path.startsWith("auth/")) return logins.configure(method, path.slice("auth/".length), body);
    if (path.startsWith("sys/")) return system(method, path.slice(4), body);
    return mount === undefined ? errors(404, `no handler for route "${path}"`) : kv(method, mount, path.slice(mount.length + 1), url.searchParams, body);
  };
  const serve = (req: IncomingMessage, res: ServerResponse): void => {
    const chunks: Buffer[] = [];
    req.on("data", (c: Buffer) => chunks.push(c));
    req.on("end", () => {
      const a = route(req, Buffer.concat(chunks).toString("utf8"));
      res.writeHead(a.status, { "content-type": "application/json" }).end(a.body === undefined ? "" : JSON.stringify(a.body));
    });
  };
  const server: Server = options.tls ? createTls(options.tls, serve) : createServer(serve);
  await new Promise<void>((done) => { server.listen(options.port ?? 0, "127.0.0.1", done); });
  return {
    url: `http${options.tls ? "s" : ""}://127.0.0.1:${(server.address() as AddressInfo).port}`, rootToken, failNext, log,
    close: () => new Promise((done) => { server.closeAllConnections(); server.close(() => { done(); }); }),
  };
}
