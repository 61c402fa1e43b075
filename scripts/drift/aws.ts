import { FindingError } from "../../lib/finding.ts";
import { awsSettings, type AwsPlace } from "../../providers/aws/connect.ts";
import { principalArnOfSession } from "../../sandbox/aws/faults.ts";
import type { SecretClass } from "../../schemas/access.ts";
import type { Document } from "../../schemas/iam/document.ts";
import { keyPolicy } from "../../schemas/iam/key-policy.ts";
import { DEPLOYERS, identitySecretName, keyAlias, regionsOf, type Place } from "../../schemas/iam/place.ts";
import { identityPolicy, secretPolicy } from "../../schemas/iam/secret-policy.ts";
import type { Declared } from "../../stacks/read.ts";
import { alertDrift } from "./alerts.ts";
import { withAuthors } from "./authors.ts";
import { bucketDrift } from "./buckets.ts";
import { Notes, orNull, sameJson } from "./compare.ts";
import { roleDrift } from "./roles.ts";
import type { Drift } from "./secrets.ts";

const CLASSES = ["standard", "payments"] as const;
type Env = Readonly<Record<string, string | undefined>>;

/** An environment's account against what the access matrix and the declarations give: by listing and describing alone. `before` is what was found already; everything comes back with its likely author. */
export async function awsDrift(p: Place, d: Declared, at: AwsPlace, env: Env, before: readonly Drift[]): Promise<Drift[]> {
  // An emulator was given some policies in its own words.
  const sent = (x: Document): string => (at.endpoint === undefined ? JSON.stringify(x) : principalArnOfSession(JSON.stringify(x)));
  const n = new Notes();
  const aliases = new Map<string, string>();
  await shells(n, p, at, env, sent, new Set(before.map((x) => x.name)));
  for (const cls of CLASSES) await keys(n, cls, p, at, env, aliases);
  const found = [...before, ...n.found, ...await roleDrift(p, at, env), ...await bucketDrift(p, at, env, sent), ...await alertDrift(p, d, at, env)];
  return found.length === 0 ? [] : withAuthors(found, at, env, aliases);
}
/** The resource policies of every secret that the foundation makes; `known`: whose names something is said of already. */
async function shells(n: Notes, p: Place, at: AwsPlace, env: Env, sent: (d: Document) => string, known: ReadonlySet<string>): Promise<void> {
  const sm = await import("@aws-sdk/client-secrets-manager");
  const secrets = new sm.SecretsManagerClient(awsSettings(at, env));
  const all = [...CLASSES.flatMap((cls) => p.secrets[cls].map((name) => ({ name, policy: secretPolicy(cls, p) }))), ...(p.deployment ? DEPLOYERS.map((role) => ({ name: identitySecretName(p.environment, role), policy: identityPolicy(role, p) })) : [])];
  for (const { name, policy } of all) {
    const got = await orNull(secrets.send(new sm.GetResourcePolicyCommand({ SecretId: name })), name).catch((e: unknown) => {
      // Said as what it is: the rest is looked at all the same.
      if (e instanceof FindingError && e.findings.some((f) => f.code === "STORE_DELETION_PENDING")) return undefined;
      throw e;
    });
    if (!got) {
      if (!known.has(name)) n.note("secret", name, "a secret in force", got === null ? "no such secret" : "scheduled for deletion");
    } else if (!sameJson(got.ResourcePolicy, sent(policy))) n.note("policy", name, "the access matrix's resource policy", got.ResourcePolicy === undefined ? "none" : "another one");
  }
}
/** A class's key, and its replicas: they share an id, and each region has a policy, a state and grants of its own. */
async function keys(n: Notes, cls: SecretClass, p: Place, at: AwsPlace, env: Env, aliases: Map<string, string>): Promise<void> {
  const kms = await import("@aws-sdk/client-kms");
  const alias = keyAlias(p.environment, cls);
  let id: string | undefined;
  for (const region of regionsOf(p)) {
    const client = new kms.KMSClient(awsSettings(at, env, region));
    const name = region === p.region ? alias : `${alias} in ${region}`;
    const key = (await orNull(client.send(new kms.DescribeKeyCommand({ KeyId: id ?? alias })), name))?.KeyMetadata;
    if (!key) { n.note("key", name, "a key", "none"); continue; }
    const KeyId = (id ??= key.KeyId ?? alias);
    aliases.set(name, KeyId);
    if (key.Enabled !== true) n.note("key", name, "enabled", String(key.KeyState));
    const policy = await orNull(client.send(new kms.GetKeyPolicyCommand({ KeyId, PolicyName: "default" })), name);
    if (!sameJson(policy?.Policy, JSON.stringify(keyPolicy(cls, p)))) n.note("key", name, "the access matrix's key policy", "another one");
    // A replica turns with its primary.
    if (region === p.region && key.Enabled === true && (await orNull(client.send(new kms.GetKeyRotationStatusCommand({ KeyId })), name))?.KeyRotationEnabled !== true) n.note("key", name, "rotation every year", "no rotation");
    for (const g of (await orNull(client.send(new kms.ListGrantsCommand({ KeyId })), name))?.Grants ?? []) n.note("key", name, "no grant", `a grant for ${g.GranteePrincipal ?? "?"}`);
  }
}
