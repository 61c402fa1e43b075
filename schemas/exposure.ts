import { z } from "zod";
import { TIERS, type SecretClass, type Tier } from "./access.ts";
import { FINGERPRINT, ISSUE_ID } from "./claims.ts";
import { personName } from "./people.ts";

// stacks/exposures/<date>-<id>.yaml: what a leaver, or a stolen key, could know, and what of it is still in force.

export const EXPOSURES_DIR = "stacks/exposures";
const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);

/** `git`: a sealed version that the keys open. `store`: readable from the run-time store. `guess`: human-chosen, fingerprinted under a pepper that was held. */
export const VIAS = ["git", "store", "guess"] as const;
export type Via = (typeof VIAS)[number];

const value = {
  environment: z.string().min(1).max(64),
  path: z.string().min(1).max(200).describe("Dotted path of the credential"),
  kind: z.string().max(100).optional(),
  class: z.enum(["standard", "payments"]),
  tier: z.enum(TIERS).optional(),
  issueId: z.string().regex(ISSUE_ID).optional().describe("Absent for a value that carried no claims, or lives in the store alone"),
  fingerprint: z.string().regex(FINGERPRINT).optional(),
  via: z.array(z.enum(VIAS)).min(1),
};
export const exposureLineSchema = z.strictObject({
  ...value,
  due: day,
  rotate: z.string().max(300).describe("The command that issues it anew"),
  revoked: z.strictObject({ on: day, by: personName, evidence: z.string().min(1).max(500) }).optional().describe("For what no new issue can close: withdrawn at the provider"),
});
export const exposureSchema = z.strictObject({
  id: z.string().regex(/^\d{4}-\d{2}-\d{2}-[a-z0-9-]{1,80}$/),
  reason: z.enum(["departure", "compromise"]),
  subject: z.string().max(80).describe("A name that stood in people.yaml, or unknown"),
  recipients: z.array(z.string().regex(/^age1[02-9ac-hj-np-z]{58}$/)),
  on: day,
  by: z.string().max(64),
  commit: z.string().regex(/^[0-9a-f]{40,64}$/).optional().describe("Where history was read"),
  lines: z.array(exposureLineSchema).describe("In force on that day: each closes when the issue id is new and the fingerprint another"),
  past: z.array(z.strictObject(value)).describe("No longer in force on that day; may not come back"),
  also: z.strictObject({
    backups: z.array(z.string().max(300)),
    dashboards: z.array(z.string().max(300)),
    refs: z.array(z.string().max(300)).describe("Refs not merged into the branch at hand: sealed values there are exposed too"),
  }),
});
export type Exposure = z.infer<typeof exposureSchema>;
export type ExposureLine = z.infer<typeof exposureLineSchema>;
export type ExposedValue = Exposure["past"][number];

/** Days until a line is due. */
export const EXPOSURE_DAYS: Readonly<Record<SecretClass, Readonly<Record<Tier, number>>>> = {
  payments: { production: 1, staging: 7, development: 7, local: 30 },
  standard: { production: 7, staging: 14, development: 30, local: 30 },
};
/** Order of work: payments first, then by tier from production down. */
export const exposureRank = (cls: SecretClass, tier: Tier | undefined): number => (cls === "payments" ? 0 : 10) + (tier === undefined ? 9 : TIERS.length - TIERS.indexOf(tier));
