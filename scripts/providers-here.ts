import type { Provider } from "../lib/provider.ts";
import type { ProviderContext } from "../providers/context.ts";
import { loopback } from "../schemas/fields.ts";
import type { Declared } from "../stacks/read.ts";

/** The providers that deploy an environment on this machine: our own, and for an emulator or a Vault on loopback the sandbox's. Null for every other package. */
export async function providersHere(d: Declared, context: ProviderContext): Promise<(pkg: string) => Provider | null> {
  const { providerFor } = await import("../providers/index.ts");
  const store = d.environment.store;
  const aws = store.kind === "aws" && store.endpoint !== undefined ? (await import("../sandbox/aws/index.ts")).sandboxAws : null;
  const vault = store.kind === "vault" && loopback(new URL(store.address).hostname) ? (await import("../sandbox/vault-plugin.ts")).sandboxVault : null;
  return (pkg) => (pkg === "aws" && aws ? aws(context.env) : pkg === "vault" && vault ? vault(context.env) : providerFor(pkg, context));
}
