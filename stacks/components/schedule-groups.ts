import * as aws from "@pulumi/aws/scheduler/index.js";
import * as pulumi from "@pulumi/pulumi";
import { scheduleGroup } from "../../schemas/iam/place.ts";
import type { Declared } from "../read.ts";
import { ownTags } from "./tags.ts";

/** A group of schedules a class, so that each deployer has a right over its own reminders alone. */
export class ScheduleGroups extends pulumi.ComponentResource {
  constructor(d: Declared, opts?: pulumi.ComponentResourceOptions) {
    super("stackseal:index:ScheduleGroups", "schedule-groups", {}, opts);
    for (const cls of ["standard", "payments"] as const) new aws.ScheduleGroup(cls, { name: scheduleGroup(d.name, cls), tags: ownTags(d) }, { parent: this });
    this.registerOutputs({});
  }
}
