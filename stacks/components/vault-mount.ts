import * as pulumi from "@pulumi/pulumi";
import { Audit } from "@pulumi/vault/audit.js";
import * as kv from "@pulumi/vault/kv/index.js";
import { Mount } from "@pulumi/vault/mount.js";
import type { Declared } from "../read.ts";
import { holdsData } from "./tags.ts";

/** Versions that Vault keeps of a secret. */
const MAX_VERSIONS = 10;

/** The KV v2 mount, every write of it a check-and-set, and the audit device where the environment declares one. */
export class VaultMount extends pulumi.ComponentResource {
  readonly path: string;
  constructor(d: Declared, opts?: pulumi.ComponentResourceOptions) {
    super("stackseal:index:VaultMount", "mount", {}, opts);
    const s = d.environment.store;
    if (s.kind !== "vault") throw new Error("not a Vault");
    // The audit device is first: what is made after it is in its log.
    const audit = typeof s.audit === "object" && new Audit("audit", { type: s.audit.type, path: s.audit.path ?? s.audit.type, options: s.audit.options, description: `stackseal: ${d.name}` }, { parent: this, ...holdsData(d) });
    const own = { parent: this, ...(audit && { dependsOn: [audit] }) };
    if (s.existingMount !== true) {
      const mount = new Mount("kv", { path: s.mount, type: "kv", options: { version: "2" }, description: `Credentials of ${d.name}; managed by stackseal` }, { ...own, ...holdsData(d) });
      new kv.SecretBackendV2("kv", { mount: mount.path, casRequired: true, maxVersions: MAX_VERSIONS }, { parent: this });
    }
    this.path = s.mount;
    this.registerOutputs({ path: this.path });
  }
}
