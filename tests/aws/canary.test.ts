import { EventBridgeClient, PutEventsCommand, PutRuleCommand, PutTargetsCommand } from "@aws-sdk/client-eventbridge";
import { CreateTopicCommand, ListSubscriptionsByTopicCommand, SNSClient } from "@aws-sdk/client-sns";
import { ListQueuesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ALERT_PATHS, alertRules, alertTemplate } from "../../schemas/alerts.ts";
import { canarySchema } from "../../schemas/canary.ts";
import { isOurs } from "../../scripts/canary/listen.ts";
import type { Place } from "../../schemas/iam/place.ts";
import { findPeer, startMinistack, startProxy, type Emulator, type Proxy } from "./emulator.ts";
import { ACCOUNT, cloudProject, type CloudProject } from "./project.ts";

const skip = findPeer("ministack") === undefined;
const SECRET = "stackseal/dev/payments/stripe";
const place: Place = { environment: "dev", tier: "development", accountId: ACCOUNT, region: "eu-west-1", replicas: [], project: "stackseal", settings: { standard: [], payments: [] }, secrets: { standard: [], payments: [SECRET] }, deployment: null };

describe.skipIf(skip)("the canary of alerts", () => {
  let m: Emulator;
  let proxy: Proxy;
  let p: CloudProject;
  const at = () => ({ region: "eu-west-1", endpoint: m.url, credentials: { accessKeyId: "test", secretAccessKey: "test" } });
  const file = (): string => join(p.root, "stacks/canaries/dev.yaml");
  const reads: string[] = [];
  let carry = true;
  beforeAll(async () => {
    m = await startMinistack(ACCOUNT);
    proxy = await startProxy(m.url);
    p = await cloudProject(`{ kind: aws, accountId: "${ACCOUNT}", region: eu-west-1, endpoint: "${proxy.url}" }`);
    const { TopicArn } = await new SNSClient(at()).send(new CreateTopicCommand({ Name: "stackseal-dev-critical" }));
    // CloudTrail's part is played here, for the emulator makes no events of calls: the rest of the way, rule, template, topic and queue, is walked for real.
    const events = new EventBridgeClient(at());
    const rule = alertRules(place).find((r) => r.name === "payment-read-unusual")!;
    await events.send(new PutRuleCommand({ Name: "r", State: "ENABLED", EventPattern: JSON.stringify({ ...rule.pattern, source: ["test.secretsmanager"] }) }));
    await events.send(new PutTargetsCommand({ Rule: "r", Targets: [{ Id: "t", Arn: TopicArn, InputTransformer: { InputPathsMap: { ...ALERT_PATHS }, InputTemplate: alertTemplate("dev", rule) } }] }));
    const event = (secretId: string, arn: string) => events.send(new PutEventsCommand({ Entries: [{ Source: "test.secretsmanager", DetailType: "AWS API Call via CloudTrail", Time: new Date(), Detail: JSON.stringify({ eventSource: "secretsmanager.amazonaws.com", eventName: "GetSecretValue", sourceIPAddress: "203.0.113.7", errorCode: "ResourceNotFoundException", requestParameters: { secretId }, userIdentity: { type: "IAMUser", arn } }) }] }));
    proxy.intercept = (target, body) => {
      if (target !== "GetSecretValue") return null;
      reads.push(body);
      // Another's read first: it isn't taken for ours.
      if (carry) setTimeout(() => void event(SECRET, `arn:aws:iam::${ACCOUNT}:user/somebody`).then(() => event(SECRET, `arn:aws:iam::${ACCOUNT}:root`)), 500);
      return null;
    };
  }, 120_000);
  afterAll(async () => {
    await (proxy as Proxy | undefined)?.close();
    await (m as Emulator | undefined)?.close();
  });
  const canary = async (...args: string[]): Promise<{ code: number; codes: string[]; heard: { by: string; secret: string }[]; written: string | null }> => {
    const r = await p.run(["canary", "--env", "dev", "--json", ...args]);
    const said = JSON.parse(r.out) as { findings: { code: string }[]; heard?: { by: string; secret: string }[]; written?: string | null };
    return { code: r.code, codes: said.findings.map((f) => f.code).filter((c) => /CANARY|CONFIRMED/.test(c)), heard: said.heard ?? [], written: said.written ?? null };
  };

  it("asks first, and says what didn't come", async () => {
    expect((await canary()).codes).toEqual(["NOT_CONFIRMED"]);
    expect(reads).toEqual([]);
    carry = false;
    expect(await canary("--yes", "--wait", "3s")).toMatchObject({ code: 1, codes: ["CANARY_LOST"], written: null });
    expect(existsSync(file())).toBe(false);
    carry = true;
  }, 120_000);
  it("reads no value, hears of its own read, and records it", async () => {
    reads.length = 0;
    const r = await canary("--yes", "--wait", "60s");
    expect([r.codes, r.code, r.written]).toEqual([[], 0, "stacks/canaries/dev.yaml"]);
    expect(reads.map((b) => JSON.parse(b) as { SecretId: string; VersionStage: string })).toEqual([{ SecretId: SECRET, VersionStage: expect.stringMatching(/^canary-[0-9a-f]{12}$/) as string }]);
    const record = canarySchema.parse(parse(readFileSync(file(), "utf8")));
    expect(record.heard.map((h) => [h.secret, h.rule, h.by])).toEqual([[SECRET, "payment-read-unusual", `${ACCOUNT}:root`]]);
    // Nothing is left of it in the account.
    expect((await new SQSClient(at()).send(new ListQueuesCommand({}))).QueueUrls ?? []).toEqual([]);
    expect((await new SNSClient(at()).send(new ListSubscriptionsByTopicCommand({ TopicArn: `arn:aws:sns:eu-west-1:${ACCOUNT}:stackseal-dev-critical` }))).Subscriptions ?? []).toEqual([]);
  }, 120_000);
  it("is asked for by drift where it is missing or of other alerts", async () => {
    const codes = async (): Promise<string[]> => (JSON.parse((await p.run(["drift", "--env", "dev", "--json"])).out) as { findings: { code: string }[] }).findings.map((f) => f.code).filter((c) => c.startsWith("CANARY"));
    expect(await codes()).toEqual([]);
    const text = readFileSync(file(), "utf8");
    writeFileSync(file(), text.replace(/sha256:[0-9a-f]{64}/, `sha256:${"0".repeat(64)}`));
    expect(await codes()).toEqual(["CANARY_STALE"]);
    rmSync(file());
    expect(await codes()).toEqual(["CANARY_MISSING"]);
  }, 120_000);
  it("is tried by the first deployment, and again when the alerts were changed", async () => {
    const up = async (...args: string[]): Promise<{ code: number; codes: string[]; said: string; canary: { state: string; heard: unknown[]; written: string | null } }> => {
      reads.length = 0;
      const r = await p.run(["up", "--env", "dev", "--yes", "--json", ...args]);
      const doc = JSON.parse(r.out) as { findings: { code: string; message: string; hint: string }[]; environments: { canary: { state: string; heard: unknown[]; written: string | null } }[] };
      const own = doc.findings.filter((f) => f.code.startsWith("CANARY"));
      return { code: r.code, codes: own.map((f) => f.code), said: own.map((f) => `${f.message} ${f.hint}`).join(), canary: doc.environments[0]!.canary };
    };
    carry = false;
    // The environment is deployed all the same; that nobody heard is an error.
    expect(await up("--canary-wait", "2s")).toMatchObject({ code: 1, codes: ["CANARY_LOST"], canary: { state: "lost", heard: [], written: null } });
    expect(existsSync(file())).toBe(false);
    carry = true;
    const untried = await up();
    expect([untried.code, untried.codes, untried.canary.state, reads.length]).toEqual([0, ["CANARY_MISSING"], "untried", 0]);
    expect(untried.said).toMatch(/an emulator makes no events of calls.*stackseal canary --env dev/);
    expect(await up("--canary-wait", "60s")).toMatchObject({ code: 0, codes: [], canary: { state: "heard", heard: [{ rule: "payment-read-unusual" }], written: "stacks/canaries/dev.yaml" } });
    expect(reads).toHaveLength(1);
    expect(await up("--canary-wait", "60s")).toMatchObject({ code: 0, codes: [], canary: { state: "recorded", written: null } });
    expect(reads).toHaveLength(0);
    writeFileSync(file(), readFileSync(file(), "utf8").replace(/sha256:[0-9a-f]{64}/, `sha256:${"0".repeat(64)}`));
    expect(await up("--canary-wait", "60s")).toMatchObject({ code: 0, canary: { state: "heard", written: "stacks/canaries/dev.yaml" } });
  }, 300_000);
});

it("takes no other read for its own", () => {
  const at = new Date("2026-11-24T10:00:00.900Z");
  const body = (more: Record<string, string> = {}): string => JSON.stringify({ alert: "payment-read-unusual", event: "GetSecretValue", secret: SECRET, who: "arn:a", time: "2026-11-24T10:00:00Z", ...more });
  expect(isOurs(body(), SECRET, "arn:a", at)).toBe(true);
  for (const other of [{ alert: "secrets-changed" }, { secret: `${SECRET}-webhook-x` }, { who: "arn:b" }, { time: "2026-11-24T09:59:59Z" }, { event: "DescribeSecret" }]) expect(isOurs(body(other), SECRET, "arn:a", at)).toBe(false);
  expect(isOurs("not json", SECRET, "arn:a", at)).toBe(false);
});
