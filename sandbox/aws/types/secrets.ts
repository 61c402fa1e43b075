import * as sm from "@aws-sdk/client-secrets-manager";
import type { Props } from "../../../lib/pulumi-value.ts";
import { principalArnOfSession } from "../faults.ts";
import { defineType, list, map, maybe, number, region, tagList, text, unless } from "../type.ts";

export const secret = defineType({
  type: "aws:secretsmanager/secret:Secret",
  properties: ["name", "description", "kmsKeyId", "recoveryWindowInDays", "tags", "replicas", "region"], replaces: ["name", "region"],
  create: async (e, p) => {
    const c = e.client(sm.SecretsManagerClient, region(p));
    const Name = text(p["name"]);
    const made = await unless(["ResourceExistsException"], c.send(new sm.CreateSecretCommand({ Name, Description: text(p["description"]), KmsKeyId: maybe(p["kmsKeyId"]), Tags: tagList(p["tags"]) })));
    const found = await c.send(new sm.DescribeSecretCommand({ SecretId: Name }));
    if (!made) {
      if (found.DeletedDate) throw new Error(`STORE_DELETION_PENDING: ${Name} is scheduled for deletion: restore it with aws secretsmanager restore-secret, or wait for its recovery window`);
      if (found.Tags?.find((t) => t.Key === "managed-by")?.Value !== "stackseal") throw new Error(`STORE_FOREIGN: ${Name} exists and isn't ours`);
    }
    await replicate(c, Name, p, found);
    return { id: found.ARN ?? Name, outputs: { arn: found.ARN ?? "" } };
  },
  update: async (e, id, p, old) => {
    const c = e.client(sm.SecretsManagerClient, region(p));
    await c.send(new sm.UpdateSecretCommand({ SecretId: id, Description: text(p["description"]), KmsKeyId: maybe(p["kmsKeyId"]) }));
    await c.send(new sm.TagResourceCommand({ SecretId: id, Tags: tagList(p["tags"]) }));
    const gone = Object.keys(map(old["tags"])).filter((k) => !(k in map(p["tags"])));
    if (gone.length > 0) await c.send(new sm.UntagResourceCommand({ SecretId: id, TagKeys: gone }));
    await replicate(c, id, p, await c.send(new sm.DescribeSecretCommand({ SecretId: id })));
    return { id, outputs: { arn: id } };
  },
  delete: async (e, id, p) => { await unless(["ResourceNotFoundException"], e.client(sm.SecretsManagerClient, region(p)).send(new sm.DeleteSecretCommand({ SecretId: id, RecoveryWindowInDays: number(p["recoveryWindowInDays"]) ?? 30 }))); },
  exists: async (e, id, p) => {
    const found = await unless(["ResourceNotFoundException"], e.client(sm.SecretsManagerClient, region(p)).send(new sm.DescribeSecretCommand({ SecretId: id })));
    return found !== null && !found.DeletedDate;
  },
});
/** Replicas in the regions that are declared, and in no other. */
async function replicate(c: sm.SecretsManagerClient, SecretId: string, p: Props, found: sm.DescribeSecretCommandOutput): Promise<void> {
  const wanted = list(p["replicas"]).map((r) => ({ Region: text(map(r)["region"]), ...(maybe(map(r)["kmsKeyId"]) !== undefined && { KmsKeyId: text(map(r)["kmsKeyId"]) }) }));
  const has = (found.ReplicationStatus ?? []).map((r) => r.Region ?? "");
  const gone = has.filter((r) => !wanted.some((w) => w.Region === r));
  const fresh = wanted.filter((w) => !has.includes(w.Region));
  if (gone.length > 0) await c.send(new sm.RemoveRegionsFromReplicationCommand({ SecretId, RemoveReplicaRegions: gone }));
  if (fresh.length > 0) await c.send(new sm.ReplicateSecretToRegionsCommand({ SecretId, AddReplicaRegions: fresh }));
}
export const secretPolicy = defineType({
  type: "aws:secretsmanager/secretPolicy:SecretPolicy",
  properties: ["secretArn", "policy", "blockPublicPolicy", "region"], replaces: ["secretArn", "region"], policies: { policy: "secret" },
  create: async (e, p) => {
    await e.client(sm.SecretsManagerClient, region(p)).send(new sm.PutResourcePolicyCommand({ SecretId: text(p["secretArn"]), ResourcePolicy: principalArnOfSession(text(p["policy"])), BlockPublicPolicy: p["blockPublicPolicy"] === true }));
    return { id: text(p["secretArn"]), outputs: {} };
  },
  delete: async (e, id, p) => { await unless(["ResourceNotFoundException", "InvalidRequestException"], e.client(sm.SecretsManagerClient, region(p)).send(new sm.DeleteResourcePolicyCommand({ SecretId: id }))); },
});
