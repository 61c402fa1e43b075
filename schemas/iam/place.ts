import { OIDC_ISSUER, type Deployment } from "../deployment.ts";
import { ROLES, type Role, type SecretClass, type Tier } from "../access.ts";
import { stackName, storeSecretName, type StackPart } from "../layout.ts";

/** Everything that an environment's access documents are derived from, besides the matrix. */
export interface Place {
  readonly environment: string;
  readonly tier: Tier;
  readonly accountId: string;
  readonly region: string;
  readonly replicas: readonly string[];
  /** Names of the store's secrets by class. */
  readonly secrets: Readonly<Record<SecretClass, readonly string[]>>;
  /** Ids of integrations that have plain settings, by class. */
  readonly settings: Readonly<Record<SecretClass, readonly string[]>>;
  /** Where deployments are started from; null where environment.yaml doesn't say, and then no machine may assume a deployer's role. */
  readonly deployment: Deployment | null;
  readonly project: string;
}
/** Roles that exist in an account: all that the matrix gives something there. `scheduler` is EventBridge Scheduler's own. */
export const roleName = (p: Place, role: Role | "scheduler"): string => `stackseal-${p.environment}-${role}`;
export const roleArn = (p: Place, role: Role | "scheduler"): string => `arn:aws:iam::${p.accountId}:role/${roleName(p, role)}`;
export const boundaryName = (p: Place, role: Role | "scheduler"): string => `stackseal-${p.environment}-boundary${role === "super-admin" ? "-super-admin" : ""}`;
export const boundaryArn = (p: Place, role: Role | "scheduler"): string => `arn:aws:iam::${p.accountId}:policy/${boundaryName(p, role)}`;
export const rootArn = (p: Place): string => `arn:aws:iam::${p.accountId}:root`;
export const oidcHost = (d: Deployment): string => (d.issuer ?? OIDC_ISSUER).replace(/^https:\/\//, "");
export const oidcArn = (p: Place, d: Deployment): string => `arn:aws:iam::${p.accountId}:oidc-provider/${oidcHost(d)}`;
export const regionsOf = (p: Place): string[] => [p.region, ...p.replicas.filter((r) => r !== p.region)];

export const keyAlias = (environment: string, cls: SecretClass): string => `alias/stackseal/${environment}/${cls}`;
export const secretArns = (p: Place, names: readonly string[]): string[] => regionsOf(p).flatMap((r) => names.map((n) => `arn:aws:secretsmanager:${r}:${p.accountId}:secret:${n}-??????`));
export const allSecretArns = (p: Place): string[] => regionsOf(p).map((r) => `arn:aws:secretsmanager:${r}:${p.accountId}:secret:stackseal/${p.environment}/*`);
/** The secret that holds a deployer's age identity: fetched under the OIDC role at run time, so that the code host has none. */
export const identitySecretName = (environment: string, role: Role): string => `stackseal/${environment}/identity/${role}`;
export const DEPLOYERS = ["deployer", "payments-deployer", "rotator"] as const satisfies readonly Role[];
export const classOfDeployer = (role: Role): SecretClass => (role === "payments-deployer" ? "payments" : "standard");
/** Who deploys a stack of an environment: its own deployer, and super-admin, who may do everything. The rotator writes to the store and deploys nothing. */
export const rolesOfStack = (part: StackPart): Role[] => [...(["deployer", "payments-deployer"] as const).filter((r) => classOfDeployer(r) === part), "super-admin"];
/** Which of an environment's roles a session is of; null for a person's, the root's, or another environment's. */
export const roleOfSession = (p: Place, arn: string): Role | null => ROLES.find((r) => arn.startsWith(`arn:aws:sts::${p.accountId}:assumed-role/${roleName(p, r)}/`)) ?? null;
export const parameterArns = (p: Place, cls: SecretClass): string[] => p.settings[cls].map((i) => `arn:aws:ssm:${p.region}:${p.accountId}:parameter/stackseal/${p.environment}/${i}/*`);
export const secretNames = (environment: string, cls: SecretClass, integrations: readonly string[]): string[] => integrations.map((i) => storeSecretName(environment, cls, i));

export const SEVERITIES = ["notice", "warning", "critical"] as const;
/** `notice`: usual reads and due dates; `warning`: changes; `critical`: reads of payment secrets by anybody else, changes of the trail, Stripe's key. */
export type AlertSeverity = (typeof SEVERITIES)[number];
export const topicName = (environment: string, severity: AlertSeverity): string => `stackseal-${environment}-${severity}`;
export const topicArn = (p: Place, severity: AlertSeverity, region = p.region): string => `arn:aws:sns:${region}:${p.accountId}:${topicName(p.environment, severity)}`;
/** Where the canary listens. */
export const canaryQueue = (environment: string): string => `stackseal-${environment}-canary`;
export const scheduleGroup = (environment: string, cls: SecretClass): string => `stackseal-${environment}-${cls}`;
export const BUCKETS = ["state", "backup", "trail"] as const;
export type BucketUse = (typeof BUCKETS)[number];
/** S3's names are shared by the whole world: the account's number makes them ours. */
export const bucketName = (p: Place, use: BucketUse): string => `stackseal-${p.environment}-${use}-${p.accountId}`;
export const bucketArn = (p: Place, use: BucketUse): string => `arn:aws:s3:::${bucketName(p, use)}`;
export const trailName = (environment: string): string => `stackseal-${environment}`;
export const trailArn = (p: Place): string => `arn:aws:cloudtrail:${p.region}:${p.accountId}:trail/${trailName(p.environment)}`;
/** Where Pulumi's S3 backend keeps what a deployer's own stack needs: state, its copies, history and locks. */
export function stackKeys(p: Place, cls: SecretClass): string[] {
  const stack = stackName(p.environment, cls);
  return ["stacks", "backups", "history"].flatMap((d) => [`.pulumi/${d}/${p.project}/${stack}.json*`, `.pulumi/${d}/${p.project}/${stack}/*`]).concat(`.pulumi/locks/organization/${p.project}/${stack}/*`);
}
