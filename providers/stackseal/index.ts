import type { Provider } from "../../lib/provider.ts";
import type { ProviderContext } from "../context.ts";
import { Sealed } from "../declared.ts";
import { providerOf } from "../resource.ts";
import schema from "./schema.json" with { type: "json" };
import { SealedVersion } from "./sealed-version.ts";

/** The provider `stackseal`: delivers sealed credentials to the declared store. One instance serves one deployment. */
export function stacksealProvider(context: ProviderContext): Provider {
  const sealed = new Sealed(context);
  return providerOf({ schema, resources: [new SealedVersion(context, sealed)], close: () => { sealed.close(); } });
}
