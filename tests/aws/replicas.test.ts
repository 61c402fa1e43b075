import { DescribeRuleCommand, EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { DescribeKeyCommand, GetKeyPolicyCommand, KMSClient, PutKeyPolicyCommand } from "@aws-sdk/client-kms";
import * as sm from "@aws-sdk/client-secrets-manager";
import { GetTopicAttributesCommand, SNSClient } from "@aws-sdk/client-sns";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findPeer, startMinistack, type Emulator } from "./emulator.ts";
import { ACCOUNT, cloudProject, type CloudProject } from "./project.ts";

const skip = findPeer("ministack") === undefined;
const REPLICA = "eu-central-1";

describe.skipIf(skip)("an environment with a replica region", () => {
  let m: Emulator;
  let p: CloudProject;
  const at = (region: string) => ({ region, endpoint: m.url, credentials: { accessKeyId: "test", secretAccessKey: "test" } });
  const up = async (): Promise<string[]> => {
    const r = await p.run(["up", "--env", "dev", "--yes", "--json"]);
    const said = JSON.parse(r.out) as { findings: { code: string; severity: string; message: string }[]; environments: { steps: { op: string; urn: string }[] }[] };
    expect(said.findings.filter((f) => f.severity === "error")).toEqual([]);
    return said.environments[0]!.steps.filter((s) => !["same", "read"].includes(s.op)).map((s) => `${s.op} ${s.urn.split("$").at(-1)!}`);
  };
  beforeAll(async () => {
    m = await startMinistack(ACCOUNT);
    p = await cloudProject(`{ kind: aws, accountId: "${ACCOUNT}", region: eu-west-1, endpoint: "${m.url}", replicas: [${REPLICA}] }`);
    await up();
  }, 240_000);
  afterAll(async () => { await (m as Emulator | undefined)?.close(); });

  it("has its keys, its secrets' versions, its alerts and their topics there too", async () => {
    const [here, there] = [new sm.SecretsManagerClient(at("eu-west-1")), new sm.SecretsManagerClient(at(REPLICA))];
    for (const name of ["stackseal/dev/twilio", "stackseal/dev/payments/stripe"]) {
      const [a, b] = [await here.send(new sm.DescribeSecretCommand({ SecretId: name })), await there.send(new sm.DescribeSecretCommand({ SecretId: name }))];
      expect(a.ReplicationStatus?.map((r) => r.Region)).toEqual([REPLICA]);
      expect(b.KmsKeyId).toMatch(new RegExp(`^arn:aws:kms:${REPLICA}:`));
      const current = (d: sm.DescribeSecretCommandOutput): string | undefined => Object.entries(d.VersionIdsToStages ?? {}).find(([, s]) => s.includes("AWSCURRENT"))?.[0];
      expect(current(b)).toBe(current(a));
      expect((await there.send(new sm.GetResourcePolicyCommand({ SecretId: name }))).ResourcePolicy).toBe((await here.send(new sm.GetResourcePolicyCommand({ SecretId: name }))).ResourcePolicy);
    }
    const key = (await new KMSClient(at("eu-west-1")).send(new DescribeKeyCommand({ KeyId: "alias/stackseal/dev/payments" }))).KeyMetadata!;
    expect(key.MultiRegionConfiguration?.ReplicaKeys?.map((r) => r.Region)).toEqual([REPLICA]);
    for (const rule of ["secrets-changed", "keys-changed", "payment-read-unusual", "stripe-key-changed"]) expect((await new EventBridgeClient(at(REPLICA)).send(new DescribeRuleCommand({ Name: `stackseal-dev-${rule}` }))).EventPattern).toContain("aws.");
    expect((await new SNSClient(at(REPLICA)).send(new GetTopicAttributesCommand({ TopicArn: `arn:aws:sns:${REPLICA}:${ACCOUNT}:stackseal-dev-critical` }))).Attributes?.["Policy"]).toContain(REPLICA);
    const drift = JSON.parse((await p.run(["drift", "--env", "dev", "--json"])).out) as { drift: unknown[] };
    expect(drift.drift).toEqual([]);
    // A replica's key has a policy of its own to change.
    const kms = new KMSClient(at(REPLICA));
    const policy = (await kms.send(new GetKeyPolicyCommand({ KeyId: key.KeyId, PolicyName: "default" }))).Policy!;
    await kms.send(new PutKeyPolicyCommand({ KeyId: key.KeyId, PolicyName: "default", Policy: policy.replace("kms:Decrypt", "kms:ReEncryptFrom") }));
    const found = JSON.parse((await p.run(["drift", "--env", "dev", "--json"])).out) as { drift: { kind: string; name: string }[] };
    expect(found.drift.map((f) => `${f.kind} ${f.name}`)).toContain(`key alias/stackseal/dev/payments in ${REPLICA}`);
    await kms.send(new PutKeyPolicyCommand({ KeyId: key.KeyId, PolicyName: "default", Policy: policy }));
  }, 120_000);
  // Taking a replica away can't be tried: KNOWN_FAULTS, no-replica-removal.
  it("changes nothing the second time", async () => { expect(await up()).toEqual([]); }, 120_000);
});
