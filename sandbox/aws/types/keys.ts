import * as kms from "@aws-sdk/client-kms";
import type { Emulator } from "../endpoint.ts";
import { defineType, flag, map, number, region, text, unless } from "../type.ts";
import type { Props, Value } from "../../../lib/pulumi-value.ts";

const tags = (v: Value | undefined): { TagKey: string; TagValue: string }[] => Object.entries(map(v)).map(([TagKey, TagValue]) => ({ TagKey, TagValue: text(TagValue) }));
const client = (e: Emulator, p: Props): kms.KMSClient => e.client(kms.KMSClient, region(p));
/** A key has no name: what an interrupted run made is found by its tags. */
async function orphan(c: kms.KMSClient, p: Props): Promise<string | null> {
  const aliased = new Set<string>();
  for await (const page of kms.paginateListAliases({ client: c }, {})) for (const a of page.Aliases ?? []) if (a.TargetKeyId !== undefined) aliased.add(a.TargetKeyId);
  for await (const page of kms.paginateListKeys({ client: c }, {})) for (const k of page.Keys ?? []) {
    if (k.KeyId === undefined || aliased.has(k.KeyId)) continue;
    const own = await unless(["NotFoundException", "AccessDeniedException"], c.send(new kms.ListResourceTagsCommand({ KeyId: k.KeyId })));
    const wanted = tags(p["tags"]);
    const state = await c.send(new kms.DescribeKeyCommand({ KeyId: k.KeyId }));
    if (own && state.KeyMetadata?.KeyState === "Enabled" && wanted.length > 0 && wanted.every((w) => own.Tags?.some((t) => t.TagKey === w.TagKey && t.TagValue === w.TagValue))) return k.KeyId;
  }
  return null;
}
async function configure(c: kms.KMSClient, id: string, p: Props): Promise<void> {
  await c.send(new kms.PutKeyPolicyCommand({ KeyId: id, PolicyName: "default", Policy: text(p["policy"]) }));
  if (flag(p["enableKeyRotation"])) await c.send(new kms.EnableKeyRotationCommand({ KeyId: id, RotationPeriodInDays: number(p["rotationPeriodInDays"]) }));
  await c.send(new kms.TagResourceCommand({ KeyId: id, Tags: tags(p["tags"]) }));
}
const arnOf = async (c: kms.KMSClient, id: string): Promise<string> => (await c.send(new kms.DescribeKeyCommand({ KeyId: id }))).KeyMetadata?.Arn ?? id;

export const key = defineType({
  type: "aws:kms/key:Key",
  properties: ["description", "policy", "enableKeyRotation", "rotationPeriodInDays", "deletionWindowInDays", "multiRegion", "tags", "region"], replaces: ["multiRegion", "region"], policies: { policy: "key" },
  create: async (e, p) => {
    const c = client(e, p);
    const id = (await orphan(c, p)) ?? (await c.send(new kms.CreateKeyCommand({ Description: text(p["description"]), Policy: text(p["policy"]), MultiRegion: flag(p["multiRegion"]), Tags: tags(p["tags"]) }))).KeyMetadata?.KeyId ?? "";
    await configure(c, id, p);
    return { id, outputs: { keyId: id, arn: await arnOf(c, id) } };
  },
  update: async (e, id, p) => {
    const c = client(e, p);
    await c.send(new kms.UpdateKeyDescriptionCommand({ KeyId: id, Description: text(p["description"]) }));
    await configure(c, id, p);
    return { id, outputs: { keyId: id, arn: await arnOf(c, id) } };
  },
  delete: async (e, id, p) => { await unless(["NotFoundException", "KMSInvalidStateException"], client(e, p).send(new kms.ScheduleKeyDeletionCommand({ KeyId: id, PendingWindowInDays: number(p["deletionWindowInDays"]) ?? 30 }))); },
});
export const alias = defineType({
  type: "aws:kms/alias:Alias", properties: ["name", "targetKeyId", "region"], replaces: ["name", "region"],
  create: async (e, p) => {
    const c = client(e, p);
    const at = { AliasName: text(p["name"]), TargetKeyId: text(p["targetKeyId"]) };
    if (!(await unless(["AlreadyExistsException"], c.send(new kms.CreateAliasCommand(at))))) await c.send(new kms.UpdateAliasCommand(at));
    return { id: at.AliasName, outputs: { arn: `arn:aws:kms:${region(p) ?? e.region}:${e.account}:${at.AliasName}` } };
  },
  delete: async (e, id, p) => { await unless(["NotFoundException"], client(e, p).send(new kms.DeleteAliasCommand({ AliasName: id }))); },
});
export const replicaKey = defineType({
  type: "aws:kms/replicaKey:ReplicaKey", properties: ["primaryKeyArn", "description", "policy", "deletionWindowInDays", "tags", "region"], replaces: ["primaryKeyArn", "region"], policies: { policy: "key" },
  create: async (e, p) => {
    const primary = text(p["primaryKeyArn"]);
    const id = primary.slice(primary.lastIndexOf("/") + 1);
    // Asked of the primary's own region; an interrupted run has made it.
    await unless(["AlreadyExistsException"], e.client(kms.KMSClient, primary.split(":")[3]).send(new kms.ReplicateKeyCommand({ KeyId: id, ReplicaRegion: region(p), Description: text(p["description"]), Policy: text(p["policy"]), Tags: tags(p["tags"]) })));
    return configureReplica(e, id, p);
  },
  update: (e, id, p) => configureReplica(e, id, p),
  delete: async (e, id, p) => { await unless(["NotFoundException", "KMSInvalidStateException"], client(e, p).send(new kms.ScheduleKeyDeletionCommand({ KeyId: id, PendingWindowInDays: number(p["deletionWindowInDays"]) ?? 30 }))); },
});
async function configureReplica(e: Emulator, id: string, p: Props): Promise<{ id: string; outputs: Props }> {
  const c = client(e, p);
  await c.send(new kms.PutKeyPolicyCommand({ KeyId: id, PolicyName: "default", Policy: text(p["policy"]) }));
  await c.send(new kms.UpdateKeyDescriptionCommand({ KeyId: id, Description: text(p["description"]) }));
  await c.send(new kms.TagResourceCommand({ KeyId: id, Tags: tags(p["tags"]) }));
  return { id, outputs: { keyId: id, arn: await arnOf(c, id) } };
}
