import { z } from "zod";

export const MODES = ["test", "live"] as const;
export type Mode = (typeof MODES)[number];
export const REASONS = ["initial", "scheduled", "compromise", "departure"] as const;
export type Reason = (typeof REASONS)[number];

/** Crockford base32 ULID, as in `01JD…`: random, so that it tells nothing of the value. */
export const ISSUE_ID = /^[0-9A-HJKMNP-TV-Z]{26}$/;
/** `gN:` generated values, `hN:` values a person may have chosen; 16 bytes base64url; N is the pepper's generation (0: the throwaway one of `local`). */
export const FINGERPRINT = /^[gh](0|[1-9]\d{0,5}):[A-Za-z0-9_-]{22}$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** The public claims beside every sealed value: a closed schema, in the order in which they are written. */
export const claimsSchema = z.strictObject({
  kind: z.string().regex(/^[a-z][a-z0-9-]*\.[a-z][A-Za-z0-9]*$/).describe("Declared kind: integration and secret, such as stripe.secretKey"),
  mode: z.enum(MODES).optional().describe("Test or live, where the value shows it"),
  issueId: z.string().regex(ISSUE_ID).describe("Random; new only when the value is new, kept by a re-seal"),
  fingerprint: z.string().regex(FINGERPRINT).describe("Keyed digest of the value; equal values are seen as equal without a key"),
  issuedAt: z.string().regex(DATE).describe("The day the value was issued, YYYY-MM-DD"),
  maxAgeDays: z.int().min(1).max(366).describe("Due that many days after issuedAt"),
  reason: z.enum(REASONS).describe("Why the value was set"),
  sealedBy: z.string().min(1).max(64).describe("Who sealed it: a name in people.yaml"),
  signature: z.string().min(1).max(2048).optional().describe("SSH signature of the writer over environment, path, claims and the ciphertext leaf"),
});
export type Claims = z.infer<typeof claimsSchema>;
