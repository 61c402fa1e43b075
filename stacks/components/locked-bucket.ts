import * as aws from "@pulumi/aws/s3/index.js";
import * as pulumi from "@pulumi/pulumi";
import { LOCK_DAYS, lockMode } from "../../schemas/iam/bucket-locks.ts";
import { bucketPolicy } from "../../schemas/iam/other-policies.ts";
import { bucketName, type BucketUse, type Place } from "../../schemas/iam/place.ts";
import { policyText } from "../access/checked.ts";
import type { Declared } from "../read.ts";
import { holdsData, ownTags } from "./tags.ts";

/** A bucket of state, backups or the trail's logs: versioned, encrypted, closed to the public, TLS alone, objects locked where they are evidence. */
export class LockedBucket extends pulumi.ComponentResource {
  readonly name: string;
  /** What must stand before somebody writes here. */
  readonly policy: aws.BucketPolicy;
  constructor(use: BucketUse, d: Declared, p: Place, opts?: pulumi.ComponentResourceOptions) {
    super("stackseal:index:LockedBucket", use, {}, opts);
    const days = LOCK_DAYS[use];
    const bucket = new aws.Bucket(use, { bucket: bucketName(p, use), ...(days !== null && { objectLockEnabled: true }), tags: { ...ownTags(d), use } }, { parent: this, ...holdsData(d) });
    const own = { parent: this, dependsOn: [bucket] };
    const at = { bucket: bucketName(p, use) };
    const versioning = new aws.BucketVersioning(use, { ...at, versioningConfiguration: { status: "Enabled" } }, own);
    new aws.BucketServerSideEncryptionConfiguration(use, { ...at, rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms" }, bucketKeyEnabled: true }] }, own);
    const closed = new aws.BucketPublicAccessBlock(use, { ...at, blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true }, own);
    if (days !== null) new aws.BucketObjectLockConfiguration(use, { ...at, objectLockEnabled: "Enabled", rule: { defaultRetention: { mode: lockMode(use), days } } }, { ...own, dependsOn: [versioning] });
    new aws.BucketLifecycleConfiguration(use, { ...at, rules: lifecycle(use) }, { ...own, dependsOn: [versioning] });
    this.policy = new aws.BucketPolicy(use, { ...at, policy: policyText("bucket", `bucket ${use}`, bucketPolicy(use, p)) }, { ...own, dependsOn: [closed] });
    this.name = bucketName(p, use);
    this.registerOutputs({ name: this.name });
  }
}
type Rules = NonNullable<ConstructorParameters<typeof aws.BucketLifecycleConfiguration>[1]["rules"]>;
/** Logs are kept 13 months, the last three at hand; backups and old states a year. */
function lifecycle(use: BucketUse): Rules {
  const unfinished = { id: "unfinished-uploads", status: "Enabled", filter: { prefix: "" }, abortIncompleteMultipartUpload: { daysAfterInitiation: 7 } };
  if (use === "trail") return [{ id: "logs", status: "Enabled", filter: { prefix: "" }, transitions: [{ days: 92, storageClass: "GLACIER" }], expiration: { days: 400 }, noncurrentVersionExpiration: { noncurrentDays: 400 } }, unfinished];
  return [{ id: "old-versions", status: "Enabled", filter: { prefix: "" }, noncurrentVersionExpiration: { noncurrentDays: 365 } }, unfinished];
}
