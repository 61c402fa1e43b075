import * as pulumi from "@pulumi/pulumi";
import { stackName, type StackPart } from "../schemas/layout.ts";
import { plainVariables } from "../schemas/variables.ts";
import { placeOf, vaultSiteOf } from "./access/place.ts";
import { awsProvider } from "./components/aws-provider.ts";
import { DueSchedules, type Reminding } from "./components/due-schedules.ts";
import { SecretStore } from "./components/secret-store.ts";
import { Settings } from "./components/settings.ts";
import { StripeWebhook } from "./components/stripe-webhooks.ts";
import { foundation } from "./foundation.ts";
import type { Declared } from "./read.ts";
import { vaultFoundation } from "./vault-foundation.ts";

export type Outputs = Record<string, pulumi.Input<unknown>>;

/** Declares the resources of one stack of an environment. No effect at import; never decrypts; outputs are names and version ids. */
export function program(d: Declared, part: StackPart): Outputs {
  if (part === "foundation") {
    const [place, site] = [placeOf(d, pulumi.getProject()), vaultSiteOf(d)];
    return place ? foundation(d, place) : site ? vaultFoundation(d, site) : { environment: d.name };
  }
  const aws = awsProvider(d);
  const opts: pulumi.ComponentResourceOptions = aws ? { providers: { aws } } : {};
  const versions: Record<string, pulumi.Output<string>> = {};
  const byIntegration = new Map<string, Declared["credentials"][number][]>();
  const own = d.credentials.filter((x) => x.spec.class === part);
  for (const c of own) byIntegration.set(c.integration, [...(byIntegration.get(c.integration) ?? []), c]);
  for (const [id, credentials] of byIntegration) versions[id] = new SecretStore(id, d, part, credentials, opts).versionId;
  const settings = part === "standard" ? d.environment.integrations : d.payments ? { stripe: d.payments.stripe } : {};
  if (aws) {
    for (const [id, variables] of Object.entries(plainVariables(settings))) new Settings(id, d, variables, opts);
    new DueSchedules(d, part, own, foundationOf(d), opts);
  }
  if (part === "standard" || !d.payments) return { environment: d.name, versions };
  return { environment: d.name, versions, endpoints: endpoints(d, d.payments, opts) };
}
function endpoints(d: Declared, payments: NonNullable<Declared["payments"]>, opts: pulumi.ComponentResourceOptions): Record<string, unknown> {
  const apiKey = d.credentials.find((c) => c.kind === "stripe.secretKey");
  if (!apiKey) return {};
  return Object.fromEntries(Object.entries(payments.stripe.webhooks).map(([name, w]) => {
    const endpoint = new StripeWebhook(name, d, w, apiKey, opts);
    return [name, { id: endpoint.endpointId, signingSecretVersion: endpoint.signingSecretVersion }];
  }));
}
/** What the foundation stack tells the others. */
function foundationOf(d: Declared): Reminding {
  const name = stackName(d.name, "foundation");
  const stack = new pulumi.StackReference(`${pulumi.getOrganization()}/${pulumi.getProject()}/${name}`);
  const topics = stack.getOutput("topics") as pulumi.Output<Readonly<Record<string, string>>>;
  const scheduler = stack.getOutput("scheduler") as pulumi.Output<{ readonly roleArn: string }>;
  const topic = (severity: string): pulumi.Output<string> => topics.apply((t) => t[severity] ?? "");
  return { topics: { notice: topic("notice"), warning: topic("warning"), critical: topic("critical") }, roleArn: scheduler.apply((s) => s.roleArn) };
}
