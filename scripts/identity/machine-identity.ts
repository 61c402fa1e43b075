import { DescribeSecretCommand, GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient, UpdateSecretVersionStageCommand } from "@aws-sdk/client-secrets-manager";
import { createHash } from "node:crypto";
import { isoDate } from "../../lib/clock.ts";
import { FindingError } from "../../lib/finding.ts";
import { awsSettings, requireAccount } from "../../providers/aws/connect.ts";
import { awsFailure } from "../../providers/aws/errors.ts";
import { identitySecretName } from "../../schemas/iam/place.ts";
import { activeOn, members, type Member } from "../../schemas/people.ts";
import { parseIdentities, recipientOf } from "../../seal/age.ts";
import { readPeople } from "../../seal/deploy.ts";
import { publicBlob, readSigningKey } from "../../seal/signature.ts";
import type { Declared } from "../../stacks/read.ts";
import type { Context } from "../command.ts";
import { identityCodes as c } from "./codes.ts";
import type { MachineRole } from "./roles.ts";

/** An age identity, and for a machine that signs (that staging was found valid) its SSH key. */
export interface Keys {
  readonly age: string;
  readonly signing: string | null;
}
const PEM = /-----BEGIN OPENSSH PRIVATE KEY-----[\s\S]*?-----END OPENSSH PRIVATE KEY-----\n?/;
const split = (text: string): Keys => ({ age: text.replace(PEM, "").trim(), signing: PEM.exec(text)?.[0] ?? null });

/** A machine's age identity in its environment's own account: which secret holds it, and whose it must be. */
export interface MachineIdentity {
  readonly secretId: string;
  readonly machines: readonly Member[];
  /** What the secret holds, judged. Throws FindingError. */
  fetch(): Promise<Keys>;
  /** Puts it there, judged. Throws FindingError. */
  put(keys: Keys): Promise<void>;
  /** Whether these keys are in force there; of null, whether any are. By describing alone. */
  holds(keys: Keys | null): Promise<boolean>;
  close(): void;
}
const textOf = (k: Keys): string => `${k.age}\n${k.signing === null ? "" : `${k.signing.trim()}\n`}`;
/** Putting the same keys again is no second version. An identity is random enough for its digest to tell nothing. */
const tokenOf = (k: Keys): string => createHash("sha256").update(`stackseal-identity-1\n${textOf(k)}`).digest("hex");
/** Throws FindingError IDENTITY_STORE, IDENTITY_MACHINE, or what the account's check says. */
export async function machineIdentity(context: Context, d: Declared, role: MachineRole): Promise<MachineIdentity> {
  const s = d.environment.store;
  if (s.kind !== "aws") throw new FindingError(c.finding("IDENTITY_STORE", { message: `${d.name} keeps its values in ${s.kind === "vault" ? "Vault" : "files"}: machines' identities are kept in AWS Secrets Manager alone`, path: d.name, hint: "hand the job its identity by SOPS_AGE_KEY_FILE, from a store of your own" }), 2);
  const on = isoDate(context.clock.now());
  const machines = members(readPeople(context.root, d.name)).filter((m) => m.machine && m.entry.role === role && m.entry.tiers.includes(d.tier) && activeOn(m, on));
  if (machines.length === 0) throw new FindingError(c.finding("IDENTITY_MACHINE", { message: `people.yaml has no active machine of role ${role} in tier ${d.tier}`, path: d.name, hint: `stackseal people add ${role}-${d.name} --machine --role ${role} --tier ${d.tier} --recipient age1…` }), 2);
  const secretId = identitySecretName(d.name, role);
  const settings = awsSettings(s, context.env);
  try {
    await requireAccount(settings, s.accountId);
  } catch (e) {
    throw awsFailure(e, secretId);
  }
  const client = new SecretsManagerClient(settings);
  const absent = (): FindingError => new FindingError(c.finding("IDENTITY_ABSENT", { message: `${secretId} isn't there, or holds nothing yet`, path: secretId, hint: `a Super Admin: stackseal init --foundation --env ${d.name}, then stackseal identity put --env ${d.name} --role ${role} --file F` }));
  const call = async <T>(what: () => Promise<T>): Promise<T> => {
    try {
      return await what();
    } catch (e) {
      if ((e as { name?: string }).name === "ResourceNotFoundException") throw absent();
      throw awsFailure(e, secretId);
    }
  };
  return {
    secretId, machines, close: () => { client.destroy(); },
    fetch: async () => {
      const keys = split((await call(() => client.send(new GetSecretValueCommand({ SecretId: secretId })))).SecretString ?? "");
      if (keys.age === "") throw absent();
      await judge(keys, machines, secretId);
      return keys;
    },
    put: async (keys) => {
      await judge(keys, machines, "what was given");
      await call(() => client.send(new PutSecretValueCommand({ SecretId: secretId, SecretString: textOf(keys), ClientRequestToken: tokenOf(keys) })));
      // An older token put again is stored and not moved into force.
      const stages = (await call(() => client.send(new DescribeSecretCommand({ SecretId: secretId })))).VersionIdsToStages ?? {};
      const inForce = Object.entries(stages).find(([, l]) => l.includes("AWSCURRENT"))?.[0];
      if (inForce !== tokenOf(keys)) await call(() => client.send(new UpdateSecretVersionStageCommand({ SecretId: secretId, VersionStage: "AWSCURRENT", MoveToVersionId: tokenOf(keys), ...(inForce !== undefined && { RemoveFromVersionId: inForce }) })));
    },
    holds: async (keys) => {
      const stages = (await call(() => client.send(new DescribeSecretCommand({ SecretId: secretId })))).VersionIdsToStages ?? {};
      return Object.entries(stages).some(([id, l]) => l.includes("AWSCURRENT") && (keys === null || id === tokenOf(keys)));
    },
  };
}
/** One identity, of one of these machines: another would open nothing, or more than this job should. */
async function judge(keys: Keys, machines: readonly Member[], from: string): Promise<void> {
  const foreign = (message: string, hint: string): FindingError => new FindingError(c.finding("IDENTITY_FOREIGN", { message, hint }));
  const identities = parseIdentities(keys.age);
  const names = machines.map((m) => m.name).join(", ");
  if (identities?.length !== 1) throw foreign(`${from} holds ${identities?.length ? `${identities.length} age identities` : "no age identity"}; one is wanted`, "age-keygen makes one");
  const recipient = await recipientOf(identities[0] as string).catch(() => "");
  const machine = machines.find((m) => m.entry.recipients.includes(recipient));
  if (!machine) throw foreign(`${from} holds an identity that is not of ${names} in people.yaml`, "age-keygen -y FILE shows whose it is; stackseal people change NAME --recipient age1… makes it the machine's");
  if (keys.signing === null) return;
  const key = readSigningKey(keys.signing);
  if (!key || !machine.entry.signing.some((l) => publicBlob(l).equals(publicBlob(key.publicLine)))) throw foreign(`${from} holds a signing key that is not ${machine.name}'s in people.yaml`, `stackseal people change ${machine.name} --signing "ssh-ed25519 …"`);
}
