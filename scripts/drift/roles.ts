import { awsSettings, type AwsPlace } from "../../providers/aws/connect.ts";
import { ROLES } from "../../schemas/access.ts";
import { ruleOfDefaultBus } from "../../sandbox/aws/faults.ts";
import { boundary, superAdminBoundary } from "../../schemas/iam/boundary.ts";
import { boundaryArn, oidcArn, roleArn, roleName, type Place } from "../../schemas/iam/place.ts";
import { hasCloudRole, rolePolicy, schedulerPolicy } from "../../schemas/iam/role-policy.ts";
import { trustPolicy } from "../../schemas/iam/trust.ts";
import { Notes, orNull, orUnseen, sameJson } from "./compare.ts";
import type { Drift } from "./secrets.ts";

type Env = Readonly<Record<string, string | undefined>>;
/** IAM gives documents percent-encoded. */
const plain = (text: string | undefined): string | undefined => {
  if (text === undefined || text.startsWith("{")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
/** Roles, their rights, trusts and boundaries, and the code host's login, against what the access matrix gives. */
export async function roleDrift(p: Place, at: AwsPlace, env: Env): Promise<Drift[]> {
  const iam = await import("@aws-sdk/client-iam");
  const client = new iam.IAMClient(awsSettings(at, env));
  const n = new Notes();
  const expected = [...ROLES.filter((r) => hasCloudRole(r, p)), "scheduler" as const].filter((r) => trustPolicy(r, p) !== null);
  for (const role of expected) {
    const name = roleName(p, role);
    const got = (await orNull(client.send(new iam.GetRoleCommand({ RoleName: name })), name))?.Role;
    if (!got) { n.note("role", name, "a role", "none"); continue; }
    if (!sameJson(plain(got.AssumeRolePolicyDocument), JSON.stringify(trustPolicy(role, p)))) n.note("role", name, "the matrix's trust", "others may take it");
    if (got.PermissionsBoundary?.PermissionsBoundaryArn !== boundaryArn(p, role)) n.note("role", name, boundaryArn(p, role), got.PermissionsBoundary?.PermissionsBoundaryArn ?? "no boundary");
    const rights = role === "scheduler" ? schedulerPolicy(p) : rolePolicy(role, p);
    const inline = (await client.send(new iam.ListRolePoliciesCommand({ RoleName: name }))).PolicyNames ?? [];
    for (const extra of inline.filter((x) => x !== "access-matrix")) n.note("role", name, "no other policy", `the inline policy ${extra}`);
    if (inline.includes("access-matrix") !== rights.Statement.length > 0) n.note("role", name, rights.Statement.length > 0 ? "the matrix's rights" : "no rights", inline.includes("access-matrix") ? "some" : "none");
    else if (inline.includes("access-matrix") && !sameJson(plain((await client.send(new iam.GetRolePolicyCommand({ RoleName: name, PolicyName: "access-matrix" }))).PolicyDocument), at.endpoint === undefined ? JSON.stringify(rights) : ruleOfDefaultBus(JSON.stringify(rights)))) n.note("role", name, "the matrix's rights", "others");
    for (const a of (await client.send(new iam.ListAttachedRolePoliciesCommand({ RoleName: name }))).AttachedPolicies ?? []) n.note("role", name, "no attached policy", a.PolicyArn ?? "one");
  }
  const known = new Set(expected.map((r) => roleArn(p, r)));
  for await (const page of iam.paginateListRoles({ client }, {}))
    for (const r of page.Roles ?? []) if (r.RoleName?.startsWith(`stackseal-${p.environment}-`) === true && !known.has(r.Arn ?? "")) n.note("role", r.RoleName, "no such role", "a role that git doesn't know");
  for (const [role, document] of [["app", boundary(p)], ["super-admin", superAdminBoundary(p)]] as const) {
    const arn = boundaryArn(p, role);
    const policy = (await orNull(client.send(new iam.GetPolicyCommand({ PolicyArn: arn })), arn))?.Policy;
    if (!policy) { n.note("policy", arn, "a boundary", "none"); continue; }
    const version = (await orNull(client.send(new iam.GetPolicyVersionCommand({ PolicyArn: arn, VersionId: policy.DefaultVersionId })), arn))?.PolicyVersion;
    if (!sameJson(plain(version?.Document), JSON.stringify(document))) n.note("policy", arn, "the matrix's boundary", "another one");
  }
  if (p.deployment) {
    const arn = oidcArn(p, p.deployment);
    const got = await orUnseen(client.send(new iam.GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: arn })), arn, at.endpoint !== undefined);
    if (got === undefined) return n.found;
    if (!got) n.note("role", arn, "the code host's login", "none");
    else if ((got.ClientIDList ?? []).join() !== "sts.amazonaws.com") n.note("role", arn, "sts.amazonaws.com", (got.ClientIDList ?? []).join(", "));
  }
  return n.found;
}
