import * as aws from "@pulumi/aws/kms/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { SecretClass } from "../../schemas/access.ts";
import { aliasFault } from "../../schemas/iam/document.ts";
import { keyPolicy } from "../../schemas/iam/key-policy.ts";
import { keyAlias, type Place } from "../../schemas/iam/place.ts";
import { policyText } from "../access/checked.ts";
import type { Declared } from "../read.ts";
import { holdsData, ownTags } from "./tags.ts";

/** A class's key: rotated every year, used through Secrets Manager alone; a replica of it in each replica region. */
export class ClassKey extends pulumi.ComponentResource {
  readonly arn: pulumi.Output<string>;
  readonly alias: string;
  /** Region → ARN of the replica there. */
  readonly replicas: Readonly<Record<string, pulumi.Output<string>>>;
  constructor(cls: SecretClass, d: Declared, p: Place, opts?: pulumi.ComponentResourceOptions) {
    super("stackseal:index:ClassKey", cls, {}, opts);
    const policy = policyText("key", `key ${cls}`, keyPolicy(cls, p));
    const alias = keyAlias(d.name, cls);
    const bad = aliasFault(alias);
    if (bad !== null) throw new Error(`${alias}: ${bad}`);
    const tags = { ...ownTags(d), class: cls };
    const multiRegion = p.replicas.length > 0;
    const key = new aws.Key(`key-${cls}`, {
      description: `Secrets of ${d.name}, class ${cls}`, policy, enableKeyRotation: true, rotationPeriodInDays: 365, deletionWindowInDays: 30, ...(multiRegion && { multiRegion }), tags,
    }, { parent: this, ...holdsData(d) });
    new aws.Alias(`key-${cls}`, { name: alias, targetKeyId: key.keyId }, { parent: this });
    this.replicas = Object.fromEntries(p.replicas.map((region) => {
      const replica = new aws.ReplicaKey(`key-${cls}-${region}`, { region, primaryKeyArn: key.arn, description: `Secrets of ${d.name}, class ${cls}`, policy, deletionWindowInDays: 30, tags }, { parent: this, ...holdsData(d) });
      return [region, replica.arn];
    }));
    this.arn = key.arn;
    this.alias = alias;
    this.registerOutputs({ arn: this.arn });
  }
}
