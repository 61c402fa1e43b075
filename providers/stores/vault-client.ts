import { readFileSync } from "node:fs";
import type { Agent, Dispatcher } from "undici";
import type { Env } from "../context.ts";
import { fail } from "../input.ts";
import { redact } from "../redact.ts";
import { pause } from "../retry.ts";

export interface VaultPlace {
  readonly address: string;
  readonly mount: string;
  readonly namespace?: string | undefined;
  /** `operator`: an audit device is kept where this token can't see it. */
  readonly audit?: unknown;
}
export interface VaultAnswer {
  readonly status: number;
  readonly body: { readonly data?: Readonly<Record<string, unknown>> | null; readonly errors?: readonly string[] } | null;
}
const ATTEMPTS = 6;
const TIMEOUT_MS = 10_000;
/** Too many requests, and what a standby, a sealed or an overloaded server says; 412 is a replica that hasn't caught up. */
const AGAIN = new Set([412, 429, 472, 473, 500, 502, 503, 504]);

/**
 * Vault's HTTP interface: token from VAULT_TOKEN, namespace from the declaration or VAULT_NAMESPACE, the authority's certificate from VAULT_CACERT.
 * Throttling, 5xx and broken connections are tried again after an exponential pause with jitter.
 */
export class VaultClient {
  readonly place: VaultPlace;
  private readonly env: Env;
  private dispatcher: Dispatcher | undefined;
  constructor(place: VaultPlace, env: Env) {
    this.place = place;
    this.env = env;
  }
  /** Answers 2xx, and 404 with its body; everything else throws FindingError. `allow` names further statuses that the caller judges. */
  async send(method: "GET" | "POST" | "PUT" | "DELETE", path: string, what: string, body?: unknown, allow: readonly number[] = [], query: Readonly<Record<string, string>> = {}): Promise<VaultAnswer> {
    const token = this.env["VAULT_TOKEN"];
    if (!token) throw fail("STORE_CREDENTIALS", "no Vault token is at hand", what, "set VAULT_TOKEN: vault login, or the job's JWT login", 2);
    const namespace = this.place.namespace ?? this.env["VAULT_NAMESPACE"];
    const url = new URL(`/v1/${path.split("/").map(encodeURIComponent).join("/")}`, this.place.address);
    for (const [k, v] of Object.entries(query)) url.searchParams.set(k, v);
    // A large library, and a preview talks to no store.
    const { Agent, fetch } = await import("undici");
    const dispatcher = this.agent(what, (options) => new Agent(options));
    for (let attempt = 0; ; attempt++) {
      const last = attempt === ATTEMPTS - 1;
      let answer: VaultAnswer;
      try {
        const r = await fetch(url, {
          method, dispatcher, signal: AbortSignal.timeout(TIMEOUT_MS), redirect: "error",
          headers: { "x-vault-token": token, "x-vault-request": "true", ...(namespace !== undefined && { "x-vault-namespace": namespace }), ...(body !== undefined && { "content-type": "application/json" }) },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        });
        answer = { status: r.status, body: parse(await r.text()) };
      } catch (e) {
        if (!last) { await pause(attempt); continue; }
        throw fail("STORE_UNREACHABLE", `Vault can't be reached at ${url.origin} (${reason(e)})`, what, "check store.address, the network, and VAULT_CACERT where its certificate is of your own authority", 3);
      }
      if (answer.status < 300 || answer.status === 404 || allow.includes(answer.status)) return answer;
      if (AGAIN.has(answer.status) && !last) { await pause(attempt); continue; }
      throw this.failure(answer, what);
    }
  }
  async close(): Promise<void> {
    await this.dispatcher?.close();
  }
  private agent(what: string, make: (options: Agent.Options) => Dispatcher): Dispatcher {
    const file = this.env["VAULT_CACERT"];
    if (this.dispatcher) return this.dispatcher;
    let ca: string | undefined;
    try {
      ca = file === undefined ? undefined : readFileSync(file, "utf8");
    } catch {
      throw fail("STORE_CREDENTIALS", "VAULT_CACERT names a file that can't be read", what, undefined, 2);
    }
    return (this.dispatcher = make({ connections: 16, ...(ca !== undefined && { connect: { ca } }) }));
  }
  private failure(a: VaultAnswer, what: string): Error {
    const said = redact((a.body?.errors ?? []).join("; "), [this.env["VAULT_TOKEN"] ?? ""]);
    if (a.status === 403) return fail("STORE_DENIED", "Vault denies it: the token is not valid any more, or its policies don't allow this", what, "vault token lookup; the policies come from stackseal's access matrix");
    if (a.status === 429) return fail("STORE_THROTTLED", "Vault throttles the calls, after several attempts", what, "run again: what was delivered stays, the rest follows", 3);
    if (a.status === 413) return fail("STORE_VALUE_TOO_LARGE", "Vault takes no request of that size", what);
    if (a.status >= 500) return fail("STORE_UNREACHABLE", `Vault answered ${a.status}${a.status === 503 ? ": it is sealed or in maintenance" : ""}`, what, "run again when it is unsealed: what was delivered stays", 3);
    return fail("STORE_REFUSED", `Vault refused with ${a.status}${said === "" ? "" : `: ${said}`}`, what);
  }
}
function parse(text: string): VaultAnswer["body"] {
  try {
    return text === "" ? null : (JSON.parse(text) as VaultAnswer["body"]);
  } catch {
    return null;
  }
}
const reason = (e: unknown): string => {
  const cause = (e as { cause?: { code?: unknown } }).cause;
  return typeof cause?.code === "string" ? cause.code : e instanceof Error ? e.name : "unknown";
};
