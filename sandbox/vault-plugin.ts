import type { DiffResult, Provider } from "../lib/provider.ts";
import type { Props, Value } from "../lib/pulumi-value.ts";
import { VaultClient } from "../providers/stores/vault-client.ts";
import { loopback } from "../schemas/fields.ts";

/** One type of `vault`, as far as the program uses it: where its object stands in Vault's API, and what is written there. */
interface VaultType {
  readonly properties: readonly string[];
  readonly replaces: readonly string[];
  readonly path: (p: Props) => string;
  /** What makes it, in order; made again it changes nothing. */
  readonly writes: (p: Props) => readonly { readonly path: string; readonly body: Props; readonly once?: boolean }[];
  /** Absent: it goes with what it belongs to. */
  readonly remove?: true;
}
const text = (v: Value | undefined): string => (typeof v === "string" ? v : "");
const snake = (p: Props, keys: readonly string[]): Props => Object.fromEntries(keys.flatMap((k) => (p[k] === undefined || p[k] === null ? [] : [[k.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`), p[k]]])));

const JWT_ROLE = ["roleType", "userClaim", "boundAudiences", "boundSubject", "tokenPolicies", "tokenNoDefaultPolicy", "tokenTtl", "tokenMaxTtl", "tokenType"];
const TYPES: Readonly<Record<string, VaultType>> = {
  "vault:index/mount:Mount": {
    properties: ["path", "type", "options", "description"], replaces: ["path", "type"], remove: true, path: (p) => `sys/mounts/${text(p["path"])}`,
    writes: (p) => [{ path: `sys/mounts/${text(p["path"])}`, body: snake(p, ["type", "options", "description"]), once: true }, { path: `sys/mounts/${text(p["path"])}/tune`, body: snake(p, ["description"]) }],
  },
  "vault:kv/secretBackendV2:SecretBackendV2": {
    properties: ["mount", "casRequired", "maxVersions", "deleteVersionAfter"], replaces: ["mount"], path: (p) => `${text(p["mount"])}/config`,
    writes: (p) => [{ path: `${text(p["mount"])}/config`, body: snake(p, ["casRequired", "maxVersions", "deleteVersionAfter"]) }],
  },
  "vault:index/policy:Policy": {
    properties: ["name", "policy"], replaces: ["name"], remove: true, path: (p) => `sys/policies/acl/${text(p["name"])}`,
    writes: (p) => [{ path: `sys/policies/acl/${text(p["name"])}`, body: snake(p, ["policy"]) }],
  },
  "vault:index/audit:Audit": {
    properties: ["type", "path", "options", "description", "local"], replaces: ["type", "path", "options", "description", "local"], remove: true, path: (p) => `sys/audit/${text(p["path"])}`,
    writes: (p) => [{ path: `sys/audit/${text(p["path"])}`, body: snake(p, ["type", "options", "description"]), once: true }],
  },
  "vault:jwt/authBackend:AuthBackend": {
    properties: ["path", "type", "oidcDiscoveryUrl", "boundIssuer", "description"], replaces: ["type"], remove: true, path: (p) => `sys/auth/${text(p["path"])}`,
    writes: (p) => [{ path: `sys/auth/${text(p["path"])}`, body: snake(p, ["type", "description"]), once: true }, { path: `auth/${text(p["path"])}/config`, body: snake(p, ["oidcDiscoveryUrl", "boundIssuer"]) }],
  },
  "vault:jwt/authBackendRole:AuthBackendRole": {
    properties: ["backend", "roleName", ...JWT_ROLE], replaces: ["backend", "roleName"], remove: true, path: (p) => `auth/${text(p["backend"])}/role/${text(p["roleName"])}`,
    writes: (p) => [{ path: `auth/${text(p["backend"])}/role/${text(p["roleName"])}`, body: snake(p, JWT_ROLE) }],
  },
};
const typeOf = (urn: string): VaultType => {
  const name = (urn.split("::")[2] ?? "").split("$").at(-1) ?? "";
  const t = TYPES[name];
  if (!t) throw new Error(`RESOURCE_UNKNOWN: the sandbox's Vault has no ${name}: deploy with the Pulumi CLI`);
  return t;
};
const plain = (p: Props): Props => Object.fromEntries(Object.entries(p).filter(([k, v]) => !k.startsWith("__") && v !== null));

/** Pulumi's provider `vault` for the types in use, onto a Vault on loopback: another address is refused. The token is VAULT_TOKEN's. */
export function sandboxVault(env: Readonly<Record<string, string | undefined>>): Provider {
  let client: VaultClient | null = null;
  const at = (): VaultClient => {
    if (!client) throw new Error("SANDBOX_ADDRESS: the provider isn't configured with a Vault's address");
    return client;
  };
  const bad = (p: Props): string | null => (URL.canParse(text(p["address"])) && loopback(new URL(text(p["address"])).hostname) ? null : "SANDBOX_ADDRESS: this Vault provider talks to a Vault on loopback and to nothing else");
  const write = async (t: VaultType, p: Props): Promise<void> => {
    for (const w of t.writes(p)) {
      const { status, body } = await at().send("POST", w.path, w.path, w.body, w.once === true ? [400] : []);
      // An interrupted run has made it: what it is set to comes with the next call.
      if (status === 400 && body?.errors?.some((e) => e.includes("already in use")) !== true) throw new Error(`STORE_REFUSED: ${(body?.errors ?? []).join("; ")}`);
    }
  };
  return {
    checkConfig: (_u, _o, news) => { const reason = bad(plain(news)); return Promise.resolve({ inputs: news, failures: reason === null ? [] : [{ property: "address", reason }] }); },
    diffConfig: () => Promise.resolve({ changes: "none", replaces: [], diffs: [], deleteBeforeReplace: false }),
    configure: (_u, _id, inputs) => {
      const p = plain(inputs), reason = bad(p), namespace = text(p["namespace"]);
      if (reason !== null) return Promise.reject(new Error(reason));
      client = new VaultClient({ address: text(p["address"]), mount: "", ...(namespace !== "" && { namespace }) }, env);
      return Promise.resolve({ acceptSecrets: true, supportsPreview: true });
    },
    check: (urn, _olds, news) => Promise.resolve({ inputs: news, failures: Object.keys(plain(news)).filter((k) => !typeOf(urn).properties.includes(k)).map((property) => ({ property, reason: "INPUT_UNKNOWN: no such argument" })) }),
    diff: (urn, _id, olds, _outputs, news, ignore): Promise<DiffResult> => {
      const t = typeOf(urn);
      const diffs = t.properties.filter((k) => !ignore.includes(k) && JSON.stringify(olds[k] ?? null) !== JSON.stringify(news[k] ?? null));
      const replaces = diffs.filter((k) => t.replaces.includes(k));
      return Promise.resolve({ changes: diffs.length ? "some" : "none", diffs, replaces, deleteBeforeReplace: replaces.length > 0, detailed: Object.fromEntries(diffs.map((k) => [k, { kind: replaces.includes(k) ? ("update-replace" as const) : ("update" as const), inputDiff: true }])) });
    },
    create: async (urn, inputs, { preview }) => {
      const p = plain(inputs), t = typeOf(urn);
      if (!preview) await write(t, p);
      return { id: preview ? "" : t.path(p), outputs: inputs };
    },
    update: async (urn, id, _oldInputs, _oldOutputs, news, { preview }) => {
      if (!preview) await write(typeOf(urn), plain(news));
      return { id, outputs: news };
    },
    read: async (urn, id, inputs, outputs) => {
      const p = plain(Object.keys(inputs).length ? inputs : outputs);
      const { status } = await at().send("GET", typeOf(urn).path(p), id, undefined, [400]);
      return status < 300 ? { id, inputs, outputs } : { id: "", inputs: {}, outputs: {} };
    },
    delete: async (urn, id, inputs, outputs) => {
      const t = typeOf(urn);
      if (t.remove) await at().send("DELETE", t.path(plain(Object.keys(inputs).length ? inputs : outputs)), id);
    },
    invoke: (token) => Promise.reject(new Error(`RESOURCE_UNKNOWN: no function ${token} here`)),
    getSchema: () => Promise.resolve(JSON.stringify({ name: "vault", version: "7.8.0" })),
    cancel: () => Promise.resolve(),
    close: async () => { await client?.close(); },
  };
}
