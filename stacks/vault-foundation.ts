import type * as pulumi from "@pulumi/pulumi";
import { jwtPath, type VaultSite } from "../schemas/vault/site.ts";
import { VaultMount } from "./components/vault-mount.ts";
import { vaultProvider } from "./components/vault-provider.ts";
import { VaultRoles } from "./components/vault-roles.ts";
import type { Outputs } from "./program.ts";
import type { Declared } from "./read.ts";

/** `<env>-foundation` on Vault: the mount, its audit, who may what. Super Admins deploy it. */
export function vaultFoundation(d: Declared, site: VaultSite): Outputs {
  const vault = vaultProvider(d);
  const opts: pulumi.ComponentResourceOptions = vault ? { providers: { vault } } : {};
  const mount = new VaultMount(d, opts);
  const roles = new VaultRoles(d, site, { ...opts, dependsOn: [mount] });
  return { environment: d.name, mount: mount.path, policies: roles.policies, login: site.deployment ? `auth/${jwtPath(d.name)}` : null };
}
