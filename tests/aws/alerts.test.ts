import { CreateQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { EventBridgeClient, PutEventsCommand, PutRuleCommand, PutTargetsCommand, TestEventPatternCommand } from "@aws-sdk/client-eventbridge";
import { CreateTopicCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ALERT_PATHS, alertRules, alertTemplate } from "../../schemas/alerts.ts";
import type { Place } from "../../schemas/iam/place.ts";
import { findPeer, startMinistack, type Emulator } from "./emulator.ts";
import { ACCOUNT } from "./project.ts";

const skip = findPeer("ministack") === undefined;
const place: Place = {
  environment: "prod", tier: "production", accountId: ACCOUNT, region: "eu-west-1", replicas: ["eu-central-1"], project: "stackseal", settings: { standard: [], payments: [] },
  secrets: { standard: ["stackseal/prod/twilio"], payments: ["stackseal/prod/payments/stripe"] },
  deployment: { repository: "acme/platform-credentials", usual: { vpcEndpoints: ["vpce-0123456789abcdef0"], session: "ecs-" } },
};
const rules = alertRules(place);
const rule = (name: string) => rules.find((r) => r.name === name)!;

/** The shape of a captured event of CloudTrail, with what a case changes. */
const event = (service: string, eventName: string, detail: Record<string, unknown> = {}, type = "AWS API Call via CloudTrail"): string => JSON.stringify({
  version: "0", id: "6a7e8feb-b491-4cf7-a9f1-bf3703467718", "detail-type": type, source: `aws.${service}`, account: ACCOUNT, time: "2026-11-24T12:00:00Z", region: "eu-west-1", resources: [],
  detail: { eventVersion: "1.11", eventTime: "2026-11-24T12:00:00Z", eventSource: `${service}.amazonaws.com`, eventName, awsRegion: "eu-west-1", sourceIPAddress: "203.0.113.7", userAgent: "aws-sdk", readOnly: false, eventType: "AwsApiCall", managementEvent: true, recipientAccountId: ACCOUNT, requestParameters: null, responseElements: null, userIdentity: user("deployer", "run-1"), ...detail },
});
const user = (role: string, session: string): Record<string, unknown> => ({ type: "AssumedRole", principalId: `AROAEXAMPLE:${session}`, arn: `arn:aws:sts::${ACCOUNT}:assumed-role/stackseal-prod-${role}/${session}`, accountId: ACCOUNT, sessionContext: { sessionIssuer: { type: "Role", arn: `arn:aws:iam::${ACCOUNT}:role/stackseal-prod-${role}`, userName: `stackseal-prod-${role}` } } });
const read = (secretId: string, more: Record<string, unknown> = {}): string => event("secretsmanager", "GetSecretValue", { readOnly: true, requestParameters: { secretId }, ...more });
const stripe = "stackseal/prod/payments/stripe";
const stripeArn = `arn:aws:secretsmanager:eu-west-1:${ACCOUNT}:secret:${stripe}-AbCdEf`;
const usual = { userIdentity: user("payments-app", "ecs-task-1"), vpcEndpointId: "vpce-0123456789abcdef0" };

describe.skipIf(skip)("alerts", () => {
  let m: Emulator;
  let events: EventBridgeClient;
  const settings = () => ({ region: "eu-west-1", endpoint: m.url, credentials: { accessKeyId: "test", secretAccessKey: "test" } });
  beforeAll(async () => {
    m = await startMinistack(ACCOUNT);
    events = new EventBridgeClient(settings());
  }, 60_000);
  afterAll(async () => { await (m as Emulator | undefined)?.close(); });
  const raised = async (e: string): Promise<string[]> => (await Promise.all(rules.map(async (r) => ((await events.send(new TestEventPatternCommand({ EventPattern: JSON.stringify(r.pattern), Event: e }))).Result === true ? [r.name] : [])))).flat();

  it.each<[string, string, string[]]>([
    ["a changed secret", event("secretsmanager", "PutSecretValue", { requestParameters: { secretId: "stackseal/prod/twilio" }, responseElements: { arn: "arn:aws:secretsmanager:eu-west-1:111111111111:secret:x" } }), ["secrets-changed"]],
    ["a denied try to change one", event("secretsmanager", "PutResourcePolicy", { errorCode: "AccessDenied", requestParameters: { secretId: "stackseal/prod/twilio" } }), ["secrets-changed"]],
    ["a rotation that failed", event("secretsmanager", "RotationFailed", {}, "AWS Service Event via CloudTrail"), ["secrets-changed"]],
    ["Stripe's key, by name", event("secretsmanager", "PutSecretValue", { requestParameters: { secretId: stripe } }), ["secrets-changed", "stripe-key-changed"]],
    ["Stripe's key, by ARN", event("secretsmanager", "UpdateSecretVersionStage", { requestParameters: { secretId: stripeArn } }), ["secrets-changed", "stripe-key-changed"]],
    ["a key's policy", event("kms", "PutKeyPolicy"), ["keys-changed"]],
    ["a grant", event("kms", "CreateGrant"), ["keys-changed"]],
    ["a role's policy", event("iam", "AttachRolePolicy"), ["roles-changed"]],
    ["the trail stopped", event("cloudtrail", "StopLogging"), ["trail-changed"]],
    ["an alert switched off", event("events", "DisableRule"), ["alerts-changed"]],
    ["a subscriber removed", event("sns", "Unsubscribe"), ["topics-changed"]],
    ["a bucket of ours opened", event("s3", "PutBucketPolicy", { requestParameters: { bucketName: `stackseal-prod-trail-${ACCOUNT}` } }), ["buckets-changed"]],
    ["another bucket", event("s3", "PutBucketPolicy", { requestParameters: { bucketName: "elsewhere" } }), []],
    ["the app's usual read", read(stripe, usual), ["payment-read-usual"]],
    ["the app's read by ARN", read(stripeArn, usual), ["payment-read-usual"]],
    ["the app from another network", read(stripe, { ...usual, vpcEndpointId: "vpce-00000000000000000" }), ["payment-read-unusual"]],
    ["the app without an endpoint", read(stripe, { userIdentity: usual.userIdentity }), ["payment-read-unusual"]],
    ["the app's role in another session", read(stripe, { ...usual, userIdentity: user("payments-app", "laptop") }), ["payment-read-unusual"]],
    ["super-admin", read(stripe, { ...usual, userIdentity: user("super-admin", "somebody") }), ["payment-read-unusual"]],
    ["a user, denied", read(stripe, { errorCode: "AccessDenied", userIdentity: { type: "IAMUser", arn: `arn:aws:iam::${ACCOUNT}:user/x` } }), ["payment-read-unusual"]],
    ["a read that says arn", event("secretsmanager", "GetSecretValue", { requestParameters: { arn: stripeArn } }), ["payment-read-by-arn"]],
    ["a read that says aRN", event("secretsmanager", "GetSecretValue", { responseElements: { aRN: stripeArn } }), ["payment-read-by-arn"]],
    ["a read of a standard secret", read("stackseal/prod/twilio"), []],
    ["a description", event("secretsmanager", "DescribeSecret", { requestParameters: { secretId: stripe } }), []],
  ])("%s", async (_what, e, expected) => { expect((await raised(e)).sort()).toEqual([...expected].sort()); });

  it("asks for reads where they are wanted, for IAM's events where they arrive, and for replicas'", () => {
    for (const r of rules) expect(`${r.name} ${r.state}`).toBe(`${r.name} ${r.name.startsWith("payment-read") ? "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" : "ENABLED"}`);
    expect(rule("roles-changed").regions).toEqual(["us-east-1"]);
    for (const n of ["secrets-changed", "keys-changed", "payment-read-unusual", "stripe-key-changed"]) expect(rule(n).regions).toEqual(["eu-west-1", "eu-central-1"]);
  });
  it("arrives: from an event over a rule and a topic in a queue, in words", async () => {
    const [sns, sqs] = [new SNSClient(settings()), new SQSClient(settings())];
    const r = rule("payment-read-unusual");
    const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: "stackseal-prod-critical" }));
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "inbox" }));
    const Endpoint = (await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }))).Attributes!["QueueArn"];
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: "sqs", Endpoint }));
    // Nobody but AWS may put events whose source begins with aws: the path is tried with a source of its own beside.
    await events.send(new PutRuleCommand({ Name: "r", State: "ENABLED", EventPattern: JSON.stringify({ ...r.pattern, source: ["test.secretsmanager"] }) }));
    await events.send(new PutTargetsCommand({ Rule: "r", Targets: [{ Id: "t", Arn: TopicArn, InputTransformer: { InputPathsMap: { ...ALERT_PATHS }, InputTemplate: alertTemplate("prod", r) } }] }));
    const e = JSON.parse(read(stripe, { userIdentity: user("super-admin", "somebody") })) as { detail: unknown };
    await events.send(new PutEventsCommand({ Entries: [{ Source: "test.secretsmanager", DetailType: "AWS API Call via CloudTrail", Detail: JSON.stringify(e.detail) }] }));
    let body: string | undefined;
    for (let i = 0; i < 50 && body === undefined; i++) body = (await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 1 }))).Messages?.[0]?.Body;
    const message = (JSON.parse(body!) as { Message: string }).Message;
    for (const word of ["prod", "payment-read-unusual", "critical", "GetSecretValue", stripe, "super-admin", "203.0.113.7"]) expect(message).toContain(word);
  }, 60_000);
});
