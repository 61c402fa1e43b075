import { z } from "zod";
import { parseDate } from "../lib/clock.ts";
import { personName } from "./people.ts";

/** An exception is never longer than this from the day it is judged. */
export const EXCEPTION_DAYS = 90;
export const EXCEPTIONS_FILE = "policies/exceptions.yaml";

const common = {
  rule: z.string().regex(/^[a-z][a-z0-9-]*$/, "a rule's id: stackseal policies lists them"),
  reason: z.string().max(500).regex(/^(?=.*\p{L}{3})\S.{8,}\S$/u, "one line of at least ten characters that say why").describe("Why the rule can't be kept here"),
  owner: personName.describe("Who answers for it: a person of people.yaml, not the author of the change"),
  expires: z.string().regex(/^\d{4}-\d{2}-\d{2}$/, "a date, YYYY-MM-DD, in quotes").refine((d) => parseDate(d) !== null, "a day that the calendar has").describe(`The last day, at most ${EXCEPTION_DAYS} days ahead`),
  link: z.url({ protocol: /^https$/, error: "an https link to the review" }).describe("Where it was reviewed"),
};
/** One of `resource` (a URN) and `path` (a file, and the key in it after `#`). */
export const exceptionSchema = z.strictObject({ ...common, resource: z.string().min(1).max(500).optional(), path: z.string().min(1).max(500).optional() })
  .refine((e) => (e.resource === undefined) !== (e.path === undefined), "names either a resource (its URN) or a path (stacks/prod/environment.yaml#integrations.smtp)");
/** `policies/exceptions.yaml`: what is let through, why, by whom and until when. */
export const exceptionsSchema = z.strictObject({ exceptions: z.array(exceptionSchema).max(200) });
export type Exception = z.infer<typeof exceptionSchema>;
