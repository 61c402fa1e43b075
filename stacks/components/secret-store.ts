import * as pulumi from "@pulumi/pulumi";
import { SealedVersion } from "@pulumi/stackseal";
import { isoDate } from "../../lib/clock.ts";
import type { SecretClass } from "../../schemas/access.ts";
import { variablesOf } from "../../schemas/integrations/index.ts";
import { storeSecretName } from "../../schemas/layout.ts";
import { dueAt, type Declared, type DeclaredCredential } from "../read.ts";
import { storeArgs } from "./store-args.ts";
import { ownTags } from "./tags.ts";

/** Tags that say whose a secret is, and what policies judge: never a value. */
export function secretTags(d: Declared, cls: SecretClass, credentials: readonly DeclaredCredential[]): Record<string, string> {
  const due = credentials.map((c) => isoDate(dueAt(c.claims))).sort()[0];
  const modes = [...new Set(credentials.flatMap((c) => (c.claims.mode !== undefined ? [c.claims.mode] : [])))].sort();
  return { ...ownTags(d), class: cls, owner: cls === "payments" ? "super-admin" : "admin", ...(due !== undefined && { "due-at": due }), ...(modes.length > 0 && { mode: modes.join("+") }) };
}

/** The version that carries an integration's sealed values of a class into the store's secret; on AWS the foundation stack has made that secret. */
export class SecretStore extends pulumi.ComponentResource {
  readonly versionId: pulumi.Output<string>;
  constructor(name: string, d: Declared, cls: SecretClass, credentials: readonly DeclaredCredential[], opts?: pulumi.ComponentResourceOptions) {
    super("stackseal:index:SecretStore", name, {}, opts);
    const version = new SealedVersion(name, {
      store: storeArgs(d), secretId: storeSecretName(d.name, cls, name), tags: secretTags(d, cls, credentials),
      values: credentials.flatMap((c) => variablesOf(c.spec, c.entry).map((variable) => ({ variable, key: c.path, issueId: c.claims.issueId, fingerprint: c.claims.fingerprint }))),
    }, { parent: this });
    this.versionId = version.versionId;
    this.registerOutputs({ versionId: this.versionId });
  }
}
