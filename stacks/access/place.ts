import type { SecretClass } from "../../schemas/access.ts";
import { integrations as registry } from "../../schemas/integrations/index.ts";
import type { Place } from "../../schemas/iam/place.ts";
import { signingSecretName, storeSecretName } from "../../schemas/layout.ts";
import { plainVariables } from "../../schemas/variables.ts";
import type { VaultSite } from "../../schemas/vault/site.ts";
import type { Declared } from "../read.ts";

/** The names of the store's secrets that an environment's declarations ask for, by class. */
function secretsOf(d: Declared): Readonly<Record<SecretClass, readonly string[]>> {
  const order = registry.map((i) => i.id);
  const used = (cls: SecretClass): string[] => [...new Set(d.expected.filter((e) => e.spec.class === cls).map((e) => e.integration))].sort((a, b) => order.indexOf(a) - order.indexOf(b));
  return {
    standard: used("standard").map((i) => storeSecretName(d.name, "standard", i)),
    payments: [...used("payments").map((i) => storeSecretName(d.name, "payments", i)), ...Object.keys(d.payments?.stripe.webhooks ?? {}).map((w) => signingSecretName(d.name, w))],
  };
}
/** The cloud account of an environment, as its access documents see it; null where its store isn't AWS. */
export function placeOf(d: Declared, project: string): Place | null {
  const s = d.environment.store;
  if (s.kind !== "aws") return null;
  return {
    environment: d.name, tier: d.tier, accountId: s.accountId, region: s.region, replicas: s.replicas ?? [], project,
    deployment: d.environment.deployment ?? null, secrets: secretsOf(d),
    settings: { standard: Object.keys(plainVariables(d.environment.integrations)), payments: d.payments ? Object.keys(plainVariables({ stripe: d.payments.stripe })) : [] },
  };
}
/** The Vault of an environment, as its policies see it; null where its store is another. */
export function vaultSiteOf(d: Declared): VaultSite | null {
  const s = d.environment.store;
  return s.kind === "vault" ? { environment: d.name, tier: d.tier, mount: s.mount, secrets: secretsOf(d), deployment: d.environment.deployment ?? null } : null;
}
