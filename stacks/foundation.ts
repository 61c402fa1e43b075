import type * as pulumi from "@pulumi/pulumi";
import type { SecretClass } from "../schemas/access.ts";
import { classOfDeployer, DEPLOYERS, identitySecretName, scheduleGroup, trailArn, type Place } from "../schemas/iam/place.ts";
import { identityPolicy, secretPolicy } from "../schemas/iam/secret-policy.ts";
import { awsProvider } from "./components/aws-provider.ts";
import { ChangeAlerts } from "./components/change-alerts.ts";
import { ClassKey } from "./components/keys.ts";
import { LockedBucket } from "./components/locked-bucket.ts";
import { Roles } from "./components/roles.ts";
import { ScheduleGroups } from "./components/schedule-groups.ts";
import { SecretShell } from "./components/secret-shell.ts";
import { AuditTrail } from "./components/trail.ts";
import type { Outputs } from "./program.ts";
import type { Declared } from "./read.ts";

const CLASSES: readonly SecretClass[] = ["standard", "payments"];

/** `<env>-foundation` on AWS: who may what, the keys, the empty secrets, the trail, the alerts, the buckets. Super Admins deploy it, and nobody else can. */
export function foundation(d: Declared, p: Place): Outputs {
  const aws = awsProvider(d);
  const opts: pulumi.ComponentResourceOptions = aws ? { providers: { aws } } : {};
  const roles = new Roles(d, p, opts);
  const keys = Object.fromEntries(CLASSES.map((cls) => [cls, new ClassKey(cls, d, p, { ...opts, dependsOn: [roles] })])) as Record<SecretClass, ClassKey>;
  for (const cls of CLASSES) for (const secretId of p.secrets[cls]) {
    const name = secretId.split("/").slice(2).join("-");
    new SecretShell(name, d, p, { secretId, cls, key: keys[cls], policy: secretPolicy(cls, p), description: `${name} credentials of ${d.name}; managed by stackseal` }, opts);
  }
  for (const role of DEPLOYERS) if (p.deployment) {
    const cls = classOfDeployer(role);
    new SecretShell(`identity-${role}`, d, { ...p, replicas: [] }, { secretId: identitySecretName(d.name, role), cls, key: keys[cls], policy: identityPolicy(role, p), description: `Age identity of ${role} of ${d.name}; a Super Admin puts it here` }, opts);
  }
  const state = new LockedBucket("state", d, p, opts);
  const backup = new LockedBucket("backup", d, p, opts);
  const trail = new AuditTrail(d, p, opts);
  const alerts = new ChangeAlerts(d, p, { ...opts, dependsOn: [trail] });
  new ScheduleGroups(d, opts);
  // Names and ARNs that are known before anything is made: a preview of the other stacks reads them too.
  return {
    environment: d.name, keys: { standard: keys.standard.alias, payments: keys.payments.alias }, roles: roles.arns, topics: alerts.topics,
    scheduler: { roleArn: roles.arns.scheduler, groups: Object.fromEntries(CLASSES.map((c) => [c, scheduleGroup(d.name, c)])) },
    buckets: { state: state.name, backup: backup.name }, trail: trailArn(p),
  };
}
