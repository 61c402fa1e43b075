import { z } from "zod";
import { environmentSchema, paymentsSchema, PLANS, region } from "./environment.ts";
import { email, host, name, oneLine, url } from "./fields.ts";
import { personName } from "./people.ts";

export const HOSTS = ["github", "gitlab"] as const;
export type Host = (typeof HOSTS)[number];

const environment = z.strictObject({
  tier: z.enum(["development", "staging", "production"]),
  url,
  plan: z.enum(PLANS).default("starter"),
  store: environmentSchema.shape.store,
  alerts: z.array(email).min(1).optional(),
  integrations: environmentSchema.shape.integrations.optional(),
  payments: paymentsSchema.shape.stripe.optional().describe("Stripe's settings, for payments.yaml"),
});
const account = z.string().regex(/^\d{12}$/, "12 digits, in quotes");
/** The file that `stackseal init --config FILE` reads: everything that it would otherwise ask or assume. */
export const initSchema = z.strictObject({
  project: name.optional(),
  person: z.strictObject({
    name: personName.optional(),
    handle: oneLine.max(64).optional().describe("Name on the code host"),
    signingKey: z.string().min(1).optional().describe("An SSH key's file"),
    identity: z.string().min(1).optional().describe("An age identity's file"),
  }).optional(),
  domain: host.optional().describe("Of the platform: prod is https://DOMAIN, dev https://dev.DOMAIN"),
  accounts: z.strictObject({ dev: account.optional(), staging: account.optional(), prod: account.optional() }).optional().describe("The AWS accounts of dev, staging and prod"),
  region: region.optional().describe("Of AWS; eu-west-1 where absent"),
  vault: url.optional().describe("Keep the values in this HashiCorp Vault, not in AWS"),
  email: email.optional().describe("Whom to alert"),
  environments: z.record(name, environment).optional().describe("Other environments than dev, staging and prod; then each says its own address, store and alerts"),
  hosts: z.array(z.enum(HOSTS)).optional(),
  import: z.array(z.strictObject({ file: z.string().min(1), environment: name })).optional(),
});
export type InitConfig = z.infer<typeof initSchema>;
export type InitEnvironment = z.infer<typeof environment>;
