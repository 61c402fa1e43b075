import * as aws from "@pulumi/aws/iam/index.js";
import * as pulumi from "@pulumi/pulumi";
import { ROLES, type Role } from "../../schemas/access.ts";
import { boundary, superAdminBoundary } from "../../schemas/iam/boundary.ts";
import { boundaryArn, boundaryName, oidcHost, roleArn, roleName, type Place } from "../../schemas/iam/place.ts";
import { hasCloudRole, rolePolicy, schedulerPolicy } from "../../schemas/iam/role-policy.ts";
import { trustPolicy } from "../../schemas/iam/trust.ts";
import { policyText } from "../access/checked.ts";
import type { Declared } from "../read.ts";
import { ownTags } from "./tags.ts";

/** The account's roles, each with the rights that the access matrix gives it, the one trust that lets somebody take it, and a boundary. */
export class Roles extends pulumi.ComponentResource {
  /** Role → ARN, of those that somebody may take. */
  readonly arns: Readonly<Partial<Record<Role | "scheduler", string>>>;
  constructor(d: Declared, p: Place, opts?: pulumi.ComponentResourceOptions) {
    super("stackseal:index:Roles", "roles", {}, opts);
    const tags = ownTags(d);
    const limit = new aws.Policy("boundary", { name: boundaryName(p, "app"), description: `The most that a role of ${d.name} can have`, policy: policyText("managed", "boundary", boundary(p)), tags }, { parent: this });
    const adminLimit = new aws.Policy("boundary-super-admin", { name: boundaryName(p, "super-admin"), description: `The most that super-admin of ${d.name} can have`, policy: policyText("managed", "super-admin's boundary", superAdminBoundary(p)), tags }, { parent: this });
    const dependsOn = p.deployment ? [new aws.OpenIdConnectProvider("code-host", { url: `https://${oidcHost(p.deployment)}`, clientIdLists: ["sts.amazonaws.com"], tags }, { parent: this })] : [];
    const arns: Partial<Record<Role | "scheduler", string>> = {};
    for (const role of [...ROLES.filter((r) => hasCloudRole(r, p)), "scheduler" as const]) {
      const trust = trustPolicy(role, p);
      if (!trust) continue;
      const r = new aws.Role(role, {
        name: roleName(p, role), description: `${role} of ${d.name}, as the access matrix says`, assumeRolePolicy: policyText("trust", `${role}'s trust`, trust),
        permissionsBoundary: boundaryArn(p, role), maxSessionDuration: 3600, tags: { ...tags, role },
      }, { parent: this, dependsOn: [limit, adminLimit, ...dependsOn] });
      // An environment without a credential of its class gives a role nothing yet, and a policy without a statement is none.
      const rights = role === "scheduler" ? schedulerPolicy(p) : rolePolicy(role, p);
      if (rights.Statement.length > 0) new aws.RolePolicy(role, { name: "access-matrix", role: r.name, policy: policyText("inline", `${role}'s rights`, rights) }, { parent: this });
      arns[role] = roleArn(p, role);
    }
    this.arns = arns;
    this.registerOutputs({ arns });
  }
}
