import { allows, type Role, type SecretClass, type Verb } from "../access.ts";
import { secretActions, type ActionNeed } from "./actions.ts";
import { document, type Document, type Statement } from "./document.ts";
import { allSecretArns, bucketArn, classOfDeployer, DEPLOYERS, identitySecretName, parameterArns, regionsOf, roleArn, scheduleGroup, secretArns, stackKeys, topicArn, type Place } from "./place.ts";
import { superAdminStatements } from "./super-admin.ts";

const NEEDS = ["read", "write", "list", "delete", "permit"] as const satisfies readonly (Verb & ActionNeed)[];
const CLASSES = ["standard", "payments"] as const satisfies readonly SecretClass[];
const isDeployer = (role: Role): boolean => (DEPLOYERS as readonly Role[]).includes(role);

/** Whether the matrix gives a role anything in an environment's cloud account. */
export const hasCloudRole = (role: Role, p: Place): boolean => CLASSES.some((cls) => NEEDS.some((v) => allows(role, cls, p.tier, v)));

/** What a role may do in an environment's account: the matrix, in IAM's words. Actions are spelled out, resources too save where AWS has no resource level. */
export function rolePolicy(role: Role, p: Place): Document {
  return document(...secretStatements(role, p), ...settingStatements(role, p), ...(isDeployer(role) ? deployerStatements(role, p) : []), ...(role === "super-admin" ? superAdminStatements(p) : []), ...(role === "auditor" ? auditorStatements(p) : []), ...(role === "auditor" || isDeployer(role) ? [whoAmI] : []));
}
const whoAmI: Statement = { Sid: "WhoAmI", Effect: "Allow", Action: ["sts:GetCallerIdentity"], Resource: ["*"] };

function secretStatements(role: Role, p: Place): Statement[] {
  // Who may do everything with both classes is told of them by their common name: the list would be too long for IAM.
  const everything = CLASSES.every((cls) => NEEDS.every((v) => allows(role, cls, p.tier, v)));
  const own = everything ? [{ Sid: "Secrets", Effect: "Allow" as const, Action: NEEDS.flatMap(secretActions), Resource: allSecretArns(p) }] : CLASSES.flatMap((cls): Statement[] => {
    const needs = NEEDS.filter((v) => allows(role, cls, p.tier, v));
    const names = p.secrets[cls];
    if (needs.length === 0 || names.length === 0) return [];
    return [{ Sid: `Secrets${cls === "payments" ? "Payments" : "Standard"}`, Effect: "Allow", Action: needs.flatMap(secretActions), Resource: secretArns(p, names) }];
  });
  return own.some((s) => s.Action.includes("secretsmanager:DescribeSecret")) ? [...own, { Sid: "ListSecrets", Effect: "Allow", Action: ["secretsmanager:ListSecrets"], Resource: ["*"] }] : own;
}
/** Plain settings, in Parameter Store. A deployer writes those of its own class. */
function settingStatements(role: Role, p: Place): Statement[] {
  const READ = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"];
  const WRITE = ["ssm:PutParameter", "ssm:DeleteParameter", "ssm:DeleteParameters", "ssm:AddTagsToResource", "ssm:RemoveTagsFromResource", "ssm:ListTagsForResource"];
  const classes: readonly SecretClass[] = role === "deployer" ? ["standard"] : role === "payments-deployer" ? ["payments"] : CLASSES;
  const arns = classes.flatMap((cls) => parameterArns(p, cls));
  if (arns.length === 0 || !allows(role, "settings", p.tier, "open")) return [];
  const action = [...READ, ...(allows(role, "settings", p.tier, "write") ? WRITE : [])];
  return [
    { Sid: "Settings", Effect: "Allow", Action: action, Resource: arns },
    ...(allows(role, "settings", p.tier, "list") ? [{ Sid: "ListSettings", Effect: "Allow" as const, Action: ["ssm:DescribeParameters"], Resource: ["*"] }] : []),
  ];
}
/** What a deployer needs besides its secrets: its identity, its schedules, its own stack's state. No right over roles, policies, keys, the trail or the alerts. */
function deployerStatements(role: Role, p: Place): Statement[] {
  const cls = classOfDeployer(role);
  const schedules = `arn:aws:scheduler:${p.region}:${p.accountId}`;
  const identity: Statement = { Sid: "OwnIdentity", Effect: "Allow", Action: ["secretsmanager:GetSecretValue"], Resource: secretArns({ ...p, replicas: [] }, [identitySecretName(p.environment, role)]) };
  if (role === "rotator") return [identity];
  const state = stackKeys(p, cls).map((k) => `${bucketArn(p, "state")}/${k}`);
  return [
    identity,
    { Sid: "Schedules", Effect: "Allow", Action: ["scheduler:CreateSchedule", "scheduler:UpdateSchedule", "scheduler:DeleteSchedule", "scheduler:GetSchedule"], Resource: [`${schedules}:schedule/${scheduleGroup(p.environment, cls)}/*`] },
    // Scheduler takes no target without a role of its own. This one may publish reminders and nothing else, and nobody but Scheduler may be given it.
    { Sid: "ReminderRole", Effect: "Allow", Action: ["iam:PassRole"], Resource: [roleArn(p, "scheduler")], Condition: { StringEquals: { "iam:PassedToService": "scheduler.amazonaws.com" } } },
    { Sid: "OwnState", Effect: "Allow", Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], Resource: state },
    { Sid: "FoundationOutputs", Effect: "Allow", Action: ["s3:GetObject"], Resource: [`${bucketArn(p, "state")}/.pulumi/stacks/${p.project}/${p.environment}-foundation.json`, `${bucketArn(p, "state")}/.pulumi/meta.yaml`] },
    { Sid: "FindState", Effect: "Allow", Action: ["s3:ListBucket"], Resource: [bucketArn(p, "state")], Condition: { StringLike: { "s3:prefix": [".pulumi/*"] } } },
  ];
}
/** What drift and an audit need: lists and descriptions, never a value. */
function auditorStatements(p: Place): Statement[] {
  const roles = `arn:aws:iam::${p.accountId}`;
  return [
    { Sid: "Keys", Effect: "Allow", Action: ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListGrants", "kms:ListResourceTags"], Resource: regionsOf(p).map((r) => `arn:aws:kms:${r}:${p.accountId}:key/*`) },
    { Sid: "Identities", Effect: "Allow", Action: ["secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy"], Resource: secretArns({ ...p, replicas: [] }, DEPLOYERS.map((r) => identitySecretName(p.environment, r))) },
    { Sid: "Roles", Effect: "Allow", Action: ["iam:GetRole", "iam:GetRolePolicy", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies", "iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetOpenIDConnectProvider"], Resource: [`${roles}:role/stackseal-${p.environment}-*`, `${roles}:policy/stackseal-${p.environment}-*`, `${roles}:oidc-provider/*`] },
    { Sid: "Trail", Effect: "Allow", Action: ["cloudtrail:GetTrail", "cloudtrail:GetTrailStatus", "cloudtrail:GetEventSelectors"], Resource: [`arn:aws:cloudtrail:${p.region}:${p.accountId}:trail/stackseal-${p.environment}`] },
    { Sid: "Alerts", Effect: "Allow", Action: ["events:DescribeRule", "events:ListTargetsByRule", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "scheduler:GetSchedule"], Resource: [...new Set([p.region, ...p.replicas, "us-east-1"])].flatMap((r) => [`arn:aws:events:${r}:${p.accountId}:rule/stackseal-${p.environment}-*`, `arn:aws:sns:${r}:${p.accountId}:stackseal-${p.environment}-*`]).concat(`arn:aws:scheduler:${p.region}:${p.accountId}:schedule/stackseal-${p.environment}-*`) },
    { Sid: "Buckets", Effect: "Allow", Action: ["s3:GetBucketPolicy", "s3:GetBucketVersioning", "s3:GetBucketObjectLockConfiguration", "s3:GetBucketPublicAccessBlock", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration"], Resource: (["state", "backup", "trail"] as const).map((b) => bucketArn(p, b)) },
    // States hold no value: the rules are run on what is deployed, every night.
    { Sid: "States", Effect: "Allow", Action: ["s3:GetObject"], Resource: [`${bucketArn(p, "state")}/.pulumi/*`] },
    // Evidence holds no value either: since when the locked bucket has it.
    { Sid: "Evidence", Effect: "Allow", Action: ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectRetention"], Resource: [`${bucketArn(p, "backup")}/evidence/*`] },
    { Sid: "FindState", Effect: "Allow", Action: ["s3:ListBucket"], Resource: [bucketArn(p, "state")], Condition: { StringLike: { "s3:prefix": [".pulumi/*"] } } },
    { Sid: "Lists", Effect: "Allow", Action: ["kms:ListAliases", "cloudtrail:LookupEvents", "cloudtrail:DescribeTrails", "events:ListRules", "sns:ListTopics", "iam:ListRoles"], Resource: ["*"] },
  ];
}
/** EventBridge Scheduler's role: publishes reminders. */
export const schedulerPolicy = (p: Place): Document => document({ Sid: "Remind", Effect: "Allow", Action: ["sns:Publish"], Resource: [topicArn(p, "notice"), topicArn(p, "warning")] });
