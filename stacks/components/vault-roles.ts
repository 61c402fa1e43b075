import * as pulumi from "@pulumi/pulumi";
import * as jwt from "@pulumi/vault/jwt/index.js";
import { Policy } from "@pulumi/vault/policy.js";
import { ROLES, type Role } from "../../schemas/access.ts";
import { OIDC_ISSUER } from "../../schemas/deployment.ts";
import { DEPLOYERS } from "../../schemas/iam/place.ts";
import { deploymentEnvironment } from "../../schemas/iam/trust.ts";
import { vaultPolicy } from "../../schemas/vault/policy.ts";
import { jwtPath, VAULT_AUDIENCE, vaultPolicyName, type VaultSite } from "../../schemas/vault/site.ts";
import type { Declared } from "../read.ts";

/** A policy a role, as the access matrix says, and the logins of jobs: each by its one subject at the code host. People get theirs through the Vault's own logins, by the policies' names. */
export class VaultRoles extends pulumi.ComponentResource {
  /** Role → the policy's name. */
  readonly policies: Readonly<Partial<Record<Role, string>>>;
  constructor(d: Declared, site: VaultSite, opts?: pulumi.ComponentResourceOptions) {
    super("stackseal:index:VaultRoles", "roles", {}, opts);
    const names: Partial<Record<Role, string>> = {};
    const made = new Map<Role, Policy>();
    for (const role of ROLES) {
      const policy = vaultPolicy(role, site);
      if (policy === "") continue;
      names[role] = vaultPolicyName(d.name, role);
      made.set(role, new Policy(role, { name: vaultPolicyName(d.name, role), policy }, { parent: this }));
    }
    if (site.deployment) {
      const issuer = site.deployment.issuer ?? OIDC_ISSUER;
      const backend = new jwt.AuthBackend("code-host", { path: jwtPath(d.name), type: "jwt", oidcDiscoveryUrl: issuer, boundIssuer: issuer, description: `Jobs that deploy ${d.name}` }, { parent: this });
      for (const role of [...DEPLOYERS, "auditor" as const]) {
        const policy = made.get(role);
        if (!policy) continue;
        new jwt.AuthBackendRole(role, {
          backend: backend.path.apply((p) => p ?? jwtPath(d.name)), roleName: role, roleType: "jwt", userClaim: "sub", boundAudiences: [VAULT_AUDIENCE],
          boundSubject: `repo:${site.deployment.repository}:environment:${deploymentEnvironment(d.name, role)}`,
          tokenPolicies: [policy.name], tokenNoDefaultPolicy: false, tokenTtl: 900, tokenMaxTtl: 3600, tokenType: "service",
        }, { parent: this, dependsOn: [backend] });
      }
    }
    this.policies = names;
    this.registerOutputs({ policies: this.policies });
  }
}
