import { awsSettings, type AwsPlace } from "../../providers/aws/connect.ts";
import { bucketPolicy } from "../../schemas/iam/other-policies.ts";
import { bucketName, BUCKETS, type Place } from "../../schemas/iam/place.ts";
import type { Document } from "../../schemas/iam/document.ts";
import { LOCK_DAYS, lockMode } from "../../schemas/iam/bucket-locks.ts";
import { Notes, orNull, sameJson } from "./compare.ts";
import type { Drift } from "./secrets.ts";

type Env = Readonly<Record<string, string | undefined>>;
/** The buckets of state, backups and logs: policy, versions, lock, encryption, public access, lifecycle. `sent`: a policy as it was written there. */
export async function bucketDrift(p: Place, at: AwsPlace, env: Env, sent: (d: Document) => string): Promise<Drift[]> {
  const s3 = await import("@aws-sdk/client-s3");
  const client = new s3.S3Client({ ...awsSettings(at, env), forcePathStyle: at.endpoint !== undefined });
  const n = new Notes();
  for (const use of BUCKETS) {
    const Bucket = bucketName(p, use);
    const versions = await orNull(client.send(new s3.GetBucketVersioningCommand({ Bucket })), Bucket);
    if (!versions) { n.note("bucket", Bucket, "a bucket", "none"); continue; }
    if (versions.Status !== "Enabled") n.note("bucket", Bucket, "versions kept", versions.Status ?? "not kept");
    const policy = await orNull(client.send(new s3.GetBucketPolicyCommand({ Bucket })), Bucket);
    if (!sameJson(policy?.Policy, sent(bucketPolicy(use, p)))) n.note("bucket", Bucket, "its policy", policy ? "another one" : "none");
    const open = (await orNull(client.send(new s3.GetPublicAccessBlockCommand({ Bucket })), Bucket))?.PublicAccessBlockConfiguration;
    if (!open || !(["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"] as const).every((k) => open[k] === true)) n.note("bucket", Bucket, "closed to the public", open ? "partly open" : "not closed");
    const sse = (await orNull(client.send(new s3.GetBucketEncryptionCommand({ Bucket })), Bucket))?.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm;
    if (sse !== "aws:kms") n.note("bucket", Bucket, "encryption under KMS", sse ?? "none");
    const rules = (await orNull(client.send(new s3.GetBucketLifecycleConfigurationCommand({ Bucket })), Bucket))?.Rules ?? [];
    const wanted = [use === "trail" ? "logs" : "old-versions", "unfinished-uploads"];
    if (rules.map((r) => r.ID ?? "").sort().join() !== [...wanted].sort().join() || rules.some((r) => r.Status !== "Enabled")) n.note("bucket", Bucket, `the rules ${wanted.join(", ")}`, rules.map((r) => `${r.ID ?? "?"} ${r.Status ?? ""}`).join(", ") || "none");
    const days = LOCK_DAYS[use];
    if (days === null) continue;
    const lock = (await orNull(client.send(new s3.GetObjectLockConfigurationCommand({ Bucket })), Bucket))?.ObjectLockConfiguration?.Rule?.DefaultRetention;
    if (lock?.Mode !== lockMode(use) || (lock.Days ?? 0) !== days) n.note("bucket", Bucket, `${lockMode(use)} for ${days} days`, lock ? `${lock.Mode ?? "?"} for ${lock.Days ?? 0} days` : "no lock");
  }
  return n.found;
}
