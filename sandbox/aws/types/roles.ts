import * as iam from "@aws-sdk/client-iam";
import { defineType, maybe, number, tagList, text, texts, unless } from "../type.ts";
import type { Emulator } from "../endpoint.ts";
import { ruleOfDefaultBus } from "../faults.ts";

const client = (e: Emulator): iam.IAMClient => e.client(iam.IAMClient);
const THERE = ["EntityAlreadyExistsException", "EntityAlreadyExists"];
const GONE = ["NoSuchEntityException", "NoSuchEntity"];

export const role = defineType({
  type: "aws:iam/role:Role", properties: ["name", "description", "assumeRolePolicy", "permissionsBoundary", "maxSessionDuration", "tags"], replaces: ["name"], policies: { assumeRolePolicy: "trust" },
  create: async (e, p) => {
    const RoleName = text(p["name"]);
    const made = await unless(THERE, client(e).send(new iam.CreateRoleCommand({ RoleName, Description: text(p["description"]), AssumeRolePolicyDocument: text(p["assumeRolePolicy"]), PermissionsBoundary: maybe(p["permissionsBoundary"]), MaxSessionDuration: number(p["maxSessionDuration"]), Tags: tagList(p["tags"]) })));
    if (!made) await configure(e, RoleName, text(p["assumeRolePolicy"]), maybe(p["permissionsBoundary"]));
    return { id: RoleName, outputs: { arn: `arn:aws:iam::${e.account}:role/${RoleName}` } };
  },
  update: async (e, id, p) => {
    await configure(e, id, text(p["assumeRolePolicy"]), maybe(p["permissionsBoundary"]));
    await client(e).send(new iam.TagRoleCommand({ RoleName: id, Tags: tagList(p["tags"]) }));
    return { id, outputs: { arn: `arn:aws:iam::${e.account}:role/${id}` } };
  },
  delete: async (e, id) => { await unless(GONE, client(e).send(new iam.DeleteRoleCommand({ RoleName: id }))); },
});
async function configure(e: Emulator, RoleName: string, trust: string, boundary: string | undefined): Promise<void> {
  await client(e).send(new iam.UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument: trust }));
  if (boundary !== undefined) await client(e).send(new iam.PutRolePermissionsBoundaryCommand({ RoleName, PermissionsBoundary: boundary }));
}
export const rolePolicy = defineType({
  type: "aws:iam/rolePolicy:RolePolicy", properties: ["name", "role", "policy"], replaces: ["name", "role"], policies: { policy: "inline" },
  create: async (e, p) => {
    await client(e).send(new iam.PutRolePolicyCommand({ RoleName: text(p["role"]), PolicyName: text(p["name"]), PolicyDocument: ruleOfDefaultBus(text(p["policy"])) }));
    return { id: `${text(p["role"])}:${text(p["name"])}`, outputs: {} };
  },
  delete: async (e, _id, p) => { await unless(GONE, client(e).send(new iam.DeleteRolePolicyCommand({ RoleName: text(p["role"]), PolicyName: text(p["name"]) }))); },
});
export const policy = defineType({
  type: "aws:iam/policy:Policy", properties: ["name", "description", "policy", "tags"], replaces: ["name", "description"], policies: { policy: "managed" },
  create: async (e, p) => {
    const arn = `arn:aws:iam::${e.account}:policy/${text(p["name"])}`;
    const made = await unless(THERE, client(e).send(new iam.CreatePolicyCommand({ PolicyName: text(p["name"]), Description: text(p["description"]), PolicyDocument: text(p["policy"]), Tags: tagList(p["tags"]) })));
    if (!made) await newVersion(e, arn, text(p["policy"]));
    return { id: arn, outputs: { arn } };
  },
  update: async (e, id, p) => {
    await newVersion(e, id, text(p["policy"]));
    return { id, outputs: { arn: id } };
  },
  delete: async (e, id) => {
    const all = await unless(GONE, client(e).send(new iam.ListPolicyVersionsCommand({ PolicyArn: id })));
    for (const v of all?.Versions ?? []) if (v.IsDefaultVersion !== true) await client(e).send(new iam.DeletePolicyVersionCommand({ PolicyArn: id, VersionId: v.VersionId }));
    await unless(GONE, client(e).send(new iam.DeletePolicyCommand({ PolicyArn: id })));
  },
});
/** IAM keeps five versions of a policy: the oldest makes room. */
async function newVersion(e: Emulator, arn: string, document: string): Promise<void> {
  const all = (await client(e).send(new iam.ListPolicyVersionsCommand({ PolicyArn: arn }))).Versions ?? [];
  const oldest = all.filter((v) => v.IsDefaultVersion !== true).sort((a, b) => (a.CreateDate?.getTime() ?? 0) - (b.CreateDate?.getTime() ?? 0))[0];
  if (all.length >= 5 && oldest) await client(e).send(new iam.DeletePolicyVersionCommand({ PolicyArn: arn, VersionId: oldest.VersionId }));
  await client(e).send(new iam.CreatePolicyVersionCommand({ PolicyArn: arn, PolicyDocument: document, SetAsDefault: true }));
}
export const oidc = defineType({
  type: "aws:iam/openIdConnectProvider:OpenIdConnectProvider", properties: ["url", "clientIdLists", "thumbprintLists", "tags"], replaces: ["url"],
  create: async (e, p) => {
    const arn = `arn:aws:iam::${e.account}:oidc-provider/${text(p["url"]).replace(/^https:\/\//, "")}`;
    await unless(THERE, client(e).send(new iam.CreateOpenIDConnectProviderCommand({ Url: text(p["url"]), ClientIDList: texts(p["clientIdLists"]), ThumbprintList: texts(p["thumbprintLists"]), Tags: tagList(p["tags"]) })));
    return { id: arn, outputs: { arn } };
  },
  delete: async (e, id) => { await unless(GONE, client(e).send(new iam.DeleteOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: id }))); },
});
