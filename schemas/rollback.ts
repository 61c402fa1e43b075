import { z } from "zod";
import { ISSUE_ID } from "./claims.ts";
import { personName } from "./people.ts";

// stacks/rollbacks/<issueId>.yaml: a retired issue may come back, because a second person says so.

export const ROLLBACKS_DIR = "stacks/rollbacks";
export const ROLLBACK_NAMESPACE = "stackseal-rollback";
export const rollbackSchema = z.strictObject({
  issueId: z.string().regex(ISSUE_ID),
  environment: z.string().min(1).max(64),
  path: z.string().min(1).max(200),
  reason: z.string().min(1).max(500),
  by: personName.describe("Another person than the one who sealed it, whom the matrix lets seal it"),
  on: z.string().regex(/^\d{4}-\d{2}-\d{2}$/),
  signature: z.string().min(1).max(4096).describe("SSH signature over the other fields"),
});
export type Rollback = z.infer<typeof rollbackSchema>;
/** The text that is signed. */
export const rollbackText = (r: Omit<Rollback, "signature">): string => `${JSON.stringify(["stackseal-rollback-v1", r.issueId, r.environment, r.path, r.reason, r.by, r.on])}\n`;
