import type { Statement } from "./document.ts";
import { BUCKETS, bucketArn, canaryQueue, regionsOf, trailArn, type Place } from "./place.ts";

/** What deploying the foundation stack needs: the roles, keys, buckets, trail and alerts of one environment, by name. Secrets and settings come from the matrix. */
export function superAdminStatements(p: Place): Statement[] {
  const iam = `arn:aws:iam::${p.accountId}`;
  const regions = [...new Set([...regionsOf(p), "us-east-1"])];
  const each = (make: (region: string) => string): string[] => regions.map(make);
  const allow = (Sid: string, service: string, actions: string, Resource: readonly string[]): Statement => ({ Sid, Effect: "Allow", Action: actions.split(" ").map((a) => `${service}:${a}`), Resource });
  return [
    allow("Roles", "iam", "CreateRole DeleteRole GetRole UpdateRole UpdateAssumeRolePolicy PutRolePermissionsBoundary DeleteRolePermissionsBoundary PutRolePolicy DeleteRolePolicy GetRolePolicy ListRolePolicies AttachRolePolicy DetachRolePolicy ListAttachedRolePolicies ListInstanceProfilesForRole TagRole UntagRole PassRole", [`${iam}:role/stackseal-${p.environment}-*`]),
    allow("Boundaries", "iam", "CreatePolicy DeletePolicy GetPolicy GetPolicyVersion CreatePolicyVersion DeletePolicyVersion SetDefaultPolicyVersion ListPolicyVersions ListEntitiesForPolicy TagPolicy UntagPolicy", [`${iam}:policy/stackseal-${p.environment}-*`]),
    allow("Oidc", "iam", "CreateOpenIDConnectProvider DeleteOpenIDConnectProvider GetOpenIDConnectProvider UpdateOpenIDConnectProviderThumbprint AddClientIDToOpenIDConnectProvider RemoveClientIDFromOpenIDConnectProvider TagOpenIDConnectProvider UntagOpenIDConnectProvider", [`${iam}:oidc-provider/*`]),
    allow("NewKeys", "kms", "CreateKey ListAliases ListKeys", ["*"]),
    allow("Keys", "kms", "DescribeKey GetKeyPolicy PutKeyPolicy GetKeyRotationStatus EnableKeyRotation DisableKeyRotation UpdateKeyDescription TagResource UntagResource ListResourceTags ListGrants RevokeGrant ScheduleKeyDeletion CancelKeyDeletion EnableKey DisableKey CreateAlias UpdateAlias DeleteAlias ReplicateKey", each((r) => `arn:aws:kms:${r}:${p.accountId}:key/*`).concat(each((r) => `arn:aws:kms:${r}:${p.accountId}:alias/stackseal/${p.environment}/*`))),
    allow("Buckets", "s3", "CreateBucket DeleteBucket ListBucket GetBucketLocation GetBucketPolicy PutBucketPolicy DeleteBucketPolicy GetBucketVersioning PutBucketVersioning GetBucketObjectLockConfiguration PutBucketObjectLockConfiguration GetEncryptionConfiguration PutEncryptionConfiguration GetBucketPublicAccessBlock PutBucketPublicAccessBlock GetLifecycleConfiguration PutLifecycleConfiguration GetBucketTagging PutBucketTagging", BUCKETS.map((b) => bucketArn(p, b))),
    allow("BucketContents", "s3", "GetObject PutObject DeleteObject GetObjectVersion ListMultipartUploadParts", [`${bucketArn(p, "state")}/*`, `${bucketArn(p, "backup")}/*`]),
    // Evidence is put there with a lock of its own that nobody lifts.
    allow("Evidence", "s3", "PutObjectRetention GetObjectRetention", [`${bucketArn(p, "backup")}/evidence/*`]),
    allow("TrailLogs", "s3", "GetObject", [`${bucketArn(p, "trail")}/*`]),
    allow("Trail", "cloudtrail", "CreateTrail UpdateTrail DeleteTrail GetTrail GetTrailStatus StartLogging StopLogging PutEventSelectors GetEventSelectors AddTags RemoveTags ListTags", [trailArn(p)]),
    allow("TrailLists", "cloudtrail", "LookupEvents DescribeTrails", ["*"]),
    allow("Rules", "events", "PutRule DeleteRule DescribeRule EnableRule DisableRule PutTargets RemoveTargets ListTargetsByRule TagResource UntagResource ListTagsForResource", each((r) => `arn:aws:events:${r}:${p.accountId}:rule/stackseal-${p.environment}-*`)),
    allow("Topics", "sns", "CreateTopic DeleteTopic GetTopicAttributes SetTopicAttributes Subscribe ListSubscriptionsByTopic Publish TagResource UntagResource ListTagsForResource", each((r) => `arn:aws:sns:${r}:${p.accountId}:stackseal-${p.environment}-*`)),
    // The canary listens in a queue of its own for as long as it waits.
    allow("Canary", "sqs", "CreateQueue DeleteQueue GetQueueAttributes SetQueueAttributes ReceiveMessage DeleteMessage", each((r) => `arn:aws:sqs:${r}:${p.accountId}:${canaryQueue(p.environment)}`)),
    allow("Subscriptions", "sns", "GetSubscriptionAttributes Unsubscribe", ["*"]),
    allow("Schedules", "scheduler", "CreateScheduleGroup DeleteScheduleGroup GetScheduleGroup CreateSchedule UpdateSchedule DeleteSchedule GetSchedule TagResource UntagResource ListTagsForResource", ["schedule-group", "schedule"].map((t) => `arn:aws:scheduler:${p.region}:${p.accountId}:${t}/stackseal-${p.environment}-*`)),
  ];
}
