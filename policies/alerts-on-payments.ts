import { environmentFile, LOCAL } from "../schemas/layout.ts";
import { each } from "./kit/unknown.ts";
import { definePolicy, type Resource } from "./policy.ts";

const RULE = "aws:cloudwatch/eventRule:EventRule";
const TARGET = "aws:cloudwatch/eventTarget:EventTarget";
const TOPIC = "aws:sns/topic:Topic";
const SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription";
const urn = (type: string, name: string): string => `urn:pulumi:prod-foundation::stackseal::${type}::${name}`;
const ON = ["ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"];

const pattern = (r: Resource): string => (typeof r.props["eventPattern"] === "string" ? r.props["eventPattern"] : "");
const aboutPayments = (r: Resource): boolean => pattern(r).includes('payments') || /payments?/.test(r.name);
const CHANGES = ["PutSecretValue", "UpdateSecret", "DeleteSecret"];
const READS = ["GetSecretValue"];
/** A pattern that names no event is of all. */
const sees = (r: Resource, event: string): boolean => pattern(r) !== "" && (!pattern(r).includes("eventName") || pattern(r).includes(`"${event}"`));

const rule = (name: string, events: string[], more: Record<string, unknown> = {}): { type: string; name: string; stack: string; props: Record<string, unknown> } => ({ type: RULE, name, stack: "prod-foundation", props: { name: `stackseal-${name}`, eventPattern: JSON.stringify({ source: ["aws.secretsmanager"], detail: { eventName: events, requestParameters: { secretId: [{ wildcard: "*stackseal/prod/payments/*" }] } } }), ...more } });
const target = (name: string): { type: string; name: string; stack: string; props: Record<string, unknown>; from: Record<string, string[]> } => ({ type: TARGET, name, stack: "prod-foundation", props: { arn: "arn:aws:sns:eu-west-1:333333333333:alerts" }, from: { rule: [urn(RULE, name)] } });
const changes = rule("payments-changes", ["PutSecretValue", "UpdateSecret", "DeleteSecret"]);
const reads = rule("payments-reads", ["GetSecretValue", "BatchGetSecretValue"], { state: "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" });
const sns = [{ type: TOPIC, name: "alerts", stack: "prod-foundation", props: {} }, { type: SUBSCRIPTION, name: "mail", stack: "prod-foundation", props: { protocol: "email" }, from: { topic: [urn(TOPIC, "alerts")] } }];

export const alertsOnPayments = definePolicy({
  id: "alerts-on-payments",
  title: "Somebody is told of every change and every read of a payment secret",
  severity: "high",
  level: "mandatory",
  remediation: "Declare alerts.email in environment.yaml; the foundation stack's rules, targets and topics follow.",
  chapter: "Alert on Changes",
  declared: (f, report) => {
    for (const d of f.environments.filter((e) => e.name !== LOCAL && e.payments)) if (!d.environment.alerts) report(`nobody is told when payment secrets of ${d.name} change`, { file: environmentFile(d.name), hint: "alerts: { email: [team@example.com] }" });
  },
  stack: (s, report) => {
    const rules = s.resources.filter((r) => r.type === RULE);
    if (s.part !== "foundation" || (s.own && s.own.accountId === undefined)) return;
    const of = (events: readonly string[], word: string): void => {
      const found = rules.filter((r) => aboutPayments(r) && events.some((e) => sees(r, e)));
      const unseen = events.filter((e) => !found.some((r) => sees(r, e)));
      if (unseen.length) report(`no rule watches every ${word} of a payment secret (${unseen.join(", ")})`);
      each(found, (r) => {
        const state = r.props["state"];
        if ((typeof state === "string" && !ON.includes(state)) || r.props["isEnabled"] === false) report(`the rule ${r.name} is switched off`, r.urn);
        // CloudTrail's read-only events reach EventBridge in this state alone.
        if (word === "read" && state !== "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS") report(`the rule ${r.name} sees no reads: its state must be ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS`, r.urn);
        const targets = s.resources.filter((t) => t.type === TARGET && (t.from?.["rule"]?.includes(r.urn) === true || (typeof t.props["rule"] === "string" && t.props["rule"] === r.props["name"])));
        if (targets.length === 0) report(`the rule ${r.name} tells nobody: it has no target`, r.urn);
      });
    };
    of(CHANGES, "change");
    of(READS, "read");
    const topics = s.resources.filter((r) => r.type === TOPIC);
    const subscribed = s.resources.filter((r) => r.type === SUBSCRIPTION);
    if (topics.length > 0 && subscribed.length === 0) report("nobody is subscribed to the alerts' topics");
  },
  passes: [
    { says: "accepts rules that tell somebody", stack: [changes, reads, target("payments-changes"), target("payments-reads"), ...sns] },
    { says: "accepts declared receivers", project: () => undefined },
  ],
  breaks: [
    { says: "rejects a foundation without rules", stack: [...sns] },
    { says: "rejects reads that nobody watches", stack: [changes, target("payments-changes"), ...sns] },
    { says: "rejects changes that nobody watches", stack: [reads, target("payments-reads"), ...sns] },
    { says: "rejects a rule that sees deletions alone", stack: [rule("payments-changes", ["DeleteSecret", "UpdateSecretVersionStage"]), reads, target("payments-changes"), target("payments-reads"), ...sns] },
    { says: "rejects a rule that is switched off", stack: [{ ...changes, props: { ...changes.props, state: "DISABLED" } }, reads, target("payments-changes"), target("payments-reads"), ...sns] },
    { says: "rejects a rule that can't see reads", stack: [changes, { ...reads, props: { ...reads.props, state: "ENABLED" } }, target("payments-changes"), target("payments-reads"), ...sns] },
    { says: "rejects a rule without a target", stack: [changes, reads, target("payments-reads"), ...sns] },
    { says: "rejects topics without a subscriber", stack: [changes, reads, target("payments-changes"), target("payments-reads"), sns[0] as (typeof sns)[0]] },
    { says: "rejects an environment without receivers", project: (p) => { p.replace("stacks/prod/environment.yaml", /alerts: .*\n/, ""); } },
  ],
});
