import { regionsOf, roleArn, roleName, SEVERITIES, type AlertSeverity, type Place } from "./iam/place.ts";

// What raises an alert: EventBridge patterns over CloudTrail's events, one account an environment.

export interface AlertRule {
  readonly name: string;
  readonly severity: AlertSeverity;
  readonly says: string;
  /** Where the events arrive: IAM's in us-east-1 alone, a replica's in its own region. */
  readonly regions: readonly string[];
  /** Reads reach a rule only where it asks for all management events. */
  readonly state: "ENABLED" | "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS";
  readonly pattern: Readonly<Record<string, unknown>>;
}
const CALL = "AWS API Call via CloudTrail";
const SERVICE = "AWS Service Event via CloudTrail";
export const IAM_REGION = "us-east-1";

const changes = (service: string, names: string, more: Readonly<Record<string, unknown>> = {}): AlertRule["pattern"] =>
  ({ source: [`aws.${service}`], "detail-type": [CALL, SERVICE], detail: { eventSource: [`${service}.amazonaws.com`], eventName: names.split(" "), ...more } });

/** A payment secret as a request may name it: by name, or by ARN. */
const named = (p: Place, what: string): unknown[] => [{ prefix: `stackseal/${p.environment}/payments/${what}` }, { wildcard: `arn:aws:secretsmanager:*:${p.accountId}:secret:stackseal/${p.environment}/payments/${what}*` }];
/** Some events carry the ARN as `arn`, others as `aRN`, in the request or in the answer. */
const byArn = (p: Place): Readonly<Record<string, unknown>> => {
  const arn = [{ wildcard: `arn:aws:secretsmanager:*:${p.accountId}:secret:stackseal/${p.environment}/payments/*` }];
  return { $or: ["requestParameters", "responseElements", "additionalEventData"].flatMap((k) => [{ [k]: { arn } }, { [k]: { aRN: arn } }]) };
};

const SECRET_CHANGES = "CreateSecret PutSecretValue UpdateSecret UpdateSecretVersionStage RotateSecret CancelRotateSecret DeleteSecret RestoreSecret PutResourcePolicy DeleteResourcePolicy TagResource UntagResource ReplicateSecretToRegions RemoveRegionsFromReplication StopReplicationToReplica RotationStarted RotationSucceeded RotationFailed RotationAbandoned StartSecretVersionDelete CancelSecretVersionDelete EndSecretVersionDelete SecretVersionDeletion";
const KEY_CHANGES = "PutKeyPolicy CreateGrant RetireGrant RevokeGrant DisableKey EnableKey ScheduleKeyDeletion CancelKeyDeletion DisableKeyRotation EnableKeyRotation RotateKeyOnDemand UpdateAlias DeleteAlias CreateAlias UpdateKeyDescription ReplicateKey UpdatePrimaryRegion ImportKeyMaterial DeleteImportedKeyMaterial DeleteKey";
const ROLE_CHANGES = "CreateRole DeleteRole UpdateRole UpdateAssumeRolePolicy PutRolePolicy DeleteRolePolicy AttachRolePolicy DetachRolePolicy PutRolePermissionsBoundary DeleteRolePermissionsBoundary CreatePolicy DeletePolicy CreatePolicyVersion DeletePolicyVersion SetDefaultPolicyVersion CreateUser CreateAccessKey AttachUserPolicy PutUserPolicy CreateLoginProfile CreateOpenIDConnectProvider DeleteOpenIDConnectProvider UpdateOpenIDConnectProviderThumbprint AddClientIDToOpenIDConnectProvider RemoveClientIDFromOpenIDConnectProvider DeactivateMFADevice DeleteVirtualMFADevice";
const TRAIL_CHANGES = "StopLogging StartLogging DeleteTrail UpdateTrail CreateTrail PutEventSelectors PutInsightSelectors";
const ALERT_CHANGES = "PutRule DeleteRule DisableRule EnableRule PutTargets RemoveTargets";
const TOPIC_CHANGES = "DeleteTopic SetTopicAttributes AddPermission RemovePermission Unsubscribe Subscribe SetSubscriptionAttributes";
const BUCKET_CHANGES = "PutBucketPolicy DeleteBucketPolicy PutBucketVersioning PutBucketObjectLockConfiguration PutBucketLifecycle PutBucketLifecycleConfiguration DeleteBucketLifecycle PutBucketEncryption DeleteBucketEncryption PutBucketPublicAccessBlock DeleteBucketPublicAccessBlock PutPublicAccessBlock DeletePublicAccessBlock DeleteBucket";

/** Every rule of an environment. */
export function alertRules(p: Place): AlertRule[] {
  const own = regionsOf(p);
  const everywhere = [...new Set([...own, IAM_REGION])];
  const app = roleArn(p, "payments-app");
  const usual = p.deployment?.usual;
  const session = `arn:aws:sts::${p.accountId}:assumed-role/${roleName(p, "payments-app")}/${usual?.session ?? ""}`;
  const issuer = (match: readonly unknown[]): Record<string, unknown> => ({ userIdentity: { sessionContext: { sessionIssuer: { arn: match } } } });
  const read = (detail: Readonly<Record<string, unknown>>): AlertRule["pattern"] => ({ source: ["aws.secretsmanager"], "detail-type": [CALL], detail: { eventSource: ["secretsmanager.amazonaws.com"], eventName: ["GetSecretValue", "BatchGetSecretValue"], ...detail } });
  const reads = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" as const;
  const changed = (name: string, severity: AlertSeverity, says: string, pattern: AlertRule["pattern"], regions: readonly string[] = own): AlertRule => ({ name, severity, says, regions, state: "ENABLED", pattern });
  return [
    changed("secrets-changed", "warning", "a secret was changed", changes("secretsmanager", SECRET_CHANGES)),
    changed("stripe-key-changed", "critical", "Stripe's key was changed", changes("secretsmanager", "PutSecretValue UpdateSecret UpdateSecretVersionStage DeleteSecret RestoreSecret", { requestParameters: { secretId: [`stackseal/${p.environment}/payments/stripe`, { wildcard: `arn:aws:secretsmanager:*:${p.accountId}:secret:stackseal/${p.environment}/payments/stripe-*` }] } })),
    changed("keys-changed", "critical", "a key, its policy or a grant was changed", changes("kms", KEY_CHANGES)),
    changed("roles-changed", "critical", "a role, a policy or who may take a role was changed", changes("iam", ROLE_CHANGES), [IAM_REGION]),
    changed("trail-changed", "critical", "the trail was changed", changes("cloudtrail", TRAIL_CHANGES)),
    changed("alerts-changed", "critical", "an alert rule was changed", changes("events", ALERT_CHANGES), everywhere),
    changed("topics-changed", "critical", "who gets alerts was changed", changes("sns", TOPIC_CHANGES), everywhere),
    changed("buckets-changed", "critical", "a bucket of state, backups or logs was changed", changes("s3", BUCKET_CHANGES, { requestParameters: { bucketName: [{ prefix: `stackseal-${p.environment}-` }] } })),
    { name: "payment-read-usual", severity: "notice", says: "the app read a payment secret, from where it always does", regions: own, state: reads, pattern: read({
      requestParameters: { secretId: named(p, "") },
      userIdentity: { sessionContext: { sessionIssuer: { arn: [app] } }, ...(usual?.session !== undefined && { arn: [{ prefix: session }] }) }, ...(usual && { vpcEndpointId: usual.vpcEndpoints }),
    }) },
    { name: "payment-read-unusual", severity: "critical", says: "a payment secret was read, or tried, by another than the app or from elsewhere", regions: own, state: reads, pattern: read({
      requestParameters: { secretId: named(p, "") },
      $or: [
        issuer([{ "anything-but": [app] }]), issuer([{ exists: false }]),
        ...(usual ? [{ vpcEndpointId: [{ "anything-but": usual.vpcEndpoints }] }, { vpcEndpointId: [{ exists: false }] }] : []),
        ...(usual?.session !== undefined ? [{ userIdentity: { arn: [{ "anything-but": { prefix: session } }] } }] : []),
      ],
    }) },
    { name: "payment-read-by-arn", severity: "critical", says: "a payment secret was read in a call that names it otherwise", regions: own, state: reads, pattern: read(byArn(p)) },
  ];
}
/** Who hears of what: notices are for the log, warnings and criticals go to everybody. */
export const LOUD: readonly AlertSeverity[] = ["warning", "critical"];
/** The topics of an environment: all in its own region, elsewhere those that a rule there publishes to. */
export function alertTopics(p: Place): { readonly severity: AlertSeverity; readonly region: string }[] {
  const rules = alertRules(p);
  const regions = [...new Set([...regionsOf(p), ...rules.flatMap((r) => r.regions), IAM_REGION])];
  return regions.flatMap((region) => SEVERITIES.filter((severity) => region === p.region || rules.some((r) => r.severity === severity && r.regions.includes(region))).map((severity) => ({ severity, region })));
}
/** What a subscriber reads: who did what, when, from where, and whether it was let. Never a value: CloudTrail has none. */
export const ALERT_PATHS: Readonly<Record<string, string>> = { time: "$.time", region: "$.region", event: "$.detail.eventName", who: "$.detail.userIdentity.arn", from: "$.detail.sourceIPAddress", secret: "$.detail.requestParameters.secretId", error: "$.detail.errorCode" };
export const alertTemplate = (environment: string, r: AlertRule): string =>
  JSON.stringify({ environment, alert: r.name, severity: r.severity, says: r.says, time: "<time>", region: "<region>", event: "<event>", who: "<who>", from: "<from>", secret: "<secret>", error: "<error>" });
/** Days before a credential is due, and how loudly they are said. */
export const REMINDERS: readonly { readonly days: number; readonly severity: AlertSeverity }[] = [{ days: 30, severity: "notice" }, { days: 14, severity: "notice" }, { days: 1, severity: "warning" }];
