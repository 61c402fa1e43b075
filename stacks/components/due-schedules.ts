import type { ScheduleArgs } from "@pulumi/aws/scheduler/index.js";
import * as pulumi from "@pulumi/pulumi";
import { isoDate } from "../../lib/clock.ts";
import type { SecretClass } from "../../schemas/access.ts";
import { scheduleGroup, type AlertSeverity } from "../../schemas/iam/place.ts";
import { reminders } from "../access/reminders.ts";
import type { Declared, DeclaredCredential } from "../read.ts";

export interface Reminding {
  readonly topics: Readonly<Record<AlertSeverity, pulumi.Input<string>>>;
  readonly roleArn: pulumi.Input<string>;
}
/** One-time reminders 30, 14 and 1 days before a credential is due, at nine in the morning UTC. What is over isn't scheduled any more; what is due another day is another schedule's time. */
export class DueSchedules extends pulumi.ComponentResource {
  constructor(d: Declared, cls: SecretClass, credentials: readonly DeclaredCredential[], to: Reminding, opts?: pulumi.ComponentResourceOptions) {
    super("stackseal:index:DueSchedules", `due-${cls}`, {}, opts);
    for (const { credential: c, days, severity, due, name, expression } of reminders(d, credentials))
      new Schedule(`${c.path}-${days}`, {
        name, groupName: scheduleGroup(d.name, cls),
        description: `${c.path} of ${d.name} is due on ${isoDate(due)}`, scheduleExpression: expression, scheduleExpressionTimezone: "UTC", flexibleTimeWindow: { mode: "OFF" },
        target: { arn: to.topics[severity], roleArn: to.roleArn, input: JSON.stringify({ environment: d.name, alert: "credential-due", severity, credential: c.path, kind: c.kind, dueAt: isoDate(due), days, next: `stackseal rotate plan --env ${d.name}` }) },
      }, { parent: this });
    this.registerOutputs({});
  }
}
/** `aws.Schedule` without its outputs: an environment has more of these than of all else, nobody reads one's outputs, and making them is half of what declaring it takes. */
class Schedule extends pulumi.CustomResource {
  constructor(name: string, args: ScheduleArgs, opts: pulumi.CustomResourceOptions) {
    super("aws:scheduler/schedule:Schedule", name, { ...args }, opts);
  }
}
