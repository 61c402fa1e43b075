import type { CheckFailure, Provider } from "../../lib/provider.ts";
import type { Props } from "../../lib/pulumi-value.ts";
import { onThisMachine } from "../../schemas/fields.ts";
import type { ProviderContext } from "../context.ts";
import { Sealed } from "../declared.ts";
import { failure } from "../input.ts";
import { providerOf } from "../resource.ts";
import schema from "./schema.json" with { type: "json" };
import { WebhookEndpoint } from "./webhook-endpoint.ts";

/** The provider `stripe`: webhook endpoints whose signing secret goes straight to the declared store. One instance serves one deployment. */
export function stripeProvider(context: ProviderContext): Provider {
  const sealed = new Sealed(context);
  const aborter = new AbortController();
  const endpoint = new WebhookEndpoint(context, sealed, aborter.signal);
  return providerOf({
    schema,
    resources: [endpoint],
    checkConfig: (news) => configFailures(news),
    configure: (inputs) => {
      endpoint.apiBase = typeof inputs["apiBase"] === "string" && configFailures(inputs).length === 0 ? inputs["apiBase"] : undefined;
      endpoint.account = typeof inputs["account"] === "string" ? inputs["account"] : undefined;
    },
    cancel: () => { aborter.abort(); },
    close: () => { sealed.close(); },
  });
}
function configFailures(news: Props): CheckFailure[] {
  const { apiBase, account } = news;
  return [
    ...(apiBase !== undefined && apiBase !== "sandbox" && !(typeof apiBase === "string" && onThisMachine(apiBase)) ? [failure("apiBase", "STRIPE_ADDRESS", "Stripe's address may only be changed to one of this machine")] : []),
    ...(account !== undefined && !(typeof account === "string" && /^acct_[A-Za-z0-9]{1,64}$/.test(account)) ? [failure("account", "PROVIDER_CONFIG", "must be the id of a connected account")] : []),
  ];
}
