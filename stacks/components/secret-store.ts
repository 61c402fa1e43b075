import * as aws from "@pulumi/aws/secretsmanager/index.js";
import * as pulumi from "@pulumi/pulumi";
import { SealedVersion } from "@pulumi/stackseal";
import { isoDate } from "../../lib/clock.ts";
import type { SecretClass } from "../../schemas/access.ts";
import { variablesOf } from "../../schemas/integrations/index.ts";
import { storeSecretName } from "../../schemas/layout.ts";
import { dueAt, type Declared, type DeclaredCredential } from "../read.ts";
import { storeArgs } from "./store-args.ts";

/** How long a deleted secret can be restored: 30 days in production, the least that AWS allows elsewhere. */
export const recoveryWindow = (tier: Declared["tier"]): number => (tier === "production" ? 30 : 7);

/** Tags that say whose a secret is, and what policies judge: never a value. */
export function secretTags(d: Declared, cls: SecretClass, credentials: readonly DeclaredCredential[]): Record<string, string> {
  const due = credentials.map((c) => isoDate(dueAt(c.claims))).sort()[0];
  const modes = [...new Set(credentials.flatMap((c) => (c.claims.mode !== undefined ? [c.claims.mode] : [])))].sort();
  return { "managed-by": "stackseal", environment: d.name, tier: d.tier, class: cls, owner: cls === "payments" ? "super-admin" : "admin", ...(due !== undefined && { "due-at": due }), ...(modes.length > 0 && { mode: modes.join("+") }) };
}

/** One store secret per integration and class, and the version that carries its sealed values. */
export class SecretStore extends pulumi.ComponentResource {
  readonly versionId: pulumi.Output<string>;
  constructor(name: string, d: Declared, cls: SecretClass, credentials: readonly DeclaredCredential[], opts?: pulumi.ComponentResourceOptions) {
    super("stackseal:index:SecretStore", name, {}, opts);
    const secretId = storeSecretName(d.name, cls, name);
    const tags = secretTags(d, cls, credentials);
    const dependsOn: pulumi.Resource[] = [];
    if (d.environment.store.kind === "aws")
      dependsOn.push(new aws.Secret(name, {
        name: secretId, description: `${name} credentials of ${d.name}; managed by stackseal`, tags, recoveryWindowInDays: recoveryWindow(d.tier),
        kmsKeyId: `alias/stackseal/${d.name}/${cls}`,
        ...(d.environment.store.replicas && { replicas: d.environment.store.replicas.map((region) => ({ region })) }),
      }, { parent: this, protect: d.tier === "production" }));
    const version = new SealedVersion(name, {
      store: storeArgs(d), secretId, tags,
      values: credentials.flatMap((c) => variablesOf(c.spec, c.entry).map((variable) => ({ variable, key: c.path, issueId: c.claims.issueId, fingerprint: c.claims.fingerprint }))),
    }, { parent: this, dependsOn });
    this.versionId = version.versionId;
    this.registerOutputs({ versionId: this.versionId });
  }
}
