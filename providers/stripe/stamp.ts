import { createHash } from "node:crypto";
import type { Props } from "../../lib/pulumi-value.ts";
import { sha256 } from "../../lib/sha256.ts";
import type { Site } from "../urn.ts";
import { map } from "../values.ts";
import type { StripeClient, StripeEndpoint } from "./client.ts";

// Whose an endpoint at Stripe is: its stamp in the metadata, and what the store knows it by.

/** Metadata keys that say whose an endpoint is. */
export const STAMP = ["managed_by", "stack", "name", "generation"] as const;
/** Ids of endpoints in whose place a rotation made this one, the newest last: a state that still names one of them finds its way. */
export const REPLACES = "replaces";
export type Stamp = Readonly<Record<(typeof STAMP)[number], string>>;

/** The store's version id of a signing secret: who sees it knows which endpoint it belongs to, and nothing of the secret. */
export const endpointVersion = (endpointId: string): string => sha256(`stackseal-endpoint-1\n${endpointId}`);
/** Of a minted secret (some 190 random bits): tells whether the store still has the one that Stripe showed. */
export const secretFingerprint = (endpointId: string, secret: string): string => `s1:${createHash("sha256").update(`stackseal-signing-secret-1\n${endpointId}\n${secret}`).digest().subarray(0, 16).toString("base64url")}`;
/** What only a new endpoint can change. Two endpoints of one resource during a replacement differ in it. */
const generationOf = (p: Props): string => sha256(JSON.stringify([p["apiVersion"] ?? null, p["connect"] === true, map(p["signingSecretTo"])["store"] ?? null, map(p["signingSecretTo"])["secretId"] ?? null, map(p["signingSecretTo"])["key"] ?? null])).slice(0, 16);
export const stampOf = (site: Site, p: Props): Stamp => ({ managed_by: "stackseal", stack: `${site.project}/${site.stack}`, name: site.name, generation: generationOf(p) });
export const isOurs = (e: StripeEndpoint, stamp: Stamp): boolean => (["managed_by", "stack", "name"] as const).every((k) => e.metadata[k] === stamp[k]);
/** Our own keys in an endpoint's metadata. */
export const OURS = STAMP.length + 1;
export const reserved = (k: string): boolean => k === REPLACES || (STAMP as readonly string[]).includes(k);

/** The endpoint of a state's id; where a rotation replaced it since, the one in its place. Null where there is neither. */
export async function located(stripe: StripeClient, id: string, stamp: Stamp): Promise<StripeEndpoint | null> {
  return (await stripe.retrieve(id)) ?? (await stripe.list()).find((e) => isOurs(e, stamp) && (e.metadata[REPLACES] ?? "").split(",").includes(id)) ?? null;
}
