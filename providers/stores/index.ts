import { systemClock } from "../../lib/clock.ts";
import type { Store as DeclaredStore } from "../../schemas/environment.ts";
import type { ProviderContext } from "../context.ts";
import { fail } from "../input.ts";
import type { Store } from "./contract.ts";
import { FileStore } from "./file.ts";

/** The store that an environment declares. Throws FindingError STORE_UNAVAILABLE where this build can't deliver there. */
export function openStore(context: ProviderContext, environment: string, declared: DeclaredStore): Store {
  switch (declared.kind) {
    case "file": return new FileStore(context.root, environment, context.env, context.clock ?? systemClock);
    case "aws": throw fail("STORE_UNAVAILABLE", "delivery to AWS Secrets Manager is not part of this build", environment);
    case "vault": throw fail("STORE_UNAVAILABLE", "delivery to Vault is not part of this build", environment);
  }
}
