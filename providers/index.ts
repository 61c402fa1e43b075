import type { Provider } from "../lib/provider.ts";
import type { ProviderContext } from "./context.ts";
import { stacksealProvider } from "./stackseal/index.ts";
import { stripeProvider } from "./stripe/index.ts";

/** The in-process provider of a package; null where it isn't ours. One instance serves one deployment: close it afterwards. */
export function providerFor(pkg: string, context: ProviderContext): Provider | null {
  if (pkg === "stripe") return stripeProvider(context);
  return pkg === "stackseal" ? stacksealProvider(context) : null;
}
