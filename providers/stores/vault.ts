import type { Env } from "../context.ts";
import { fail } from "../input.ts";
import { OWNER, OWNER_TAG, type Label, type Put, type Store, type StoreSecret, type StoreVersion } from "./contract.ts";
import { VaultClient, type VaultPlace } from "./vault-client.ts";

/** Versions that Vault keeps of a secret; older ones it forgets by itself. */
const MAX_VERSIONS = 10;
/** Vault: 64 pairs of custom metadata, 512 bytes a value, 128 a key. */
const PAIRS = 64;
const PAIR = 512;
const NAME = /^[a-z0-9][a-z0-9/-]{0,255}$/;
/** What is delivered and not in force has a path of its own: who reads the secret reads its latest version. */
const PENDING = "/pending";

interface Metadata {
  readonly current_version: number;
  readonly custom_metadata: Readonly<Record<string, string>> | null;
  readonly versions: Readonly<Record<string, { readonly created_time: string; readonly deletion_time: string; readonly destroyed: boolean }>>;
}
interface Numbered extends StoreVersion {
  readonly number: number;
  readonly live: boolean;
}

/**
 * HashiCorp Vault's KV v2 over HTTP. Every write is a check-and-set; ownership and lineage (which KV version is which of ours, and what it carries) stand in the custom metadata.
 * The latest KV version is what is in force: going back writes the old values anew, which needs the right to read them.
 */
export class VaultStore implements Store {
  readonly kind = "vault";
  private readonly client: VaultClient;
  private readonly mount: string;
  private readonly operatorAudits: boolean;
  private audited: Promise<void> | undefined;
  constructor(place: VaultPlace, env: Env) {
    this.client = new VaultClient(place, env);
    this.mount = place.mount.replace(/\/+$/, "");
    this.operatorAudits = place.audit === "operator";
  }

  async describe(name: string): Promise<StoreSecret | null> {
    const [own, pending] = await Promise.all([this.metadata(name), this.metadata(`${name}${PENDING}`)]);
    return own || pending ? shown(name, own, pending) : null;
  }
  async list(prefix: string): Promise<StoreSecret[]> {
    const names: string[] = [];
    const walk = async (folder: string): Promise<void> => {
      const { body } = await this.client.send("GET", `${this.mount}/metadata/${folder}`, prefix, undefined, [], { list: "true" });
      const keys = (body?.data?.["keys"] ?? []) as string[];
      for (const k of keys) if (k.endsWith("/")) await walk(`${folder}${k}`);
      else if (k !== "pending") names.push(`${folder}${k}`);
    };
    await walk(prefix.slice(0, prefix.lastIndexOf("/") + 1));
    const all = await Promise.all(names.filter((n) => n.startsWith(prefix)).sort().map((n) => this.describe(n)));
    return all.flatMap((s) => s ?? []);
  }
  async put(put: Put): Promise<void> {
    if (!NAME.test(put.name)) throw fail("STORE_NAME_INVALID", "a Vault path of ours has lower case letters, digits, hyphens and slashes", put.name);
    const found = await this.describe(put.name);
    if (found && !found.ours) throw foreign(put.name);
    const held = found?.versions.find((v) => v.id === put.versionId);
    const stage = held?.label === "current" ? "current" : (put.stage ?? "current");
    const path = stage === "pending" ? `${put.name}${PENDING}` : put.name;
    await this.write(path, put, held?.label !== stage);
    if (stage === "current" && held?.label === "pending") await this.forget(`${put.name}${PENDING}`);
  }
  async promote(name: string, versionId: string): Promise<void> {
    const held = (await this.describe(name))?.versions.find((v) => v.id === versionId);
    if (held?.label === "current") return;
    const path = held?.label === "pending" ? `${name}${PENDING}` : name;
    const number = numbered(await this.metadata(path)).find((v) => v.id === versionId && v.live)?.number;
    const values = held && number !== undefined ? await this.values(path, number) : null;
    if (!held || !values) throw fail("STORE_VERSION_MISSING", "the store doesn't hold this version's values", name, "deliver it again with stackseal up");
    const tags = Object.fromEntries(Object.entries((await this.metadata(path))?.custom_metadata ?? {}).filter(([k]) => !/^v\d+(-|$)/.test(k)));
    await this.write(name, { name, versionId, values, tags, notes: held.notes }, true);
    if (held.label === "pending") await this.forget(`${name}${PENDING}`);
  }
  async read(name: string, label: Label = "current"): Promise<Readonly<Record<string, string>> | null> {
    if (label === "current") return this.values(name, 0);
    const path = label === "pending" ? `${name}${PENDING}` : name;
    const id = (await this.describe(name))?.versions.find((v) => v.label === label)?.id;
    const number = id === undefined ? undefined : numbered(await this.metadata(path)).find((v) => v.id === id && v.live)?.number;
    return number === undefined ? null : this.values(path, number);
  }
  async withdraw(name: string, versionId: string): Promise<void> {
    const held = (await this.describe(name))?.versions.find((v) => v.id === versionId);
    if (held?.label === "pending") await this.forget(`${name}${PENDING}`);
    if (held?.label !== "previous") return;
    // Soft: `vault kv undelete` brings it back.
    const versions = numbered(await this.metadata(name)).filter((v) => v.id === versionId && v.live).map((v) => v.number);
    await this.client.send("POST", `${this.mount}/delete/${name}`, name, { versions });
  }
  /** Takes every version out of force, softly: Vault keeps them for an undelete, and the name stays ours. */
  async remove(name: string): Promise<void> {
    const found = await this.describe(name);
    if (found && !found.ours) throw foreign(name);
    await this.forget(name);
    await this.forget(`${name}${PENDING}`);
  }

  private async forget(path: string): Promise<void> {
    const versions = numbered(await this.metadata(path)).filter((v) => v.live).map((v) => v.number);
    if (versions.length > 0) await this.client.send("POST", `${this.mount}/delete/${path}`, path, { versions });
  }
  private async values(path: string, version: number): Promise<Record<string, string> | null> {
    const { status, body } = await this.client.send("GET", `${this.mount}/data/${path}`, path, undefined, [], version === 0 ? {} : { version: String(version) });
    const data = status === 404 ? null : body?.data?.["data"];
    return typeof data === "object" && data !== null ? Object.fromEntries(Object.entries(data).map(([k, v]) => [k, String(v)])) : null;
  }
  private async metadata(path: string): Promise<Metadata | null> {
    const { status, body } = await this.client.send("GET", `${this.mount}/metadata/${path}`, path);
    return status === 404 ? null : ((body?.data ?? null) as Metadata | null);
  }
  /** Nothing is written into a Vault that keeps no audit. Asked once in a store's life; what nobody lets us see isn't taken for granted. */
  private requireAudit(name: string): Promise<void> {
    if (this.operatorAudits) return Promise.resolve();
    this.audited ??= (async () => {
      const { status, body } = await this.client.send("GET", "sys/audit", name, undefined, [400, 403]);
      if (status >= 400) throw fail("STORE_NO_AUDIT", `whether this Vault keeps an audit can't be seen (it answered ${status})`, name, "the token's policy must give read and sudo on sys/audit, as the foundation stack's do; where a namespace can't see it: store.audit: operator");
      if (Object.keys(body?.data ?? {}).length === 0) throw fail("STORE_NO_AUDIT", "this Vault has no audit device: nothing is delivered into it", name, "declare store.audit and deploy the foundation stack, or: vault audit enable file file_path=/var/log/vault/audit.log");
    })();
    this.audited.catch(() => { this.audited = undefined; });
    return this.audited;
  }
  /** The values first, under check-and-set, then what tells of them. A secret that is new is marked as ours before it has a value. */
  private async write(path: string, put: Put, values: boolean): Promise<void> {
    const before = await this.metadata(path);
    const owned = { ...put.tags, [OWNER_TAG]: OWNER };
    if (!before) await this.client.send("POST", `${this.mount}/metadata/${path}`, put.name, { cas_required: true, max_versions: MAX_VERSIONS, custom_metadata: owned });
    let number = before?.current_version ?? 0;
    if (values) {
      await this.requireAudit(put.name);
      const answer = await this.client.send("POST", `${this.mount}/data/${path}`, put.name, { options: { cas: number }, data: put.values }, [400]);
      if (answer.status === 400) {
        if (answer.body?.errors?.some((e) => e.includes("check-and-set")) === true) throw fail("STORE_VERSION_CONFLICT", "another writer changed the secret at the same moment", put.name, "run again");
        throw fail("STORE_REFUSED", "Vault refused the values", put.name);
      }
      number = Number(answer.body?.data?.["version"] ?? number + 1);
    }
    await this.client.send("POST", `${this.mount}/metadata/${path}`, put.name, { custom_metadata: lineage(before?.custom_metadata ?? {}, owned, number, put) });
  }
}
const foreign = (name: string): Error => fail("STORE_FOREIGN", "the secret doesn't carry our ownership tag: it isn't overwritten", name, "remove or move it, or set its custom metadata managed-by=stackseal after having looked at it");

/** Custom metadata after a delivery: tags, and for the versions that Vault still keeps `v<number>`: our version id, `v<number>-<i>`: its notes. */
function lineage(before: Readonly<Record<string, string>>, tags: Readonly<Record<string, string>>, number: number, put: Put): Record<string, string> {
  const kept = Object.entries(before).filter(([k]) => {
    const m = /^v(\d+)(-|$)/.exec(k);
    return m !== null && Number(m[1]) !== number && Number(m[1]) > number - MAX_VERSIONS;
  });
  const chunks: string[] = [];
  for (const [k, v] of Object.entries(put.notes)) {
    const entry = `${k}=${v}`;
    const last = chunks.at(-1);
    if (last !== undefined && Buffer.byteLength(`${last} / ${entry}`) <= PAIR) chunks[chunks.length - 1] = `${last} / ${entry}`;
    else chunks.push(entry);
  }
  const own: [string, string][] = [[`v${number}`, put.versionId], ...chunks.filter((c) => Buffer.byteLength(c) <= PAIR).map((c, i): [string, string] => [`v${number}-${i}`, c])];
  // What doesn't fit are the notes of the oldest versions.
  const newestFirst = kept.sort(([a], [b]) => Number(/\d+/.exec(b)?.[0]) - Number(/\d+/.exec(a)?.[0]));
  return { ...tags, ...Object.fromEntries([...own, ...newestFirst].slice(0, PAIRS - Object.keys(tags).length)) };
}
/** KV versions with their ids, newest first; those that somebody else wrote have an id that no delivery of ours has. */
function numbered(m: Metadata | null): Numbered[] {
  if (!m) return [];
  const custom = m.custom_metadata ?? {};
  return Object.entries(m.versions).map(([n, v]) => {
    const notes = Object.entries(custom).filter(([k]) => k.startsWith(`v${n}-`)).flatMap(([, text]) => text.split(" / ")).map((e) => [e.slice(0, e.indexOf("=")), e.slice(e.indexOf("=") + 1)] as const);
    return { number: Number(n), id: custom[`v${n}`] ?? `kv-${n}`, label: null, createdAt: v.created_time, notes: Object.fromEntries(notes), live: v.deletion_time === "" && !v.destroyed };
  }).sort((a, b) => b.number - a.number);
}
function shown(name: string, own: Metadata | null, pending: Metadata | null): StoreSecret {
  const custom = (own ?? pending)?.custom_metadata ?? {};
  const tags = Object.fromEntries(Object.entries(custom).filter(([k]) => !/^v\d+(-|$)/.test(k)));
  const all = numbered(own);
  const latest = all[0];
  const current = latest?.live === true ? latest : undefined;
  const previous = all.find((v) => v.live && v.number !== current?.number && v.id !== current?.id);
  const seen = new Set<string>();
  const versions = all.filter((v) => !seen.has(v.id) && seen.add(v.id)).map(({ id, createdAt, notes, number }): StoreVersion => ({ id, createdAt, notes, label: number === current?.number ? "current" : number === previous?.number ? "previous" : null }));
  const waiting = numbered(pending)[0];
  const withPending = waiting?.live === true ? [{ id: waiting.id, createdAt: waiting.createdAt, notes: waiting.notes, label: "pending" as const }, ...versions.filter((v) => v.id !== waiting.id || v.label !== null)] : versions;
  return { name, ours: tags[OWNER_TAG] === OWNER, tags, versions: withPending };
}
