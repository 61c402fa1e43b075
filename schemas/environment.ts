import { z } from "zod";
import { TIERS } from "./access.ts";
import { deploymentSchema } from "./deployment.ts";
import { email, name, oneLine, url } from "./fields.ts";
import { calcom } from "./integrations/calcom.ts";
import { gohighlevel } from "./integrations/gohighlevel.ts";
import { hubspot } from "./integrations/hubspot.ts";
import { outboundWebhooks } from "./integrations/outbound-webhooks.ts";
import { pipedrive } from "./integrations/pipedrive.ts";
import { salesforce } from "./integrations/salesforce.ts";
import { smtp } from "./integrations/smtp.ts";
import { twilio } from "./integrations/twilio.ts";
import { vapi } from "./integrations/vapi.ts";
import { vonage } from "./integrations/vonage.ts";
import { zapier } from "./integrations/zapier.ts";
import { stripe } from "./integrations/stripe.ts";

export const PLANS = ["starter", "pro", "agency"] as const;
export const SCHEDULES = { quarterly: 90, annually: 365 } as const;
const schedule = z.enum(["quarterly", "annually"]);
export const region = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "an AWS region such as eu-west-1");

const vaultAudit = z.union([z.literal("operator").describe("Its operator keeps one that this namespace can't see"), z.strictObject({ type: z.enum(["file", "socket", "syslog"]), path: z.string().regex(/^[a-z0-9][a-z0-9_-]*$/).optional(), options: z.record(z.string(), z.string()).describe("Such as file_path") })])
  .describe("The audit device that the foundation stack enables; absent where the Vault has one already: without any, nothing is delivered");

const store = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("aws"), accountId: z.string().regex(/^\d{12}$/, "12 digits, in quotes"), region, endpoint: z.string().optional().describe("An emulator's address; loopback only"), replicas: z.array(region).optional() }),
  z.strictObject({ kind: z.literal("vault"), address: url, mount: z.string().regex(/^[a-z0-9][a-z0-9/_-]*$/), namespace: z.string().optional(), existingMount: z.boolean().optional().describe("The mount is there and somebody else's: the foundation stack leaves it alone"), audit: vaultAudit.optional() }),
  z.strictObject({ kind: z.literal("file") }),
]);

/** `stacks/<env>/environment.yaml`: everything plain of an environment save Stripe's settings. */
export const environmentSchema = z.strictObject({
  environment: name,
  tier: z.enum(TIERS),
  platform: z.strictObject({ url, plan: z.enum(PLANS), name: oneLine.optional() }),
  store,
  deployment: deploymentSchema.optional(),
  alerts: z.strictObject({ email: z.array(email).min(1), https: z.array(url).optional() }).optional(),
  integrations: z.strictObject({
    twilio: twilio.settings.optional(),
    vapi: vapi.settings.optional(),
    vonage: vonage.settings.optional(),
    calcom: calcom.settings.optional(),
    smtp: smtp.settings.optional(),
    "outbound-webhooks": outboundWebhooks.settings.optional(),
    zapier: zapier.settings.optional(),
    hubspot: hubspot.settings.optional(),
    salesforce: salesforce.settings.optional(),
    pipedrive: pipedrive.settings.optional(),
    gohighlevel: gohighlevel.settings.optional(),
  }),
  rotation: z.strictObject({
    standard: schedule,
    unattended: z.array(z.string().regex(/^[a-z][a-z0-9-]*\.[a-z][A-Za-z0-9]*$/, "a kind such as twilio.authToken")).optional().describe("Kinds that the rotator's machine may rotate"),
    quiet: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/, "hours in UTC such as 02:00-05:00").optional().describe("When a credential without overlap may be cut over, in UTC"),
  }).optional(),
});
export type Environment = z.infer<typeof environmentSchema>;
export type Store = Environment["store"];

/** `stacks/<env>/payments.yaml`: all of Stripe's settings; Super Admins own it. */
export const paymentsSchema = z.strictObject({ environment: name, rotation: z.strictObject({ payments: schedule }).optional(), stripe: stripe.settings });
export type Payments = z.infer<typeof paymentsSchema>;
