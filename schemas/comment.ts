import { z } from "zod";
import { CLASSES, ROLES, TIERS, VERBS } from "./access.ts";

// What the comment on a pull request is made of: the only fields that can get there. A job without rights writes it, and another one, which may
// comment, reads it as this and nothing else: whoever wrote the file could have written anything.

const text = z.string().max(20_000);
const count = z.int().min(0).max(1_000_000);
const rows = <T extends z.ZodType>(row: T): z.ZodArray<T> => z.array(row).max(20_000);
/** Steps of an engine; a fixed list, since the comment shows the word as it is. */
const OPS = ["same", "create", "update", "replace", "create-replacement", "delete-replaced", "delete", "read", "read-replacement", "discard", "discard-replaced", "refresh", "import", "import-replacement", "remove-pending-replace"] as const;
export const CHANGES = ["added", "re-issued", "re-sealed", "claims changed", "recipients changed", "removed"] as const;

export const commentSchema = z.strictObject({
  version: z.literal(1),
  ok: z.boolean(),
  compared: text,
  environments: z.array(z.strictObject({
    name: text, tier: text, summary: z.strictObject({ create: count, update: count, replace: count, delete: count, same: count }),
    steps: rows(z.strictObject({ op: z.enum(OPS), urn: text, diff: z.array(text).max(1000) })),
    credentials: rows(z.strictObject({ path: text, change: z.enum(CHANGES), kind: text, class: z.enum(["standard", "payments"]), ageDays: z.int() })),
    violations: rows(z.strictObject({ policy: text, level: text, urn: text, message: text, place: text })),
  })).max(1000),
  access: rows(z.strictObject({ who: text, role: z.enum(ROLES), change: z.enum(["gains", "loses"]), tier: z.enum(TIERS), class: z.enum(CLASSES), verbs: z.array(z.enum(VERBS)) })),
  findings: rows(z.strictObject({ code: text, severity: z.enum(["error", "warning", "info"]), message: text, at: z.strictObject({ file: text, line: z.int(), column: z.int() }).optional(), path: text.optional(), hint: text.optional() })),
  exceptions: rows(z.strictObject({ rule: text, where: text, owner: text, expires: text })),
  exposures: rows(z.strictObject({ exposure: text, subject: text, environment: text, path: text, due: text })),
  digest: text,
  approval: text,
  needsSuperAdmin: z.boolean(),
  reproduce: text,
});
export type CommentDocument = z.infer<typeof commentSchema>;
