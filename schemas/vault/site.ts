import type { Role, SecretClass, Tier } from "../access.ts";
import type { Deployment } from "../deployment.ts";

/** Everything that an environment's Vault policies and logins are derived from, besides the matrix. */
export interface VaultSite {
  readonly environment: string;
  readonly tier: Tier;
  readonly mount: string;
  /** Names of the store's secrets by class. */
  readonly secrets: Readonly<Record<SecretClass, readonly string[]>>;
  /** Where deployments are started from; null where environment.yaml doesn't say, and then no job may log in. */
  readonly deployment: Deployment | null;
}
export const vaultPolicyName = (environment: string, role: Role): string => `stackseal-${environment}-${role}`;
/** Where the environment's JWT login is mounted, below `auth/`. */
export const jwtPath = (environment: string): string => `stackseal-${environment}`;
/** What a job's token must be made for. */
export const VAULT_AUDIENCE = "stackseal-vault";
