import * as s3 from "@aws-sdk/client-s3";
import { IAM_REGION } from "../../../schemas/alerts.ts";
import type { Emulator } from "../endpoint.ts";
import { defineType, flag, list, map, maybe, number, region, tagList, text, unless, type AwsType } from "../type.ts";
import { principalArnOfSession } from "../faults.ts";
import type { Props } from "../../../lib/pulumi-value.ts";

const client = (e: Emulator, p: Props): s3.S3Client => e.client(s3.S3Client, region(p));
const GONE = ["NoSuchBucket", "NotFound", "NoSuchBucketPolicy", "NoSuchLifecycleConfiguration"];

export const bucket = defineType({
  type: "aws:s3/bucket:Bucket", properties: ["bucket", "objectLockEnabled", "forceDestroy", "tags", "region"], replaces: ["bucket", "objectLockEnabled", "region"],
  create: async (e, p) => {
    const Bucket = text(p["bucket"]);
    const at = region(p) ?? e.region;
    await unless(["BucketAlreadyOwnedByYou", "BucketAlreadyExists"], client(e, p).send(new s3.CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: flag(p["objectLockEnabled"]), ...(at !== IAM_REGION && { CreateBucketConfiguration: { LocationConstraint: at as s3.BucketLocationConstraint } }) })));
    await client(e, p).send(new s3.PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: tagList(p["tags"]) } }));
    return { id: Bucket, outputs: { arn: `arn:aws:s3:::${Bucket}` } };
  },
  delete: async (e, id, p) => { await unless(GONE, client(e, p).send(new s3.DeleteBucketCommand({ Bucket: id }))); },
  exists: async (e, id, p) => (await unless(GONE, client(e, p).send(new s3.HeadBucketCommand({ Bucket: id })))) !== null,
});
/** A part of a bucket's configuration: written whole; it goes with the bucket. */
const part = (type: string, properties: readonly string[], put: (c: s3.S3Client, Bucket: string, p: Props) => Promise<unknown>, remove: ((c: s3.S3Client, Bucket: string) => Promise<unknown>) | null, policies?: AwsType["policies"]): AwsType =>
  defineType({
    type, properties: ["bucket", "region", ...properties], replaces: ["bucket", "region"], ...(policies && { policies }),
    create: async (e, p) => {
      await put(client(e, p), text(p["bucket"]), p);
      return { id: text(p["bucket"]), outputs: {} };
    },
    delete: async (e, id, p) => { if (remove) await unless(GONE, remove(client(e, p), id)); },
  });
export const bucketParts: readonly AwsType[] = [
  part("aws:s3/bucketVersioning:BucketVersioning", ["versioningConfiguration"], (c, Bucket, p) => c.send(new s3.PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: text(map(p["versioningConfiguration"])["status"]) as s3.BucketVersioningStatus } })), null),
  part("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", ["rules"], (c, Bucket, p) => c.send(new s3.PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules: list(p["rules"]).map((r) => ({ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: text(map(map(r)["applyServerSideEncryptionByDefault"])["sseAlgorithm"]) as s3.ServerSideEncryption, ...(maybe(map(map(r)["applyServerSideEncryptionByDefault"])["kmsMasterKeyId"]) !== undefined && { KMSMasterKeyID: text(map(map(r)["applyServerSideEncryptionByDefault"])["kmsMasterKeyId"]) }) }, BucketKeyEnabled: flag(map(r)["bucketKeyEnabled"]) })) } })), null),
  part("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"], (c, Bucket, p) => c.send(new s3.PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: { BlockPublicAcls: flag(p["blockPublicAcls"]), BlockPublicPolicy: flag(p["blockPublicPolicy"]), IgnorePublicAcls: flag(p["ignorePublicAcls"]), RestrictPublicBuckets: flag(p["restrictPublicBuckets"]) } })), (c, Bucket) => c.send(new s3.DeletePublicAccessBlockCommand({ Bucket }))),
  part("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", ["objectLockEnabled", "rule"], (c, Bucket, p) => {
    const r = map(map(p["rule"])["defaultRetention"]);
    return c.send(new s3.PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration: { ObjectLockEnabled: "Enabled", Rule: { DefaultRetention: { Mode: text(r["mode"]) as s3.ObjectLockRetentionMode, Days: number(r["days"]) } } } }));
  }, null),
  part("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", ["rules"], (c, Bucket, p) => c.send(new s3.PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules: list(p["rules"]).map((x) => lifecycleRule(map(x))) } })), (c, Bucket) => c.send(new s3.DeleteBucketLifecycleCommand({ Bucket }))),
  part("aws:s3/bucketPolicy:BucketPolicy", ["policy"], (c, Bucket, p) => c.send(new s3.PutBucketPolicyCommand({ Bucket, Policy: principalArnOfSession(text(p["policy"])) })), (c, Bucket) => c.send(new s3.DeleteBucketPolicyCommand({ Bucket })), { policy: "bucket" }),
];
function lifecycleRule(r: Props): s3.LifecycleRule {
  const days = (v: Props, k: string): number | undefined => number(v[k]);
  return {
    ID: text(r["id"]), Status: text(r["status"]) as s3.ExpirationStatus, Filter: { Prefix: text(map(r["filter"])["prefix"]) },
    ...(list(r["transitions"]).length > 0 && { Transitions: list(r["transitions"]).map((t) => ({ Days: days(map(t), "days"), StorageClass: text(map(t)["storageClass"]) as s3.TransitionStorageClass })) }),
    ...(r["expiration"] !== undefined && { Expiration: { Days: days(map(r["expiration"]), "days") } }),
    ...(r["noncurrentVersionExpiration"] !== undefined && { NoncurrentVersionExpiration: { NoncurrentDays: days(map(r["noncurrentVersionExpiration"]), "noncurrentDays") } }),
    ...(r["abortIncompleteMultipartUpload"] !== undefined && { AbortIncompleteMultipartUpload: { DaysAfterInitiation: days(map(r["abortIncompleteMultipartUpload"]), "daysAfterInitiation") } }),
  };
}
