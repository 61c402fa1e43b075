import { awsSettings, type AwsPlace } from "../../providers/aws/connect.ts";
import { principalArnOfSession } from "../../sandbox/aws/faults.ts";
import type { Document } from "../../schemas/iam/document.ts";
import { keyPolicy } from "../../schemas/iam/key-policy.ts";
import { keyAlias, type Place } from "../../schemas/iam/place.ts";
import { secretPolicy } from "../../schemas/iam/secret-policy.ts";
import type { Declared } from "../../stacks/read.ts";
import { alertDrift } from "./alerts.ts";
import { withAuthors } from "./authors.ts";
import { bucketDrift } from "./buckets.ts";
import { Notes, orNull, sameJson } from "./compare.ts";
import { roleDrift } from "./roles.ts";
import type { Drift } from "./secrets.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** An environment's account against what the access matrix and the declarations give: by listing and describing alone. `before` is what was found already; everything comes back with its likely author. */
export async function awsDrift(p: Place, d: Declared, at: AwsPlace, env: Env, before: readonly Drift[]): Promise<Drift[]> {
  // An emulator was given some policies in its own words.
  const sent = (x: Document): string => (at.endpoint === undefined ? JSON.stringify(x) : principalArnOfSession(JSON.stringify(x)));
  const n = new Notes();
  const aliases = new Map<string, string>();
  await policies(n, p, at, env, sent, aliases);
  const found = [...before, ...n.found, ...await roleDrift(p, at, env), ...await bucketDrift(p, at, env, sent), ...await alertDrift(p, d, at, env)];
  return found.length === 0 ? [] : withAuthors(found, at, env, aliases);
}
async function policies(n: Notes, p: Place, at: AwsPlace, env: Env, sent: (d: Document) => string, aliases: Map<string, string>): Promise<void> {
  const [sm, kms] = await Promise.all([import("@aws-sdk/client-secrets-manager"), import("@aws-sdk/client-kms")]);
  const secrets = new sm.SecretsManagerClient(awsSettings(at, env));
  const keys = new kms.KMSClient(awsSettings(at, env));
  for (const cls of ["standard", "payments"] as const) {
    for (const name of p.secrets[cls]) {
      const got = await orNull(secrets.send(new sm.GetResourcePolicyCommand({ SecretId: name })), name);
      if (got && !sameJson(got.ResourcePolicy, sent(secretPolicy(cls, p)))) n.note("policy", name, "the access matrix's resource policy", got.ResourcePolicy === undefined ? "none" : "another one");
    }
    const alias = keyAlias(p.environment, cls);
    const key = (await orNull(keys.send(new kms.DescribeKeyCommand({ KeyId: alias })), alias))?.KeyMetadata;
    if (!key) { n.note("key", alias, "a key", "none"); continue; }
    const KeyId = key.KeyId ?? alias;
    aliases.set(alias, KeyId);
    if (key.Enabled !== true) n.note("key", alias, "enabled", String(key.KeyState));
    const policy = await orNull(keys.send(new kms.GetKeyPolicyCommand({ KeyId, PolicyName: "default" })), alias);
    if (!sameJson(policy?.Policy, JSON.stringify(keyPolicy(cls, p)))) n.note("key", alias, "the access matrix's key policy", "another one");
    if (key.Enabled === true && (await orNull(keys.send(new kms.GetKeyRotationStatusCommand({ KeyId })), alias))?.KeyRotationEnabled !== true) n.note("key", alias, "rotation every year", "no rotation");
    for (const g of (await orNull(keys.send(new kms.ListGrantsCommand({ KeyId })), alias))?.Grants ?? []) n.note("key", alias, "no grant", `a grant for ${g.GranteePrincipal ?? "?"}`);
  }
}
