import { z } from "zod";
import { attestationsSchema } from "../schemas/attestations.ts";
import { exceptionsSchema } from "../schemas/exceptions.ts";
import { claimsSchema } from "../schemas/claims.ts";
import { environmentSchema, paymentsSchema } from "../schemas/environment.ts";
import { recordSchema } from "../schemas/rotation-record.ts";
import { backupPlanSchema, backupRecordSchema, drillRecordSchema } from "../schemas/backup.ts";
import { canarySchema } from "../schemas/canary.ts";
import { exposureSchema } from "../schemas/exposure.ts";
import { reviewSchema } from "../schemas/review.ts";
import { rollbackSchema } from "../schemas/rollback.ts";
import { initSchema } from "../schemas/init.ts";
import { peopleSchema } from "../schemas/people.ts";
import { OUTPUTS } from "../schemas/outputs.ts";
import facts from "../schemas/stripe-facts.json" with { type: "json" };

/** The JSON Schemas that editors and other programs read, from the same zod source. */
export function jsonSchemas(): Record<string, unknown> {
  const make = (schema: z.ZodType, title: string): Record<string, unknown> => ({ ...(z.toJSONSchema(schema, { target: "draft-7", io: "input", unrepresentable: "any" }) as Record<string, unknown>), title });
  const payments = make(paymentsSchema, "stackseal payments.yaml");
  // The events' names are too many for the zod schema's messages; editors complete them.
  const stripe = (payments as { properties: { stripe: { properties: { webhooks: { additionalProperties: { properties: { events: { items: unknown } } } } } } } }).properties.stripe;
  stripe.properties.webhooks.additionalProperties.properties.events.items = { type: "string", enum: facts.events };
  return {
    environment: make(environmentSchema, "stackseal environment.yaml"),
    payments,
    people: make(peopleSchema, "stackseal people.yaml"),
    init: make(initSchema, "stackseal init --config"),
    rotation: make(recordSchema, "stackseal rotations/<id>.yaml"),
    rollback: make(rollbackSchema, "stackseal reviewed rollback"),
    review: make(reviewSchema, "stackseal access review"),
    "backup-plan": make(backupPlanSchema, "stackseal backup.yaml"),
    "backup-record": make(backupRecordSchema, "record of a backup"),
    "drill-record": make(drillRecordSchema, "record of a drill"),
    canary: make(canarySchema, "record of an alert that arrived"),
    exposure: make(exposureSchema, "stackseal exposure list"),
    exceptions: make(exceptionsSchema, "stackseal exceptions.yaml"),
    attestations: make(attestationsSchema, "stackseal attestations.yaml"),
    claims: make(claimsSchema, "claims beside a sealed value"),
    ...Object.fromEntries(Object.entries(OUTPUTS).map(([name, schema]) => [`output-${name}`, make(schema, `stackseal ${name} --json`)])),
  };
}
