import { daysBetween, parseDate } from "../../lib/clock.ts";
import type { SecretClass } from "../../schemas/access.ts";
import type { Claims } from "../../schemas/claims.ts";
import type { Declared } from "../../stacks/read.ts";

export const CREDENTIAL_CHANGES = ["added", "re-issued", "re-sealed", "claims changed", "recipients changed", "removed"] as const;
export type CredentialChangeKind = (typeof CREDENTIAL_CHANGES)[number];

/** What of a credential is public: no value is among it. */
export interface PublicCredential {
  readonly path: string;
  readonly kind: string;
  readonly class: SecretClass;
  readonly claims: Claims;
  readonly leaf: string;
  readonly recipients: readonly string[];
}
export interface CredentialChange {
  readonly path: string;
  readonly change: CredentialChangeKind;
  readonly kind: string;
  readonly class: SecretClass;
  readonly ageDays: number;
}

export const publicCredentials = (d: Declared): PublicCredential[] =>
  d.credentials.map((c) => ({ path: c.path, kind: c.kind, class: c.spec.class, claims: c.claims, leaf: c.leaf, recipients: [...c.recipients].sort() }));

/** What happened to each credential between two sides; one credential may have several changes. `old` null means that everything is new. */
export function credentialChanges(old: readonly PublicCredential[] | null, now: readonly PublicCredential[], at: Date): CredentialChange[] {
  const before = new Map((old ?? []).map((c) => [c.path, c]));
  const after = new Set(now.map((c) => c.path));
  const entry = (c: PublicCredential, change: CredentialChangeKind): CredentialChange => ({ path: c.path, change, kind: c.kind, class: c.class, ageDays: Math.max(0, daysBetween(parseDate(c.claims.issuedAt) ?? at, at)) });
  return [
    ...now.flatMap((c) => { const b = before.get(c.path); return (b ? between(b, c) : (["added"] as const)).map((k) => entry(c, k)); }),
    ...(old ?? []).filter((c) => !after.has(c.path)).map((c) => entry(c, "removed")),
  ];
}
function between(a: PublicCredential, b: PublicCredential): CredentialChangeKind[] {
  const recipients: CredentialChangeKind[] = a.recipients.join() === b.recipients.join() ? [] : ["recipients changed"];
  if (a.claims.issueId !== b.claims.issueId) return ["re-issued", ...recipients];
  const { signature: sa, ...ca } = a.claims;
  const { signature: sb, ...cb } = b.claims;
  const resealed = a.leaf !== b.leaf;
  // Who re-seals signs anew: a new signature says nothing more there.
  const claims = JSON.stringify(Object.entries(ca).sort()) !== JSON.stringify(Object.entries(cb).sort()) || (!resealed && sa !== sb);
  return [...(resealed ? (["re-sealed"] as const) : []), ...(claims ? (["claims changed"] as const) : []), ...recipients];
}
