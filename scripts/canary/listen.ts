import { randomBytes } from "node:crypto";
import { awsSettings, type AwsPlace } from "../../providers/aws/connect.ts";
import { awsFailure } from "../../providers/aws/errors.ts";
import { CANARY_RULE, type Canary } from "../../schemas/canary.ts";
import { canaryQueue, topicArn, type Place } from "../../schemas/iam/place.ts";

type Heard = Canary["heard"][number];
export interface Listening {
  readonly place: Place;
  readonly at: AwsPlace;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly region: string;
  readonly secret: string;
  readonly waitMs: number;
  readonly signal: AbortSignal;
}
/**
 * Asks for a version of a payment secret that doesn't exist, so that no value is read and the trail has the try all the same; and waits in a queue of its own on the
 * topic until the alert says so. Null where it didn't come in time. What it made it takes away again; what a killed run left is used. Throws FindingError.
 */
export async function hearCanary(l: Listening): Promise<Heard | null> {
  const [sqs, sns, sm, sts] = await Promise.all([import("@aws-sdk/client-sqs"), import("@aws-sdk/client-sns"), import("@aws-sdk/client-secrets-manager"), import("@aws-sdk/client-sts")]);
  const settings = awsSettings(l.at, l.env, l.region);
  const [queues, topics, secrets] = [new sqs.SQSClient(settings), new sns.SNSClient(settings), new sm.SecretsManagerClient(settings)];
  const topic = topicArn(l.place, "critical", l.region);
  let QueueUrl: string | undefined;
  let SubscriptionArn: string | undefined;
  try {
    const by = (await new sts.STSClient(settings).send(new sts.GetCallerIdentityCommand({}))).Arn ?? "";
    QueueUrl = (await queues.send(new sqs.CreateQueueCommand({ QueueName: canaryQueue(l.place.environment), Attributes: { MessageRetentionPeriod: "3600" } }))).QueueUrl ?? "";
    const arn = (await queues.send(new sqs.GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }))).Attributes?.["QueueArn"] ?? "";
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [{ Sid: "Topic", Effect: "Allow", Principal: { Service: "sns.amazonaws.com" }, Action: ["sqs:SendMessage"], Resource: [arn], Condition: { ArnEquals: { "aws:SourceArn": topic } } }] });
    await queues.send(new sqs.SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
    SubscriptionArn = (await topics.send(new sns.SubscribeCommand({ TopicArn: topic, Protocol: "sqs", Endpoint: arn, ReturnSubscriptionArn: true, Attributes: { RawMessageDelivery: "true" } }))).SubscriptionArn;
    const readAt = new Date();
    // A denied read is as loud as one that isn't; who makes the account's first foundation is denied.
    await secrets.send(new sm.GetSecretValueCommand({ SecretId: l.secret, VersionStage: `canary-${randomBytes(6).toString("hex")}` })).catch((e: unknown) => { if (!/^(ResourceNotFound|AccessDenied)(Exception)?$/.test((e as Error).name)) throw e; });
    const until = Date.now() + l.waitMs;
    while (Date.now() < until && !l.signal.aborted) {
      const left = Math.max(0, Math.min(10, Math.floor((until - Date.now()) / 1000)));
      for (const m of (await queues.send(new sqs.ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: left, MaxNumberOfMessages: 10 }), { abortSignal: l.signal })).Messages ?? []) {
        await queues.send(new sqs.DeleteMessageCommand({ QueueUrl, ReceiptHandle: m.ReceiptHandle }));
        if (!isOurs(m.Body, l.secret, by, readAt)) continue;
        const arrivedAt = new Date();
        return { region: l.region, rule: CANARY_RULE, topic, secret: l.secret, by: by.replace(/^arn:aws[a-z-]*:(sts|iam)::/, ""), readAt: readAt.toISOString(), arrivedAt: arrivedAt.toISOString(), seconds: Math.round((arrivedAt.getTime() - readAt.getTime()) / 100) / 10 };
      }
    }
    return null;
  } catch (e) {
    if (l.signal.aborted) return null;
    throw awsFailure(e, l.secret);
  } finally {
    if (SubscriptionArn !== undefined) await topics.send(new sns.UnsubscribeCommand({ SubscriptionArn })).catch(() => undefined);
    if (QueueUrl !== undefined) await queues.send(new sqs.DeleteQueueCommand({ QueueUrl })).catch(() => undefined);
  }
}
/** Whether a message tells of our own read: by rule, secret, reader and time (CloudTrail's times are whole seconds). */
export function isOurs(body: string | undefined, secret: string, by: string, readAt: Date): boolean {
  try {
    const m = JSON.parse(body ?? "") as Partial<Record<"alert" | "event" | "secret" | "who" | "time", string>>;
    return m.alert === CANARY_RULE && m.event === "GetSecretValue" && m.secret === secret && m.who === by && Date.parse(m.time ?? "") >= Math.floor(readAt.getTime() / 1000) * 1000;
  } catch {
    return false;
  }
}
