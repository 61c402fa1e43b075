import * as pulumi from "@pulumi/pulumi";
import { WebhookEndpoint } from "@pulumi/stripe";
import { signingSecretName } from "../../schemas/layout.ts";
import type { Payments } from "../../schemas/environment.ts";
import type { Declared, DeclaredCredential } from "../read.ts";

type Webhook = Payments["stripe"]["webhooks"][string];

/** A Stripe webhook endpoint, with a store secret of its own for the signing secret that Stripe mints. */
export class StripeWebhook extends pulumi.ComponentResource {
  readonly endpointId: pulumi.Output<string>;
  readonly signingSecretVersion: pulumi.Output<string>;
  constructor(name: string, d: Declared, w: Webhook, apiKey: DeclaredCredential, opts?: pulumi.ComponentResourceOptions) {
    super("stackseal:index:StripeWebhook", name, {}, opts);
    const secretId = signingSecretName(d.name, name);
    const rolled = d.rolls?.[name];
    const endpoint = new WebhookEndpoint(name, {
      url: new URL(w.path, d.environment.platform.url).href, enabledEvents: w.events, apiVersion: w.apiVersion,
      ...(w.connect !== undefined && { connect: w.connect }), ...(w.description !== undefined && { description: w.description }), ...(w.disabled !== undefined && { disabled: w.disabled }),
      // A rotation put another endpoint in this one's place: the next deployment takes it over.
      ...(rolled !== undefined && { metadata: { rolled } }),
      apiKeyFrom: { key: apiKey.path, issueId: apiKey.claims.issueId, fingerprint: apiKey.claims.fingerprint },
      signingSecretTo: { store: d.environment.store.kind, secretId, key: "current" },
    }, { parent: this });
    this.endpointId = endpoint.id;
    this.signingSecretVersion = endpoint.signingSecretVersion;
    this.registerOutputs({ endpointId: this.endpointId, signingSecretVersion: this.signingSecretVersion });
  }
}
