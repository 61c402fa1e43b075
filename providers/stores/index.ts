import { systemClock } from "../../lib/clock.ts";
import type { Store as DeclaredStore } from "../../schemas/environment.ts";
import type { ProviderContext } from "../context.ts";
import { AwsStore } from "./aws.ts";
import type { Store } from "./contract.ts";
import { FileStore } from "./file.ts";
import { VaultStore } from "./vault.ts";

/** The store that an environment declares. Nothing is reached before the first call. */
export function openStore(context: ProviderContext, environment: string, declared: DeclaredStore): Store {
  switch (declared.kind) {
    case "file": return new FileStore(context.root, environment, context.env, context.clock ?? systemClock);
    case "aws": return new AwsStore(declared, context.env);
    case "vault": return new VaultStore(declared, context.env);
  }
}
