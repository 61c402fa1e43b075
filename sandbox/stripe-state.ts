import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeAtomic } from "../lib/atomic.ts";
import { sha256 } from "../lib/sha256.ts";
import type { Incoming } from "./server.ts";

// What the fake Stripe remembers, and which keys it takes.

export interface Endpoint {
  id: string; object: "webhook_endpoint"; url: string; enabled_events: string[]; api_version: string | null; description: string | null;
  metadata: Record<string, string>; status: "enabled" | "disabled"; livemode: boolean; created: number; secret: string; connect: boolean;
}
export const STRIPE_KEY_STATES = ["active", "dead", "expired", "restricted", "anything"] as const;
type StripeKeyState = (typeof STRIPE_KEY_STATES)[number];
/** An event as `GET /v1/events` tells it. */
export interface StoredEvent { id: string; type: string; created: number; livemode: boolean; delivered: boolean }
export interface State {
  endpoints: Endpoint[];
  idempotent: Record<string, { request: string; id: string }>;
  accountId: string;
  lastCreated: number;
  /** SHA-256 of a key → its state. Where a mode has one registered, no other key of that mode is accepted. */
  keys?: Record<string, { mode: "test" | "live"; state: StripeKeyState; denied?: string[] }>;
  /** Digests of the quarters of keys that were taken in: a near miss of one is a corrupted copy. */
  seen?: string[][];
  events?: StoredEvent[];
  /** What the account tells of itself. */
  facts?: Record<string, unknown>;
}
export const alnum = (n: number): string => randomBytes(n * 3).toString("base64").replace(/[^A-Za-z0-9]/g, "").slice(0, n);
export class Refusal extends Error {
  readonly status: number;
  readonly body: Readonly<Record<string, string>>;
  constructor(status: number, message: string, body: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.body = { type: "invalid_request_error", ...body };
  }
}

/** The state on disk is read for every request: a sandbox that runs beside sees the same account. */
export class Account {
  private readonly file: string;
  constructor(dir: string) {
    this.file = join(dir, "stripe.json");
  }
  load(): State {
    return existsSync(this.file) ? (JSON.parse(readFileSync(this.file, "utf8")) as State) : { endpoints: [], idempotent: {}, accountId: `acct_${alnum(16)}`, lastCreated: 0 };
  }
  save(state: State): void {
    writeAtomic(this.file, `${JSON.stringify(state, null, 1)}\n`, 0o600);
  }
}

/** Whether the key is of live mode. */
export function authorize(req: Incoming, state: State): boolean {
  const auth = req.headers["authorization"] ?? "";
  const key = auth.startsWith("Bearer ") ? auth.slice(7) : auth.startsWith("Basic ") ? (Buffer.from(auth.slice(6), "base64").toString().split(":")[0] ?? "") : "";
  if (key === "") throw new Refusal(401, "You did not provide an API key.");
  const m = /^[sr]k_(test|live)_[A-Za-z0-9]{10,}$/.exec(key);
  const mode = m?.[1] as "test" | "live" | undefined;
  const anything = Object.values(state.keys ?? {}).some((k) => k.mode === mode && k.state === "anything");
  const registered = anything ? "active" : state.keys?.[sha256(key)]?.state;
  const closed = Object.values(state.keys ?? {}).some((k) => k.mode === mode) || (registered === undefined && mode !== undefined && !takenIn(key, state));
  const is = registered ?? (mode === undefined || closed || key.endsWith("dead") ? "dead" : key.endsWith("expired") ? "expired" : key.startsWith("rk_") && key.endsWith("norights") ? "restricted" : "active");
  if (is === "dead") throw new Refusal(401, "Invalid API Key provided");
  if (is === "expired") throw new Refusal(401, "Expired API Key provided", { code: "api_key_expired" });
  const denied = state.keys?.[sha256(key)]?.denied;
  if (denied?.some((d) => req.url.pathname.startsWith(d)) === true || (is === "restricted" && denied === undefined)) throw new Refusal(403, "The provided key does not have the required permissions for this endpoint");
  return mode === "live";
}

/** Takes an unknown key in, unless it shares most of its quarters with a known one. */
function takenIn(key: string, state: State): boolean {
  const body = key.slice(8);
  const n = Math.ceil(body.length / 4);
  const pieces = [0, 1, 2, 3].map((i) => sha256(`${key.slice(0, 8)}${i}:${body.slice(i * n, (i + 1) * n)}`).slice(0, 16));
  const shared = Math.max(0, ...(state.seen ?? []).map((k) => k.filter((p, i) => p === pieces[i]).length));
  if (shared === 4) return true;
  if (shared >= 2) return false;
  state.seen = [...(state.seen ?? []).slice(-200), pieces];
  return true;
}
