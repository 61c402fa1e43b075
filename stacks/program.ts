import type * as pulumi from "@pulumi/pulumi";
import type { SecretClass } from "../schemas/access.ts";
import { plainVariables } from "../schemas/variables.ts";
import { SecretStore } from "./components/secret-store.ts";
import { Settings } from "./components/settings.ts";
import { StripeWebhook } from "./components/stripe-webhooks.ts";
import type { Declared } from "./read.ts";

export type Outputs = Record<string, pulumi.Input<unknown>>;

/** Declares the resources of one stack of an environment. No effect at import; never decrypts; outputs are names and version ids. */
export function program(d: Declared, part: SecretClass): Outputs {
  const versions: Record<string, pulumi.Output<string>> = {};
  const byIntegration = new Map<string, Declared["credentials"][number][]>();
  for (const c of d.credentials.filter((x) => x.spec.class === part)) byIntegration.set(c.integration, [...(byIntegration.get(c.integration) ?? []), c]);
  for (const [id, credentials] of byIntegration) versions[id] = new SecretStore(id, d, part, credentials).versionId;
  const settings = part === "standard" ? d.environment.integrations : d.payments ? { stripe: d.payments.stripe } : {};
  if (d.environment.store.kind === "aws") for (const [id, variables] of Object.entries(plainVariables(settings))) new Settings(id, d, variables);
  if (part === "standard" || !d.payments) return { environment: d.name, versions };
  const apiKey = d.credentials.find((c) => c.kind === "stripe.secretKey");
  const endpoints: Record<string, unknown> = {};
  if (apiKey) for (const [name, w] of Object.entries(d.payments.stripe.webhooks)) {
    const endpoint = new StripeWebhook(name, d, w, apiKey);
    endpoints[name] = { id: endpoint.endpointId, signingSecretVersion: endpoint.signingSecretVersion };
  }
  return { environment: d.name, versions, endpoints };
}
