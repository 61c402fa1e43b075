import { createHash } from "node:crypto";
import { z } from "zod";
import type { Environment, Payments } from "./environment.ts";
import { personName, type Person } from "./people.ts";

// What no machine can see and a person vouches for: an SSH signature over subject, digest, date and evidence.

export const ATTESTATIONS_FILE = "stacks/attestations.yaml";
export const ATTESTATION_NAMESPACE = "stackseal-attestation";
/** Older ones count as overdue. */
export const ATTESTATION_DAYS = 90;
export const ATTESTATION_KINDS = ["second-factor", "review", "valid-in-staging"] as const;
export const REVIEWS = ["access", "dashboards", "provider-usage"] as const;

/**
 * Subjects: `person/<name>` and `accounts/<environment>` (second-factor), `access`, `dashboards`, `provider-usage` (review),
 * `<environment>` of tier production (valid-in-staging).
 */
export const attestationSchema = z.strictObject({
  kind: z.enum(ATTESTATION_KINDS),
  subject: z.string().regex(/^[a-z][a-z0-9/-]{0,120}$/, "person/NAME, accounts/ENVIRONMENT, an environment or a review's name"),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/, "sha256: and 64 hexadecimal digits"),
  attestedAt: z.string().regex(/^\d{4}-\d{2}-\d{2}$/, "a date, YYYY-MM-DD, in quotes"),
  by: personName.describe("Who vouches: another person than the subject"),
  evidence: z.string().min(3).max(500).describe("What was seen"),
  signature: z.string().max(4096).optional().describe("SSH signature of `by`: stackseal attest"),
});
export type Attestation = z.infer<typeof attestationSchema>;
/** `stacks/attestations.yaml`. */
export const attestationsSchema = z.strictObject({ attestations: z.array(attestationSchema).max(2000) });

/** The text that is signed. */
export const attestationText = (a: Omit<Attestation, "signature">): string => `${JSON.stringify(["stackseal-attestation-v1", a.kind, a.subject, a.digest, a.attestedAt, a.by, a.evidence])}\n`;

const digest = (value: unknown): string => `sha256:${createHash("sha256").update(JSON.stringify(value)).digest("hex")}`;
/** What is attested of a person: name, role, handle and keys. A new key wants a new attestation. */
export const personDigest = (name: string, p: Pick<Person, "role" | "handle" | "signing" | "recipients" | "openpgp">): string => digest(["person", name, p.role, p.handle ?? null, [...p.signing].sort(), [...p.recipients].sort(), ...(p.openpgp?.length ? [[...p.openpgp].sort()] : [])]);

const ACCOUNT: Readonly<Record<string, readonly string[]>> = {
  twilio: ["accountSid"], vapi: [], vonage: ["apiKey"], calcom: [], smtp: ["provider", "host", "username"], zapier: [], hubspot: ["portalId"], salesforce: ["domain"], pipedrive: ["companyDomain"], gohighlevel: ["locationId"],
};
/** Integrations with an account at a provider, and what tells the account: `twilio` → its account SID. */
export function accountsOf(e: Environment, p: Payments | null): Record<string, readonly unknown[]> {
  const own = e.integrations as Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;
  const out = Object.keys(ACCOUNT).flatMap((id): [string, readonly unknown[]][] => (own[id] ? [[id, (ACCOUNT[id] as readonly string[]).map((k) => own[id]?.[k] ?? null)]] : []));
  if (p) out.push(["stripe", [p.stripe.mode, p.stripe.publishableKey]]);
  if (e.store.kind === "aws") out.push(["aws", [e.store.accountId]]);
  return Object.fromEntries(out);
}
export const accountsDigest = (e: Environment, p: Payments | null): string => digest(["accounts", e.environment, accountsOf(e, p)]);

/** What an environment does, without what tells it from others (accounts, addresses, modes): equal for staging and production where the one tries the other. */
export function shapeOf(e: Environment, p: Payments | null): Record<string, unknown> {
  const hooks = e.integrations["outbound-webhooks"]?.endpoints ?? {};
  const zaps = e.integrations.zapier?.hooks ?? {};
  const events = (m: Readonly<Record<string, { readonly events: readonly string[] }>>): unknown => Object.keys(m).sort().map((n) => [n, [...(m[n]?.events ?? [])].sort()]);
  const own = Object.keys(e.integrations).filter((id) => (e.integrations as Record<string, unknown>)[id] !== undefined).sort();
  return {
    ...Object.fromEntries(own.map((id) => [id, id === "outbound-webhooks" ? events(hooks) : id === "zapier" ? events(zaps) : true])),
    ...(p && { stripe: Object.keys(p.stripe.webhooks).sort().map((n) => { const w = p.stripe.webhooks[n]; return [n, w?.path, w?.apiVersion, [...(w?.events ?? [])].sort(), w?.connect ?? false, w?.disabled ?? false]; }) }),
  };
}
export const shapeDigest = (e: Environment, p: Payments | null): string => digest(["shape", shapeOf(e, p)]);
