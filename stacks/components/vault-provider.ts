import * as vault from "@pulumi/vault/provider.js";
import type { Declared } from "../read.ts";

/** The Vault provider of an environment: its address and namespace. The token comes from VAULT_TOKEN at run time, and stands in no property. */
export function vaultProvider(d: Declared): vault.Provider | null {
  const s = d.environment.store;
  if (s.kind !== "vault") return null;
  // No child token: who deploys the foundation has a short-lived one already, and needs no right to make more.
  return new vault.Provider("vault", { address: s.address, skipChildToken: true, ...(s.namespace !== undefined && { namespace: s.namespace }) });
}
