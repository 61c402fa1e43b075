import { z } from "zod";
import { ROLES, TIERS } from "./access.ts";
import { personName } from "./people.ts";

// stacks/reviews/<date>.yaml: who may what, to be signed off line by line.

export const REVIEWS_DIR = "stacks/reviews";
const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);
export const reviewLineSchema = z.strictObject({
  name: personName,
  role: z.enum(ROLES),
  tiers: z.array(z.enum(TIERS)),
  may: z.array(z.string().max(200)).describe("What the access matrix gives them"),
  opens: z.array(z.string().max(200)).describe("Sealed files that they are recipients of now"),
  notes: z.array(z.string().max(300)).describe("What the reviewer should look at"),
  decision: z.enum(["keep", "remove", ""]).describe("keep or remove"),
  reason: z.string().max(500),
  reviewedBy: z.union([personName, z.literal("")]),
});
export const reviewSchema = z.strictObject({
  on: day,
  by: z.string().max(64),
  since: z.union([day, z.literal("")]).describe("The former review"),
  changes: z.array(z.string().max(300)).describe("Changes of people since the former review"),
  codeOwners: z.array(z.string().max(300)),
  reviewers: z.array(z.string().max(300)),
  lines: z.array(reviewLineSchema),
});
export type Review = z.infer<typeof reviewSchema>;
export type ReviewLine = z.infer<typeof reviewLineSchema>;
