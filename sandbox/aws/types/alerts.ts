import * as trails from "@aws-sdk/client-cloudtrail";
import * as events from "@aws-sdk/client-eventbridge";
import * as sns from "@aws-sdk/client-sns";
import { defineType, flag, list, map, region, tagList, text, unless } from "../type.ts";

export const trail = defineType({
  type: "aws:cloudtrail/trail:Trail", replaces: ["name", "region"],
  properties: ["name", "s3BucketName", "isMultiRegionTrail", "includeGlobalServiceEvents", "enableLogFileValidation", "enableLogging", "eventSelectors", "kmsKeyId", "tags", "region"],
  create: async (e, p) => {
    const c = e.client(trails.CloudTrailClient, region(p));
    const Name = text(p["name"]);
    const at = { Name, S3BucketName: text(p["s3BucketName"]), IsMultiRegionTrail: flag(p["isMultiRegionTrail"]), IncludeGlobalServiceEvents: flag(p["includeGlobalServiceEvents"]), EnableLogFileValidation: flag(p["enableLogFileValidation"]) };
    if (!(await unless(["TrailAlreadyExistsException"], c.send(new trails.CreateTrailCommand({ ...at, TagsList: tagList(p["tags"]) }))))) await c.send(new trails.UpdateTrailCommand(at));
    await c.send(new trails.PutEventSelectorsCommand({ TrailName: Name, EventSelectors: list(p["eventSelectors"]).map((s) => ({ ReadWriteType: text(map(s)["readWriteType"]) as trails.ReadWriteType, IncludeManagementEvents: flag(map(s)["includeManagementEvents"]) })) }));
    if (flag(p["enableLogging"])) await c.send(new trails.StartLoggingCommand({ Name }));
    const arn = `arn:aws:cloudtrail:${region(p) ?? e.region}:${e.account}:trail/${Name}`;
    return { id: arn, outputs: { arn } };
  },
  delete: async (e, _id, p) => { await unless(["TrailNotFoundException"], e.client(trails.CloudTrailClient, region(p)).send(new trails.DeleteTrailCommand({ Name: text(p["name"]) }))); },
});
export const topic = defineType({
  type: "aws:sns/topic:Topic", properties: ["name", "region", "signatureVersion", "kmsMasterKeyId", "tags"], replaces: ["name", "region"],
  create: async (e, p) => {
    const c = e.client(sns.SNSClient, region(p));
    const arn = (await c.send(new sns.CreateTopicCommand({ Name: text(p["name"]), Tags: tagList(p["tags"]) }))).TopicArn ?? "";
    if (p["signatureVersion"] !== undefined) await c.send(new sns.SetTopicAttributesCommand({ TopicArn: arn, AttributeName: "SignatureVersion", AttributeValue: text(p["signatureVersion"]) }));
    return { id: arn, outputs: { arn } };
  },
  delete: async (e, id, p) => { await e.client(sns.SNSClient, region(p)).send(new sns.DeleteTopicCommand({ TopicArn: id })); },
});
export const topicPolicy = defineType({
  type: "aws:sns/topicPolicy:TopicPolicy", properties: ["arn", "policy", "region"], replaces: ["arn", "region"], policies: { policy: "topic" },
  create: async (e, p) => {
    await e.client(sns.SNSClient, region(p)).send(new sns.SetTopicAttributesCommand({ TopicArn: text(p["arn"]), AttributeName: "Policy", AttributeValue: text(p["policy"]) }));
    return { id: text(p["arn"]), outputs: {} };
  },
  // It goes with its topic.
  delete: () => Promise.resolve(),
});
export const subscription = defineType({
  type: "aws:sns/topicSubscription:TopicSubscription", properties: ["topic", "protocol", "endpoint", "rawMessageDelivery", "region"], replaces: ["topic", "protocol", "endpoint", "region"],
  create: async (e, p) => {
    const made = await e.client(sns.SNSClient, region(p)).send(new sns.SubscribeCommand({ TopicArn: text(p["topic"]), Protocol: text(p["protocol"]), Endpoint: text(p["endpoint"]), ReturnSubscriptionArn: true }));
    return { id: made.SubscriptionArn ?? `${text(p["topic"])}:${text(p["endpoint"])}`, outputs: { arn: made.SubscriptionArn ?? "" } };
  },
  delete: async (e, id, p) => { await unless(["NotFoundException", "InvalidParameterException"], e.client(sns.SNSClient, region(p)).send(new sns.UnsubscribeCommand({ SubscriptionArn: id }))); },
});
export const rule = defineType({
  type: "aws:cloudwatch/eventRule:EventRule", properties: ["name", "region", "description", "state", "eventPattern", "tags"], replaces: ["name", "region"],
  create: async (e, p) => {
    const made = await e.client(events.EventBridgeClient, region(p)).send(new events.PutRuleCommand({ Name: text(p["name"]), Description: text(p["description"]), State: text(p["state"]) as events.RuleState, EventPattern: text(p["eventPattern"]) }));
    return { id: text(p["name"]), outputs: { arn: made.RuleArn ?? "" } };
  },
  delete: async (e, id, p) => { await unless(["ResourceNotFoundException"], e.client(events.EventBridgeClient, region(p)).send(new events.DeleteRuleCommand({ Name: id }))); },
});
export const target = defineType({
  type: "aws:cloudwatch/eventTarget:EventTarget", properties: ["rule", "region", "targetId", "arn", "inputTransformer"], replaces: ["rule", "targetId", "region"],
  create: async (e, p) => {
    const t = map(p["inputTransformer"]);
    const InputPathsMap = Object.fromEntries(Object.entries(map(t["inputPaths"])).map(([k, v]) => [k, text(v)]));
    const r = await e.client(events.EventBridgeClient, region(p)).send(new events.PutTargetsCommand({ Rule: text(p["rule"]), Targets: [{ Id: text(p["targetId"]), Arn: text(p["arn"]), ...(p["inputTransformer"] !== undefined && { InputTransformer: { InputPathsMap, InputTemplate: text(t["inputTemplate"]) } }) }] }));
    if ((r.FailedEntryCount ?? 0) > 0) throw new Error(`a target of ${text(p["rule"])} was not taken: ${r.FailedEntries?.[0]?.ErrorCode ?? ""}`);
    return { id: `${text(p["rule"])}-${text(p["targetId"])}`, outputs: {} };
  },
  delete: async (e, _id, p) => { await unless(["ResourceNotFoundException"], e.client(events.EventBridgeClient, region(p)).send(new events.RemoveTargetsCommand({ Rule: text(p["rule"]), Ids: [text(p["targetId"])] }))); },
});
