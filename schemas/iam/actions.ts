import type { Verb } from "../access.ts";

// Which right of the matrix each action of AWS needs. Every action of Secrets Manager and KMS that the kept list names stands here once: a test holds it.

/** What an action does that no right of the matrix covers: `none` touches no secret of ours, `key` administers a key, `grant` gives rights on one. */
export type ActionNeed = Extract<Verb, "read" | "write" | "list" | "delete" | "permit"> | "none";

const table = (service: string, t: Readonly<Record<ActionNeed, readonly string[]>>): Readonly<Record<string, ActionNeed>> =>
  Object.fromEntries(Object.entries(t).flatMap(([need, names]) => names.map((n) => [`${service}:${n}`, need as ActionNeed])));

export const SECRET_ACTIONS: Readonly<Record<string, ActionNeed>> = table("secretsmanager", {
  read: ["GetSecretValue"],
  write: ["PutSecretValue", "UpdateSecretVersionStage", "TagResource", "UntagResource"],
  list: ["DescribeSecret", "ListSecretVersionIds", "GetResourcePolicy"],
  delete: ["DeleteSecret", "RestoreSecret"],
  permit: ["CreateSecret", "UpdateSecret", "PutResourcePolicy", "DeleteResourcePolicy", "ReplicateSecretToRegions", "RemoveRegionsFromReplication", "StopReplicationToReplica", "RotateSecret", "CancelRotateSecret"],
  none: ["ListSecrets", "GetRandomPassword", "BatchGetSecretValue", "ValidateResourcePolicy"],
});
/** On a secret's key. Nobody calls `read` and `write` directly: they are allowed through Secrets Manager alone. */
export const KEY_ACTIONS: Readonly<Record<string, ActionNeed>> = table("kms", {
  read: ["Decrypt"],
  write: ["GenerateDataKey", "Encrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKeyWithoutPlaintext", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"],
  list: ["DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListGrants", "ListKeyPolicies", "ListKeyRotations", "ListResourceTags"],
  delete: ["ScheduleKeyDeletion", "CancelKeyDeletion", "DisableKey", "EnableKey"],
  permit: ["PutKeyPolicy", "CreateGrant", "RetireGrant", "RevokeGrant", "EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand", "UpdateKeyDescription", "TagResource", "UntagResource", "CreateAlias", "UpdateAlias", "DeleteAlias", "ReplicateKey", "UpdatePrimaryRegion"],
  none: [
    "CreateKey", "ListKeys", "ListAliases", "ListRetirableGrants", "GenerateRandom", "Encapsulate", "Decapsulate", "GenerateMac", "VerifyMac", "Sign", "Verify", "GetPublicKey", "DeriveSharedSecret", "GetParametersForImport", "ImportKeyMaterial", "DeleteImportedKeyMaterial", "GetKeyLastUsage",
    "ConnectCustomKeyStore", "CreateCustomKeyStore", "DeleteCustomKeyStore", "DescribeCustomKeyStores", "DisconnectCustomKeyStore", "UpdateCustomKeyStore",
  ],
});
const needing = (t: Readonly<Record<string, ActionNeed>>, need: ActionNeed): string[] => Object.keys(t).filter((a) => t[a] === need);
/** A secret's actions that a right of the matrix covers. */
export const secretActions = (need: ActionNeed): string[] => needing(SECRET_ACTIONS, need);
export const keyActions = (need: ActionNeed): string[] => needing(KEY_ACTIONS, need);

/** Actions that AWS has no resource level for: the only ones that may stand with `*`, and why. */
export const ANY_RESOURCE: Readonly<Record<string, string>> = {
  "secretsmanager:ListSecrets": "lists names and tags of an account; AWS has no resource level for it",
  "kms:ListAliases": "AWS has no resource level for it",
  "kms:ListKeys": "AWS has no resource level for it",
  "kms:CreateKey": "the key doesn't exist yet; AWS has no resource level for it",
  "ssm:DescribeParameters": "lists names; AWS has no resource level for it",
  "cloudtrail:LookupEvents": "AWS has no resource level for it",
  "cloudtrail:DescribeTrails": "AWS has no resource level for it",
  "events:ListRules": "rules of a bus; AWS knows the resource rule/* alone",
  "events:TestEventPattern": "judges a text; AWS has no resource level for it",
  "sns:ListTopics": "AWS has no resource level for it",
  "sns:ListSubscriptions": "AWS has no resource level for it",
  "sns:GetSubscriptionAttributes": "a subscription's ARN ends in a number of AWS's choice",
  "sns:Unsubscribe": "a subscription's ARN ends in a number of AWS's choice",
  "iam:ListRoles": "AWS has no resource level for it",
  "iam:ListPolicies": "AWS has no resource level for it",
  "iam:ListOpenIDConnectProviders": "AWS has no resource level for it",
  "sts:GetCallerIdentity": "tells who is asking; AWS has no resource level for it",
};
