import * as scheduler from "@aws-sdk/client-scheduler";
import * as ssm from "@aws-sdk/client-ssm";
import type { Emulator } from "../endpoint.ts";
import { defineType, map, maybe, region, tagList, text, unless } from "../type.ts";
import type { Props } from "../../../lib/pulumi-value.ts";

export const parameter = defineType({
  type: "aws:ssm/parameter:Parameter", properties: ["name", "type", "value", "tags", "region"], replaces: ["name", "region"],
  create: async (e, p) => {
    const c = e.client(ssm.SSMClient, region(p));
    const Name = text(p["name"]);
    await c.send(new ssm.PutParameterCommand({ Name, Value: text(p["value"]), Type: text(p["type"]) as ssm.ParameterType, Overwrite: true }));
    await c.send(new ssm.AddTagsToResourceCommand({ ResourceType: "Parameter", ResourceId: Name, Tags: tagList(p["tags"]) }));
    return { id: Name, outputs: { arn: `arn:aws:ssm:${region(p) ?? e.region}:${e.account}:parameter${Name}` } };
  },
  delete: async (e, id, p) => { await unless(["ParameterNotFound"], e.client(ssm.SSMClient, region(p)).send(new ssm.DeleteParameterCommand({ Name: id }))); },
});
export const scheduleGroup = defineType({
  type: "aws:scheduler/scheduleGroup:ScheduleGroup", properties: ["name", "tags", "region"], replaces: ["name", "region"],
  create: async (e, p) => {
    await unless(["ConflictException"], e.client(scheduler.SchedulerClient, region(p)).send(new scheduler.CreateScheduleGroupCommand({ Name: text(p["name"]), Tags: tagList(p["tags"]) })));
    return { id: text(p["name"]), outputs: {} };
  },
  delete: async (e, id, p) => { await unless(["ResourceNotFoundException"], e.client(scheduler.SchedulerClient, region(p)).send(new scheduler.DeleteScheduleGroupCommand({ Name: id }))); },
});
const input = (p: Props): scheduler.CreateScheduleCommandInput => ({
  Name: text(p["name"]), GroupName: text(p["groupName"]), Description: maybe(p["description"]), ScheduleExpression: text(p["scheduleExpression"]), ScheduleExpressionTimezone: maybe(p["scheduleExpressionTimezone"]),
  FlexibleTimeWindow: { Mode: text(map(p["flexibleTimeWindow"])["mode"]) as scheduler.FlexibleTimeWindowMode },
  Target: { Arn: text(map(p["target"])["arn"]), RoleArn: text(map(p["target"])["roleArn"]), Input: maybe(map(p["target"])["input"]) },
});
const write = async (e: Emulator, p: Props): Promise<void> => {
  const c = e.client(scheduler.SchedulerClient, region(p));
  if (!(await unless(["ConflictException"], c.send(new scheduler.CreateScheduleCommand(input(p)))))) await c.send(new scheduler.UpdateScheduleCommand(input(p)));
};
export const schedule = defineType({
  type: "aws:scheduler/schedule:Schedule", replaces: ["name", "groupName", "region"],
  properties: ["name", "groupName", "description", "scheduleExpression", "scheduleExpressionTimezone", "flexibleTimeWindow", "target", "state", "region"],
  create: async (e, p) => {
    await write(e, p);
    return { id: `${text(p["groupName"])}/${text(p["name"])}`, outputs: {} };
  },
  delete: async (e, _id, p) => { await unless(["ResourceNotFoundException"], e.client(scheduler.SchedulerClient, region(p)).send(new scheduler.DeleteScheduleCommand({ Name: text(p["name"]), GroupName: text(p["groupName"]) }))); },
});
