import { awsSettings, type AwsPlace } from "../../providers/aws/connect.ts";
import { alertRules, alertTopics, LOUD } from "../../schemas/alerts.ts";
import type { Environment } from "../../schemas/environment.ts";
import { topicPolicy } from "../../schemas/iam/other-policies.ts";
import { canaryQueue, scheduleGroup, topicArn, trailName, type Place } from "../../schemas/iam/place.ts";
import { reminders } from "../../stacks/access/reminders.ts";
import type { Declared } from "../../stacks/read.ts";
import { Notes, orNull, orUnseen, sameJson } from "./compare.ts";
import type { Drift } from "./secrets.ts";

type Env = Readonly<Record<string, string | undefined>>;
/** Rules with their targets, topics with their subscribers, the trail and the due dates' schedules against what is declared. */
export async function alertDrift(p: Place, d: Declared, at: AwsPlace, env: Env): Promise<Drift[]> {
  const n = new Notes();
  await rules(n, p, at, env);
  await topics(n, p, at, env, d.environment.alerts);
  await trail(n, p, at, env);
  await schedules(n, p, d, at, env);
  return n.found;
}
async function rules(n: Notes, p: Place, at: AwsPlace, env: Env): Promise<void> {
  const eb = await import("@aws-sdk/client-eventbridge");
  for (const rule of alertRules(p)) for (const region of rule.regions) {
    const client = new eb.EventBridgeClient(awsSettings(at, env, region));
    const name = `stackseal-${p.environment}-${rule.name}`;
    const got = await orNull(client.send(new eb.DescribeRuleCommand({ Name: name })), name);
    if (!got) { n.note("rule", name, "a rule", "none"); continue; }
    if (got.State !== rule.state) n.note("rule", name, rule.state, String(got.State));
    else if (!sameJson(got.EventPattern, JSON.stringify(rule.pattern))) n.note("rule", name, "its pattern", "another one");
    const listed = await orUnseen(client.send(new eb.ListTargetsByRuleCommand({ Rule: name })), name, at.endpoint !== undefined);
    if (listed === undefined) continue;
    const targets = (listed?.Targets ?? []).map((t) => t.Arn ?? "");
    const arn = topicArn(p, rule.severity, region);
    if (!targets.includes(arn)) n.note("target", name, arn, targets.join(", ") || "nobody");
    for (const extra of targets.filter((t) => t !== arn)) n.note("target", name, "no other target", extra);
  }
}
async function topics(n: Notes, p: Place, at: AwsPlace, env: Env, alerts: Environment["alerts"]): Promise<void> {
  const sns = await import("@aws-sdk/client-sns");
  for (const { severity, region } of alertTopics(p)) {
    const client = new sns.SNSClient(awsSettings(at, env, region));
    const arn = topicArn(p, severity, region);
    const got = await orNull(client.send(new sns.GetTopicAttributesCommand({ TopicArn: arn })), arn);
    if (!got) { n.note("topic", arn, "a topic", "none"); continue; }
    if (!sameJson(got.Attributes?.["Policy"], JSON.stringify(topicPolicy(severity, p, region)))) n.note("topic", arn, "its policy", "another one");
    const has: string[] = [];
    for await (const page of sns.paginateListSubscriptionsByTopic({ client }, { TopicArn: arn })) has.push(...(page.Subscriptions ?? []).map((s) => `${s.Protocol ?? "?"} ${s.Endpoint ?? "?"}`));
    const wanted = LOUD.includes(severity) ? [...(alerts?.email ?? []).map((e) => `email ${e}`), ...(alerts?.https ?? []).map((u) => `https ${u}`)] : [];
    for (const w of wanted.filter((x) => !has.includes(x))) n.note("subscription", arn, w, "not subscribed");
    // A canary that is listening just now is no stranger.
    for (const h of has.filter((x) => !wanted.includes(x) && !(x.startsWith("sqs ") && x.endsWith(`:${canaryQueue(p.environment)}`)))) n.note("subscription", arn, "no such subscriber", h);
  }
}
async function trail(n: Notes, p: Place, at: AwsPlace, env: Env): Promise<void> {
  const ct = await import("@aws-sdk/client-cloudtrail");
  const client = new ct.CloudTrailClient(awsSettings(at, env));
  const name = trailName(p.environment);
  const status = await orNull(client.send(new ct.GetTrailStatusCommand({ Name: name })), name);
  if (status?.IsLogging !== true) n.note("trail", name, "logging", status ? "stopped" : "none");
  const got = (await orNull(client.send(new ct.GetTrailCommand({ Name: name })), name))?.Trail;
  if (!got) return;
  if (got.IsMultiRegionTrail !== true) n.note("trail", name, "every region", "one region");
  if (got.LogFileValidationEnabled !== true) n.note("trail", name, "log files validated", "not validated");
  const selectors = (await orNull(client.send(new ct.GetEventSelectorsCommand({ TrailName: name })), name))?.EventSelectors ?? [];
  if (!selectors.some((s) => s.ReadWriteType === "All" && s.IncludeManagementEvents === true && (s.ExcludeManagementEventSources ?? []).length === 0)) n.note("trail", name, "all management events", "some are left out");
}
async function schedules(n: Notes, p: Place, d: Declared, at: AwsPlace, env: Env): Promise<void> {
  const sch = await import("@aws-sdk/client-scheduler");
  const client = new sch.SchedulerClient(awsSettings(at, env));
  for (const cls of ["standard", "payments"] as const) for (const r of reminders(d, d.credentials.filter((c) => c.spec.class === cls))) {
    const GroupName = scheduleGroup(d.name, cls);
    const got = await orUnseen(client.send(new sch.GetScheduleCommand({ GroupName, Name: r.name })), r.name, at.endpoint !== undefined);
    if (got === undefined) continue;
    const name = `${GroupName}/${r.name}`;
    if (!got) n.note("schedule", name, r.expression, "none");
    else if (got.ScheduleExpression !== r.expression) n.note("schedule", name, r.expression, got.ScheduleExpression ?? "?");
    else if (got.State === "DISABLED") n.note("schedule", name, "enabled", "disabled");
    else if (got.Target?.Arn !== topicArn(p, r.severity)) n.note("schedule", name, topicArn(p, r.severity), got.Target?.Arn ?? "nobody");
  }
}
