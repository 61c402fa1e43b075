import type { Clock } from "../lib/clock.ts";
import type { SecretClass } from "../schemas/access.ts";
import type { Unsealed } from "../seal/deploy.ts";

export type Env = Readonly<Record<string, string | undefined>>;
/** Opens an environment's sealed file of a class in memory: MAC, signatures and claims proven. Throws FindingError. */
export type Open = (root: string, environment: string, cls: SecretClass, env: Env) => Promise<Unsealed>;

/** Everything that a provider may know of the outside. */
export interface ProviderContext {
  /** The project's root, absolute. */
  readonly root: string;
  readonly env: Env;
  /** Where the sandbox's Stripe listens; otherwise STACKSEAL_STRIPE_SANDBOX or a running sandbox's own file tells. */
  readonly stripeSandbox?: string;
  /** Of the system where absent. */
  readonly clock?: Clock;
  /** `openForDeploy` where absent. */
  readonly open?: Open;
  /** Store secrets that may go back to an older issue in this run: `stackseal rollback`. */
  readonly rollback?: readonly string[];
}
