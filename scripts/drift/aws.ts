import { awsSettings, type AwsPlace } from "../../providers/aws/connect.ts";
import { awsFailure } from "../../providers/aws/errors.ts";
import { principalArnOfSession } from "../../sandbox/aws/faults.ts";
import { alertRules } from "../../schemas/alerts.ts";
import type { Document } from "../../schemas/iam/document.ts";
import { keyPolicy } from "../../schemas/iam/key-policy.ts";
import { topicPolicy } from "../../schemas/iam/other-policies.ts";
import { keyAlias, regionsOf, SEVERITIES, topicArn, trailName, type Place } from "../../schemas/iam/place.ts";
import { secretPolicy } from "../../schemas/iam/secret-policy.ts";
import type { Drift } from "./secrets.ts";

type Env = Readonly<Record<string, string | undefined>>;
const sorted = (v: unknown): unknown => (Array.isArray(v) ? v.map(sorted) : typeof v === "object" && v !== null ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, e]) => [k, sorted(e)])) : v);
function same(text: string | undefined, expected: string): boolean {
  try {
    return text !== undefined && JSON.stringify(sorted(JSON.parse(text))) === JSON.stringify(sorted(JSON.parse(expected)));
  } catch {
    return false;
  }
}
const missing = (e: unknown): boolean => (e as Error).name.includes('NotFound');
const orNull = async <T>(call: Promise<T>, what: string): Promise<T | null> => call.catch((e: unknown) => { if (missing(e)) return null; throw awsFailure(e, what); });

/** Resource policies, key policies, alert rules, topics and the trail against what the access matrix and the declarations give; by describing alone. */
export async function awsDrift(p: Place, at: AwsPlace, env: Env): Promise<Drift[]> {
  const [sm, kms, eb, sns, ct] = await Promise.all([import("@aws-sdk/client-secrets-manager"), import("@aws-sdk/client-kms"), import("@aws-sdk/client-eventbridge"), import("@aws-sdk/client-sns"), import("@aws-sdk/client-cloudtrail")]);
  const settings = awsSettings(at, env);
  const out: Drift[] = [];
  const note = (kind: Drift["kind"], name: string, expected: string, found: string): void => { out.push({ kind, name, expected, found, by: null }); };
  const sent = (d: Document): string => (at.endpoint === undefined ? JSON.stringify(d) : principalArnOfSession(JSON.stringify(d)));
  const secrets = new sm.SecretsManagerClient(settings);
  for (const cls of ["standard", "payments"] as const) {
    for (const name of p.secrets[cls]) {
      const got = await orNull(secrets.send(new sm.GetResourcePolicyCommand({ SecretId: name })), name);
      if (got && !same(got.ResourcePolicy, sent(secretPolicy(cls, p)))) note("policy", name, "the access matrix's resource policy", got.ResourcePolicy === undefined ? "none" : "another one");
    }
    const alias = keyAlias(p.environment, cls);
    const keys = new kms.KMSClient(settings);
    const key = await orNull(keys.send(new kms.DescribeKeyCommand({ KeyId: alias })), alias);
    if (!key?.KeyMetadata) { note("key", alias, "a key", "none"); continue; }
    if (key.KeyMetadata.Enabled !== true) note("key", alias, "enabled", String(key.KeyMetadata.KeyState));
    const policy = await orNull(keys.send(new kms.GetKeyPolicyCommand({ KeyId: key.KeyMetadata.KeyId, PolicyName: "default" })), alias);
    if (!same(policy?.Policy, JSON.stringify(keyPolicy(cls, p)))) note("key", alias, "the access matrix's key policy", "another one");
  }
  for (const rule of alertRules(p)) for (const region of rule.regions) {
    const name = `stackseal-${p.environment}-${rule.name}`;
    const got = await orNull(new eb.EventBridgeClient(awsSettings(at, env, region)).send(new eb.DescribeRuleCommand({ Name: name })), name);
    if (!got) note("rule", name, "a rule", "none");
    else if (got.State !== rule.state) note("rule", name, rule.state, String(got.State));
    else if (!same(got.EventPattern, JSON.stringify(rule.pattern))) note("rule", name, "its pattern", "another one");
  }
  for (const region of regionsOf(p)) for (const severity of SEVERITIES) {
    if (region !== p.region && severity === "notice") continue;
    const arn = topicArn(p, severity, region);
    const got = await orNull(new sns.SNSClient(awsSettings(at, env, region)).send(new sns.GetTopicAttributesCommand({ TopicArn: arn })), arn);
    if (!got) note("topic", arn, "a topic", "none");
    else if (!same(got.Attributes?.["Policy"], JSON.stringify(topicPolicy(severity, p, region)))) note("topic", arn, "its policy", "another one");
  }
  const trail = trailName(p.environment);
  const status = await orNull(new ct.CloudTrailClient(settings).send(new ct.GetTrailStatusCommand({ Name: trail })), trail);
  if (status?.IsLogging !== true) note("trail", trail, "logging", status ? "stopped" : "none");
  return out;
}
/** Who the trail says wrote to something last; null where it doesn't tell. */
export async function lastAuthor(name: string, at: AwsPlace, env: Env): Promise<string | null> {
  const ct = await import("@aws-sdk/client-cloudtrail");
  try {
    const { Events } = await new ct.CloudTrailClient(awsSettings(at, env)).send(new ct.LookupEventsCommand({ LookupAttributes: [{ AttributeKey: "ResourceName", AttributeValue: name }], MaxResults: 20 }));
    return (Events ?? []).find((e) => e.ReadOnly !== "true" && !/^(Get|Describe|List)/.test(e.EventName ?? ""))?.Username ?? null;
  } catch {
    // An author is a help, not the finding: a role without the right to look him up still gets the drift.
    return null;
  }
}
