import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeAtomic } from "../lib/atomic.ts";
import type { KeyState } from "../schemas/sandbox.ts";

/** A credential that a fake knows: never the value itself, save a secondary token's until it is promoted. */
export interface Key {
  readonly id: string;
  readonly hash: string;
  /** Digests of the value's quarters: a copy that shares most of them is a corrupted one, not another credential. */
  readonly pieces: readonly string[];
  /** Whose it is, where one fake has several accounts: an account SID, a login, a consumer key. */
  owner: string;
  state: KeyState;
  name: string;
  readonly created: string;
  /** `secondary` until promoted, and whatever else a provider tells apart. */
  role?: string;
  /** What the account tells of itself. */
  facts: Record<string, unknown>;
  pending?: string;
  /** The last four characters, which some providers show. */
  readonly tail?: string;
}
interface State {
  keys: Key[];
  /** Owners of whom a credential was registered: no other of theirs is adopted any more. */
  closed: string[];
}
const sha = (s: string): string => createHash("sha256").update(s).digest("base64url");
const piecesOf = (v: string): string[] => {
  const n = Math.ceil(v.length / 4);
  return [0, 1, 2, 3].map((i) => sha(`${i}:${v.slice(i * n, (i + 1) * n)}`).slice(0, 16));
};
/** A SendGrid key carries its own id. */
const idIn = (value: string): string | undefined => /^SG\.([A-Za-z0-9_-]{22})\./.exec(value)?.[1];
const equal = (a: string, b: string): boolean => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

/** A fake's credentials, in one file that is read for every request: a sandbox that runs beside sees the same account. In memory where `dir` is null. */
export class Keys {
  private readonly file: string | null;
  private memory: State = { keys: [], closed: [] };
  constructor(dir: string | null, service: string) {
    this.file = dir === null ? null : join(dir, `${service}.json`);
  }
  private load(): State {
    if (this.file === null) return this.memory;
    return existsSync(this.file) ? (JSON.parse(readFileSync(this.file, "utf8")) as State) : { keys: [], closed: [] };
  }
  private save(s: State): void {
    if (this.file === null) this.memory = s;
    else writeAtomic(this.file, `${JSON.stringify(s, null, 1)}\n`, 0o600);
  }
  all(owner?: string): Key[] {
    return this.load().keys.filter((k) => (owner === undefined || k.owner === owner) && k.state !== "dead");
  }
  /** Whether such an owner ever had a credential here, a dead one too. */
  knows(is: (owner: string) => boolean): boolean {
    return this.load().keys.some((k) => is(k.owner));
  }
  /** The credential as it is known; null where it isn't. */
  find(value: string, owner: string): Key | null {
    const hash = sha(value);
    const own = this.load().keys.filter((k) => k.owner === owner);
    return own.find((k) => equal(k.hash, hash)) ?? own.find((k) => k.state === "anything") ?? null;
  }
  /** Takes an unknown credential in as one of that account: null where the owner's are registered, or where it is a near miss of a known one. */
  adopt(value: string, owner: string, facts: Record<string, unknown>, as: { readonly id?: string; readonly role?: string } = {}): Key | null {
    const s = this.load();
    if (s.closed.includes(owner) || s.closed.includes("*")) return null;
    const pieces = piecesOf(value);
    if (s.keys.some((k) => k.pieces.filter((p, i) => p === pieces[i]).length >= 2)) return null;
    const { id, ...rest } = as;
    return this.add(value, owner, { facts, ...rest, ...(id !== undefined && !s.keys.some((k) => k.id === id) && { id }) });
  }
  add(value: string, owner: string, more: { readonly id?: string; readonly name?: string; readonly state?: KeyState; readonly role?: string; readonly facts?: Record<string, unknown>; readonly pending?: string } = {}): Key {
    const s = this.load();
    const key: Key = { id: more.id ?? idIn(value) ?? randomBytes(8).toString("hex"), tail: value.slice(-4), hash: sha(value), pieces: piecesOf(value), owner, state: more.state ?? "active", name: more.name ?? "default", created: new Date().toISOString(), facts: more.facts ?? {}, ...(more.role !== undefined && { role: more.role }), ...(more.pending !== undefined && { pending: more.pending }) };
    s.keys = [key, ...s.keys.filter((k) => !(k.hash === key.hash && k.owner === owner))];
    this.save(s);
    return key;
  }
  /** Registered by hand: from then on no other credential of that owner is taken in. */
  register(value: string, owner: string, state: KeyState, facts: Record<string, unknown>, as: { readonly id?: string; readonly role?: string } = {}): Key {
    const { id, ...rest } = as;
    const key = this.add(value, owner, { state, facts, ...rest, ...(id !== undefined && !this.load().keys.some((k) => k.id === id && k.hash !== sha(value)) && { id }) });
    const s = this.load();
    if (!s.closed.includes(owner)) {
      s.closed.push(owner);
      this.save(s);
    }
    return key;
  }
  change(id: string, change: (k: Key) => void): void {
    const s = this.load();
    for (const k of s.keys) if (k.id === id) change(k);
    this.save(s);
  }
  kill(id: string): void {
    this.change(id, (k) => {
      k.state = "dead";
      delete k.pending;
    });
  }
}
