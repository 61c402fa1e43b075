import type { ResourceValidationPolicy } from "@pulumi/policy";
import { credentialAge } from "./credential-age.ts";
import { environmentSeparation } from "./environment-separation.ts";
import { httpsWebhookUrls } from "./https-webhook-urls.ts";
import { noCredentialInProperties } from "./no-credential-in-properties.ts";
import { paymentsSuperAdminOnly } from "./payments-super-admin-only.ts";
import type { PolicySpec } from "./policy.ts";

/** Every rule of the pack, in the order in which they are judged. */
export const rules: readonly PolicySpec[] = [environmentSeparation, noCredentialInProperties, paymentsSuperAdminOnly, httpsWebhookUrls, credentialAge];

/** The rules as @pulumi/policy takes them. */
export const policies: readonly ResourceValidationPolicy[] = rules.map((r) => ({
  name: r.id, description: r.title, enforcementLevel: r.level, validateResource: (args, report) => { r.check(args, (message) => { report(message); }); },
}));
