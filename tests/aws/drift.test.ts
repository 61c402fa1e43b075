import { CloudTrailClient, StopLoggingCommand, UpdateTrailCommand } from "@aws-sdk/client-cloudtrail";
import { DisableRuleCommand, EventBridgeClient, PutRuleCommand, RemoveTargetsCommand } from "@aws-sdk/client-eventbridge";
import * as iam from "@aws-sdk/client-iam";
import { CreateGrantCommand, DescribeKeyCommand, DisableKeyRotationCommand, KMSClient, PutKeyPolicyCommand } from "@aws-sdk/client-kms";
import { PutBucketPolicyCommand, PutBucketVersioningCommand, PutPublicAccessBlockCommand, S3Client } from "@aws-sdk/client-s3";
import { DeleteScheduleCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import * as sm from "@aws-sdk/client-secrets-manager";
import { SetTopicAttributesCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { AssumeRoleWithWebIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startStripe } from "../../sandbox/stripe.ts";
import { authorOf, type TrailEvent } from "../../scripts/drift/authors.ts";
import type { Drift } from "../../scripts/drift/secrets.ts";
import { findPeer, startMinistack, startProxy, type Emulator, type Proxy } from "./emulator.ts";
import { ACCOUNT, cloudProject, type CloudProject } from "./project.ts";

const skip = findPeer("ministack") === undefined;
const region = "eu-west-1";

describe.skipIf(skip)("drift", () => {
  let m: Emulator;
  let proxy: Proxy;
  let stripe: Awaited<ReturnType<typeof startStripe>>;
  let p: CloudProject;
  const at = () => ({ region, endpoint: m.url, credentials: { accessKeyId: "test", secretAccessKey: "test" } });
  const drift = async (env: Record<string, string>): Promise<{ code: number; drift: Drift[]; codes: string[]; said: string; found: string[] }> => {
    const r = await p.run(["drift", "--env", "dev", "--json"], { ...env, STACKSEAL_STRIPE_SANDBOX: stripe.url });
    const said = JSON.parse(r.out) as { drift?: Drift[]; findings: { code: string; severity: string; message: string; path?: string }[] };
    return { code: r.code, drift: said.drift ?? [], codes: said.findings.map((f) => f.code), said: said.findings.filter((f) => f.severity === "error").map((f) => `${f.code} ${f.path ?? ""}`).join("; "), found: (said.drift ?? []).map((d) => `${d.kind} ${d.name}`).sort() };
  };
  /** The nightly job's session: the auditor, by its deployment environment; and no age identity. */
  const auditor = async (): Promise<Record<string, string>> => {
    const token = [{ alg: "none" }, { iss: "https://token.actions.githubusercontent.com", aud: "sts.amazonaws.com", sub: "repo:acme/platform-credentials:environment:dev-drift", exp: 9_999_999_999, iat: 1 }].map((o) => Buffer.from(JSON.stringify(o)).toString("base64url")).join(".");
    const c = (await new STSClient(at()).send(new AssumeRoleWithWebIdentityCommand({ RoleArn: `arn:aws:iam::${ACCOUNT}:role/stackseal-dev-auditor`, RoleSessionName: "nightly", WebIdentityToken: `${token}.x` }))).Credentials!;
    return { AWS_ACCESS_KEY_ID: c.AccessKeyId!, AWS_SECRET_ACCESS_KEY: c.SecretAccessKey!, AWS_SESSION_TOKEN: c.SessionToken!, SOPS_AGE_KEY: "" };
  };
  beforeAll(async () => {
    m = await startMinistack(ACCOUNT, { auth: true });
    proxy = await startProxy(m.url);
    p = await cloudProject(`{ kind: aws, accountId: "${ACCOUNT}", region: ${region}, endpoint: "${proxy.url}" }`);
    stripe = await startStripe(`${p.root}/.stackseal/sandbox`);
    const up = await p.run(["up", "--env", "dev", "--yes"], { STACKSEAL_STRIPE_SANDBOX: stripe.url });
    expect(up.err).not.toContain(" error ");
    expect(up.code).toBe(0);
  }, 240_000);
  afterAll(async () => {
    await (proxy as Proxy | undefined)?.close();
    await (stripe as typeof stripe | undefined)?.close();
    await (m as Emulator | undefined)?.close();
  });

  it("finds nothing where nothing was changed, with the auditor's rights and without ever asking for a value", async () => {
    proxy.seen.length = 0;
    const r = await drift(await auditor());
    expect([r.said, r.found, r.code, r.codes.filter((c) => c.startsWith("DRIFT"))]).toEqual(["", [], 0, ["DRIFT_NOT_LOOKED"]]);
    expect(proxy.seen.length).toBeGreaterThan(50);
    expect(proxy.seen.filter((t) => /GetSecretValue|Decrypt|GetParameter/.test(t))).toEqual([]);
    // Who can open Stripe's key has its endpoints looked at.
    expect([(await drift({})).found, proxy.seen.filter((t) => /GetSecretValue|Decrypt/.test(t))]).toEqual([[], []]);
  }, 120_000);

  it("finds every change made behind Pulumi's back, each with its likely author", async () => {
    const [i, s3, kms, sns, eb] = [new iam.IAMClient(at()), new S3Client({ ...at(), forcePathStyle: true }), new KMSClient(at()), new SNSClient(at()), new EventBridgeClient(at())];
    const any = JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] });
    const trust = JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal: { AWS: "arn:aws:iam::999999999999:root" }, Action: "sts:AssumeRole" }] });
    await i.send(new iam.AttachRolePolicyCommand({ RoleName: "stackseal-dev-app", PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess" }));
    await i.send(new iam.PutRolePolicyCommand({ RoleName: "stackseal-dev-deployer", PolicyName: "x", PolicyDocument: any }));
    await i.send(new iam.PutRolePolicyCommand({ RoleName: "stackseal-dev-rotator", PolicyName: "access-matrix", PolicyDocument: any }));
    await i.send(new iam.UpdateAssumeRolePolicyCommand({ RoleName: "stackseal-dev-admin", PolicyDocument: trust }));
    await i.send(new iam.DeleteRolePermissionsBoundaryCommand({ RoleName: "stackseal-dev-engineer" }));
    await i.send(new iam.CreateRoleCommand({ RoleName: "stackseal-dev-backdoor", AssumeRolePolicyDocument: trust }));
    await i.send(new iam.CreatePolicyVersionCommand({ PolicyArn: `arn:aws:iam::${ACCOUNT}:policy/stackseal-dev-boundary`, PolicyDocument: any, SetAsDefault: true }));
    await s3.send(new PutBucketPolicyCommand({ Bucket: `stackseal-dev-state-${ACCOUNT}`, Policy: any.replace('"Effect"', `"Principal":{"AWS":"arn:aws:iam::${ACCOUNT}:root"},"Effect"`) }));
    await s3.send(new PutPublicAccessBlockCommand({ Bucket: `stackseal-dev-backup-${ACCOUNT}`, PublicAccessBlockConfiguration: { BlockPublicAcls: false } }));
    await s3.send(new PutBucketVersioningCommand({ Bucket: `stackseal-dev-state-${ACCOUNT}`, VersioningConfiguration: { Status: "Suspended" } }));
    const [standard, payments] = await Promise.all(["standard", "payments"].map(async (c) => (await kms.send(new DescribeKeyCommand({ KeyId: `alias/stackseal/dev/${c}` }))).KeyMetadata!.KeyId!));
    await kms.send(new PutKeyPolicyCommand({ KeyId: standard, Policy: any.replace('"Effect"', '"Principal":{"AWS":"*"},"Effect"') }));
    await kms.send(new DisableKeyRotationCommand({ KeyId: standard }));
    await kms.send(new CreateGrantCommand({ KeyId: payments, GranteePrincipal: `arn:aws:iam::${ACCOUNT}:role/stackseal-dev-app`, Operations: ["Decrypt"] }));
    const topic = `arn:aws:sns:${region}:${ACCOUNT}:stackseal-dev-critical`;
    await sns.send(new SetTopicAttributesCommand({ TopicArn: topic, AttributeName: "Policy", AttributeValue: any }));
    await sns.send(new SubscribeCommand({ TopicArn: topic, Protocol: "email", Endpoint: "somebody@evil.example" }));
    await eb.send(new DisableRuleCommand({ Name: "stackseal-dev-keys-changed" }));
    await eb.send(new PutRuleCommand({ Name: "stackseal-dev-secrets-changed", EventPattern: '{"source":["none"]}' }));
    await eb.send(new RemoveTargetsCommand({ Rule: "stackseal-dev-trail-changed", Ids: ["critical"] }));
    await new CloudTrailClient(at()).send(new StopLoggingCommand({ Name: "stackseal-dev" }));
    await new CloudTrailClient(at()).send(new UpdateTrailCommand({ Name: "stackseal-dev", IsMultiRegionTrail: false }));
    await new SchedulerClient(at()).send(new DeleteScheduleCommand({ GroupName: "stackseal-dev-standard", Name: "twilio.authToken-30" }));
    const secrets = new sm.SecretsManagerClient(at());
    await secrets.send(new sm.DeleteResourcePolicyCommand({ SecretId: "stackseal/dev/twilio" }));
    await secrets.send(new sm.DeleteResourcePolicyCommand({ SecretId: "stackseal/dev/identity/payments-deployer" }));
    await secrets.send(new sm.DeleteSecretCommand({ SecretId: "stackseal/dev/payments/stripe-webhook-disputes", RecoveryWindowInDays: 7 }));
    await secrets.send(new sm.DeleteSecretCommand({ SecretId: "stackseal/dev/identity/rotator", ForceDeleteWithoutRecovery: true }));
    await secrets.send(new sm.PutSecretValueCommand({ SecretId: "stackseal/dev/vapi", SecretString: "{}" }));
    await secrets.send(new sm.CreateSecretCommand({ Name: "stackseal/dev/strange" }));
    const key = (await p.run(["secret", "get", "stripe.secretKey", "--env", "dev"])).out;
    const call = (method: string, path: string, body = ""): Promise<{ data: { id: string }[] }> => fetch(`${stripe.url}/v1/webhook_endpoints${path}`, { method, headers: { authorization: `Bearer ${key}`, "content-type": "application/x-www-form-urlencoded" }, ...(body !== "" && { body }) }).then((r) => r.json() as Promise<{ data: { id: string }[] }>);
    const [endpoint] = (await call("GET", "")).data;
    await call("POST", `/${endpoint!.id}`, "disabled=true&enabled_events[]=invoice.paid");

    proxy.seen.length = 0;
    const r = await drift({});
    expect(r.code).toBe(1);
    // Which of the two endpoints is listed first is Stripe's affair.
    expect(r.found.map((x) => x.replace(/^endpoint .*/, "endpoint")).sort()).toEqual([
      `bucket stackseal-dev-backup-${ACCOUNT}`, `bucket stackseal-dev-state-${ACCOUNT}`, `bucket stackseal-dev-state-${ACCOUNT}`, "endpoint", "endpoint",
      "key alias/stackseal/dev/payments", "key alias/stackseal/dev/standard", "key alias/stackseal/dev/standard",
      `policy arn:aws:iam::${ACCOUNT}:policy/stackseal-dev-boundary`, "policy stackseal/dev/identity/payments-deployer", "policy stackseal/dev/twilio",
      "role stackseal-dev-admin", "role stackseal-dev-app", "role stackseal-dev-backdoor", "role stackseal-dev-deployer", "role stackseal-dev-engineer", "role stackseal-dev-rotator",
      "rule stackseal-dev-keys-changed", "rule stackseal-dev-secrets-changed", "schedule stackseal-dev-standard/twilio.authToken-30", "secret stackseal/dev/identity/rotator", "secret stackseal/dev/payments/stripe-webhook-disputes", "secret stackseal/dev/strange", `subscription ${topic}`,
      "target stackseal-dev-trail-changed", `topic ${topic}`, "trail stackseal-dev", "trail stackseal-dev", "version stackseal/dev/vapi",
    ].sort());
    // Stripe has no trail; the emulator's tells neither of itself nor of the scheduler, and of callers the key alone.
    expect([...new Set(r.drift.filter((d) => !["endpoint", "schedule", "trail"].includes(d.kind)).map((d) => d.by ?? `nobody for ${d.kind} ${d.name}`))]).toEqual(["user/test"]);
    expect(proxy.seen.filter((t) => /GetSecretValue|Decrypt/.test(t))).toEqual([]);
    const human = await p.run(["drift", "--env", "dev"], { STACKSEAL_STRIPE_SANDBOX: stripe.url });
    expect(human.err).toContain("last changed by user/test");
  }, 240_000);
});

describe("a likely author", () => {
  const event = (name: string, who: string, request: unknown, more: Record<string, unknown> = {}): TrailEvent => ({ name, readOnly: name.startsWith("Get"), who, text: JSON.stringify({ eventName: name, requestParameters: request, ...more }) });
  const f = (kind: Drift["kind"], name: string): Drift => ({ kind, name, expected: "", found: "", by: null });
  it.each<[string, Drift, TrailEvent[], string | null]>([
    ["by a secret's name", f("version", "stackseal/prod/twilio"), [event("PutSecretValue", "assumed-role/x/mallory", { secretId: "stackseal/prod/twilio" })], "assumed-role/x/mallory"],
    ["by a secret's ARN", f("policy", "stackseal/prod/twilio"), [event("PutResourcePolicy", "a", { secretId: "arn:aws:secretsmanager:eu-west-1:1:secret:stackseal/prod/twilio-AbCdEf" })], "a"],
    ["not another of a longer name", f("version", "stackseal/prod/payments/stripe"), [event("PutSecretValue", "a", { secretId: "stackseal/prod/payments/stripe-webhook-payments" })], null],
    ["the newest of two", f("role", "stackseal-prod-app"), [event("AttachRolePolicy", "b", { roleName: "stackseal-prod-app" }), event("PutRolePolicy", "a", { roleName: "stackseal-prod-app" })], "b"],
    ["no reader", f("role", "stackseal-prod-app"), [event("GetRole", "a", { roleName: "stackseal-prod-app" })], null],
    ["nobody who was refused", f("role", "stackseal-prod-app"), [event("AttachRolePolicy", "a", { roleName: "stackseal-prod-app" }, { errorCode: "AccessDenied" })], null],
    ["by a topic's ARN", f("topic", "arn:aws:sns:eu-west-1:1:stackseal-prod-critical"), [event("SetTopicAttributes", "a", { topicArn: "arn:aws:sns:eu-west-1:1:stackseal-prod-critical" })], "a"],
    ["by a policy's ARN", f("policy", "arn:aws:iam::1:policy/stackseal-prod-boundary"), [event("CreatePolicyVersion", "a", { policyArn: "arn:aws:iam::1:policy/stackseal-prod-boundary" })], "a"],
  ])("%s", (_what, drift, events, expected) => { expect(authorOf(drift, events)).toBe(expected); });
  it("by the key behind an alias", () => { expect(authorOf(f("key", "alias/stackseal/prod/standard"), [event("PutKeyPolicy", "a", { keyId: "1234-abcd" })], new Map([["alias/stackseal/prod/standard", "1234-abcd"]]))).toBe("a"); });
});
