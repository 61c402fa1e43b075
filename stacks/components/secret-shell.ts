import * as aws from "@pulumi/aws/secretsmanager/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { SecretClass } from "../../schemas/access.ts";
import type { Document } from "../../schemas/iam/document.ts";
import type { Place } from "../../schemas/iam/place.ts";
import { policyText } from "../access/checked.ts";
import type { Declared } from "../read.ts";
import type { ClassKey } from "./keys.ts";
import { holdsData, ownTags } from "./tags.ts";

/** How long a deleted secret can be restored: 30 days in production, the least that AWS allows elsewhere. */
export const recoveryWindow = (tier: Declared["tier"]): number => (tier === "production" ? 30 : 7);

export interface ShellArgs {
  readonly secretId: string;
  readonly description: string;
  readonly cls: SecretClass;
  readonly policy: Document;
  readonly key: ClassKey;
}
/** A secret without a value: its name, key, policy, tags and replicas. The deployers' stacks, or a Super Admin, put values into it. */
export class SecretShell extends pulumi.ComponentResource {
  readonly arn: pulumi.Output<string>;
  constructor(name: string, d: Declared, p: Place, a: ShellArgs, opts?: pulumi.ComponentResourceOptions) {
    super("stackseal:index:SecretShell", name, {}, opts);
    const secret = new aws.Secret(name, {
      name: a.secretId, description: a.description, kmsKeyId: a.key.alias, recoveryWindowInDays: recoveryWindow(d.tier),
      tags: { ...ownTags(d), class: a.cls, owner: a.cls === "payments" ? "super-admin" : "admin" },
      ...(p.replicas.length > 0 && { replicas: p.replicas.map((region) => ({ region, ...(a.key.replicas[region] && { kmsKeyId: a.key.replicas[region] }) })) }),
    }, { parent: this, dependsOn: [a.key], ...holdsData(d) });
    new aws.SecretPolicy(name, { secretArn: secret.arn, policy: policyText("secret", a.secretId, a.policy), blockPublicPolicy: true }, { parent: this });
    this.arn = secret.arn;
    this.registerOutputs({ arn: this.arn });
  }
}
