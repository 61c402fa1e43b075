import * as events from "@pulumi/aws/cloudwatch/index.js";
import * as sns from "@pulumi/aws/sns/index.js";
import * as pulumi from "@pulumi/pulumi";
import { ALERT_PATHS, alertRules, alertTemplate, alertTopics, LOUD } from "../../schemas/alerts.ts";
import { topicPolicy } from "../../schemas/iam/other-policies.ts";
import { SEVERITIES, topicArn, topicName, type AlertSeverity, type Place } from "../../schemas/iam/place.ts";
import { policyText } from "../access/checked.ts";
import type { Declared } from "../read.ts";
import { ownTags } from "./tags.ts";

/** A topic a severity and region, their subscribers, and the rules that publish there. */
export class ChangeAlerts extends pulumi.ComponentResource {
  /** Severity → ARN, in the environment's own region. */
  readonly topics: Readonly<Record<AlertSeverity, string>>;
  constructor(d: Declared, p: Place, opts?: pulumi.ComponentResourceOptions) {
    super("stackseal:index:ChangeAlerts", "alerts", {}, opts);
    const rules = alertRules(p);
    const topics = new Map<string, sns.Topic>();
    const at = (name: string, region: string): string => (region === p.region ? name : `${name}-${region}`);
    for (const { severity, region } of alertTopics(p)) {
      const name = at(severity, region);
      const topic = new sns.Topic(name, { name: topicName(d.name, severity), region, signatureVersion: 2, tags: { ...ownTags(d), severity } }, { parent: this });
      const on = { parent: this, dependsOn: [topic] };
      const arn = topicArn(p, severity, region);
      new sns.TopicPolicy(name, { arn, region, policy: policyText("topic", `topic ${severity}`, topicPolicy(severity, p, region)) }, on);
      topics.set(`${region}/${severity}`, topic);
      if (!LOUD.includes(severity)) continue;
      (d.environment.alerts?.email ?? []).forEach((endpoint, i) => { new sns.TopicSubscription(`${name}-email-${i}`, { topic: arn, region, protocol: "email", endpoint }, on); });
      (d.environment.alerts?.https ?? []).forEach((endpoint, i) => { new sns.TopicSubscription(`${name}-https-${i}`, { topic: arn, region, protocol: "https", endpoint }, on); });
    }
    for (const rule of rules) for (const region of rule.regions) {
      const name = at(rule.name, region);
      const made = new events.EventRule(name, { name: `stackseal-${d.name}-${rule.name}`, region, description: `${d.name}: ${rule.says}`, state: rule.state, eventPattern: JSON.stringify(rule.pattern), tags: ownTags(d) }, { parent: this });
      const topic = topics.get(`${region}/${rule.severity}`);
      if (topic) new events.EventTarget(name, { rule: made.name, region, targetId: rule.severity, arn: topicArn(p, rule.severity, region), inputTransformer: { inputPaths: { ...ALERT_PATHS }, inputTemplate: alertTemplate(d.name, rule) } }, { parent: this, dependsOn: [topic] });
    }
    this.topics = Object.fromEntries(SEVERITIES.map((s) => [s, topicArn(p, s)])) as Record<AlertSeverity, string>;
    this.registerOutputs({ topics: this.topics });
  }
}
