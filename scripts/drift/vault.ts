import type { VaultClient } from "../../providers/stores/vault-client.ts";
import { ROLES } from "../../schemas/access.ts";
import { vaultPolicy } from "../../schemas/vault/policy.ts";
import { jwtPath, vaultPolicyName, type VaultSite } from "../../schemas/vault/site.ts";
import { DEPLOYERS } from "../../schemas/iam/place.ts";
import { deploymentEnvironment } from "../../schemas/iam/trust.ts";
import type { Drift } from "./secrets.ts";

/** Policies, logins and the audit device against what the access matrix and the declarations give; by reading Vault's system alone. */
export async function vaultDrift(s: VaultSite, client: VaultClient, audit: unknown): Promise<Drift[]> {
  const out: Drift[] = [];
  const note = (kind: Drift["kind"], name: string, expected: string, found: string): void => { out.push({ kind, name, expected, found, by: null }); };
  const read = async (path: string): Promise<Readonly<Record<string, unknown>> | null> => {
    const { status, body } = await client.send("GET", path, path, undefined, [400]);
    return status < 300 ? (body?.data ?? {}) : null;
  };
  for (const role of ROLES) {
    const expected = vaultPolicy(role, s), name = vaultPolicyName(s.environment, role);
    if (expected === "") continue;
    const got = await read(`sys/policies/acl/${name}`);
    if (got?.["policy"] !== expected) note("policy", name, "the access matrix's policy", got ? "another one" : "none");
  }
  if (s.deployment) for (const role of [...DEPLOYERS, "auditor" as const]) {
    const path = `auth/${jwtPath(s.environment)}/role/${role}`, subject = `repo:${s.deployment.repository}:environment:${deploymentEnvironment(s.environment, role)}`;
    const got = await read(path);
    const policies = JSON.stringify(got?.["token_policies"] ?? got?.["policies"] ?? []);
    if (got?.["bound_subject"] !== subject) note("role", path, subject, got ? String(got["bound_subject"]) : "none");
    else if (policies !== JSON.stringify([vaultPolicyName(s.environment, role)])) note("role", path, vaultPolicyName(s.environment, role), policies);
  }
  if (audit !== "operator" && Object.keys((await read("sys/audit")) ?? {}).length === 0) note("trail", "sys/audit", "an audit device", "none");
  return out;
}
