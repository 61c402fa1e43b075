import * as aws from "@pulumi/aws/scheduler/index.js";
import * as pulumi from "@pulumi/pulumi";
import { addDays, isoDate } from "../../lib/clock.ts";
import type { SecretClass } from "../../schemas/access.ts";
import { REMINDERS } from "../../schemas/alerts.ts";
import { scheduleGroup, type AlertSeverity } from "../../schemas/iam/place.ts";
import { dueAt, type Declared, type DeclaredCredential } from "../read.ts";

export interface Reminding {
  readonly topics: Readonly<Record<AlertSeverity, pulumi.Input<string>>>;
  readonly roleArn: pulumi.Input<string>;
}
/** One-time reminders 30, 14 and 1 days before a credential is due, at nine in the morning UTC. What is over isn't scheduled any more; what is due another day is another schedule's time. */
export class DueSchedules extends pulumi.ComponentResource {
  constructor(d: Declared, cls: SecretClass, credentials: readonly DeclaredCredential[], to: Reminding, opts?: pulumi.ComponentResourceOptions) {
    super("stackseal:index:DueSchedules", `due-${cls}`, {}, opts);
    for (const c of credentials) for (const { days, severity } of REMINDERS) {
      const due = dueAt(c.claims);
      const on = isoDate(addDays(due, -days));
      if (on <= d.asOf) continue;
      const name = `${c.path}-${days}`;
      new aws.Schedule(name, {
        // 64 letters at most: the credential's path stands in the message.
        name: name.length <= 64 ? name : `${name.slice(0, 40)}-${c.claims.issueId.slice(-12)}-${days}`, groupName: scheduleGroup(d.name, cls),
        description: `${c.path} of ${d.name} is due on ${isoDate(due)}`, scheduleExpression: `at(${on}T09:00:00)`, scheduleExpressionTimezone: "UTC", flexibleTimeWindow: { mode: "OFF" },
        target: { arn: to.topics[severity], roleArn: to.roleArn, input: JSON.stringify({ environment: d.name, alert: "credential-due", severity, credential: c.path, kind: c.kind, dueAt: isoDate(due), days, next: `stackseal rotate plan --env ${d.name}` }) },
      }, { parent: this });
    }
    this.registerOutputs({});
  }
}
