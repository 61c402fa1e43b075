import { createHash } from "node:crypto";
import { z } from "zod";
import { alertRules, alertTopics } from "./alerts.ts";
import type { Place } from "./iam/place.ts";

// stacks/canaries/<env>.yaml: that a read of a payment secret was heard of, by which way and how fast.

export const CANARIES_DIR = "stacks/canaries";
export const canaryFile = (environment: string): string => `${CANARIES_DIR}/${environment}.yaml`;
/** What the canary waits for. */
export const CANARY_RULE = "payment-read-unusual";
const instant = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/, "an instant in UTC");
export const canarySchema = z.strictObject({
  environment: z.string().min(1).max(64),
  alerts: z.string().regex(/^sha256:[0-9a-f]{64}$/).describe("Digest of the rules and topics that were tried: others want a new canary"),
  heard: z.array(z.strictObject({
    region: z.string(), rule: z.string(), topic: z.string(), secret: z.string(), by: z.string().describe("Who read"),
    readAt: instant, arrivedAt: instant, seconds: z.number().min(0),
  })).min(1),
});
export type Canary = z.infer<typeof canarySchema>;
/** What a canary proves: the rules, where they publish, to which topics. */
export const alertsDigest = (p: Place): string => `sha256:${createHash("sha256").update(JSON.stringify(["stackseal-alerts-v1", p.accountId, alertRules(p), alertTopics(p)])).digest("hex")}`;
