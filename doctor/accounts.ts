import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeAtomic } from "../lib/atomic.ts";
import type { Tier } from "../schemas/access.ts";
import { integrations } from "../schemas/integrations/index.ts";
import { setting } from "./call.ts";
import { step, type StepResult } from "./step.ts";

/** Which live account an environment's credential was seen to belong to: a digest, so that the file tells no account. */
export interface SeenAccount {
  readonly environment: string;
  readonly tier: Tier;
  readonly integration: string;
  readonly account: string;
  readonly live: boolean | null;
}
const FILE = ".stackseal/doctor/accounts.json";
export const digestOf = (account: string): string => createHash("sha256").update(account).digest("base64url").slice(0, 22);

export function seenAccounts(root: string): SeenAccount[] {
  try {
    const list: unknown = JSON.parse(readFileSync(join(root, FILE), "utf8"));
    return Array.isArray(list) ? (list as SeenAccount[]).filter((a) => typeof a.environment === "string" && typeof a.account === "string" && typeof a.integration === "string") : [];
  } catch {
    return [];
  }
}
export function rememberAccounts(root: string, seen: readonly SeenAccount[]): void {
  if (seen.length === 0) return;
  const others = seenAccounts(root).filter((a) => !seen.some((n) => n.environment === a.environment && n.integration === a.integration));
  writeAtomic(join(root, FILE), `${JSON.stringify([...others, ...seen], null, 1)}\n`, 0o600);
}

/** The declared setting that names an account, where there is one. */
const DECLARED: Readonly<Record<string, string>> = { vonage: "apiKey", salesforce: "domain", ...Object.fromEntries(integrations.flatMap((i) => Object.values(i.secrets).flatMap((s) => (s.probe.kind === "http" ? s.probe.facts.flatMap((f) => (f.kind === "setting" ? [[i.id, f.setting] as const] : [])) : [])))) };

export interface Neighbour {
  readonly name: string;
  readonly tier: Tier;
  readonly settings: Readonly<Record<string, unknown>>;
}
/** Other environments that are on the same account, one of the two being production or the account live: by what is declared, and by what was seen. */
export function sharedAccount(integration: string, own: { readonly name: string; readonly tier: Tier; readonly settings: Readonly<Record<string, unknown>>; readonly account: string | null; readonly live: boolean | null }, neighbours: readonly Neighbour[], seen: readonly SeenAccount[]): StepResult | null {
  const key = DECLARED[integration];
  const id = key === undefined ? undefined : setting(own.settings, key);
  const declared = id === undefined ? [] : neighbours.filter((n) => n.name !== own.name && setting((n.settings[integration] ?? {}) as Record<string, unknown>, key as string) === id && (n.tier === "production" || own.tier === "production"));
  const live = own.account === null ? [] : seen.filter((a) => a.integration === integration && a.environment !== own.name && a.account === digestOf(own.account as string) && (a.live === true || own.live === true || a.tier === "production" || own.tier === "production"));
  const names = [...new Set([...declared.map((n) => n.name), ...live.map((a) => a.environment)])];
  return names.length ? step("account", "invalid", "ACCOUNT_SHARED", `${names.join(", ")} and ${own.name} are on one live account`, "give every environment an account of its own: what is tried in one happens in the other") : null;
}
