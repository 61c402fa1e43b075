import type * as SecretsManager from "@aws-sdk/client-secrets-manager";
import type { SecretsManagerClient, SecretVersionsListEntry } from "@aws-sdk/client-secrets-manager";
import { awsFailure } from "../aws/errors.ts";
import { awsSettings, requireAccount, type AwsPlace } from "../aws/connect.ts";
import type { Env } from "../context.ts";
import { fail } from "../input.ts";
import { noteTags, notesIn, staleNoteTags } from "./aws-notes.ts";
import { OWNER, OWNER_TAG, type Label, type Put, type Store, type StoreSecret, type StoreVersion } from "./contract.ts";

const STAGES: Readonly<Record<Label, string>> = { current: "AWSCURRENT", previous: "AWSPREVIOUS", pending: "AWSPENDING" };
/** AWS: 65,536 bytes a value, names of 1 to 512 of these letters. */
export const MAX_VALUE_BYTES = 65_536;
const NAME = /^[A-Za-z0-9/_+=.@-]{1,512}$/;
const TOKEN = /^[A-Za-z0-9-]{32,64}$/;

type Sdk = typeof SecretsManager;
interface Open {
  readonly sdk: Sdk;
  readonly client: SecretsManagerClient;
}
interface Shape {
  readonly Name?: string | undefined;
  readonly Tags?: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] | undefined;
  readonly DeletedDate?: Date | undefined;
}

/**
 * AWS Secrets Manager through the SDK, which is loaded with the first call. The secrets themselves, their keys, policies and replicas are the foundation stack's: this delivers
 * versions into them. The version id is the ClientRequestToken, so that the store's own version is the pointer into git.
 */
export class AwsStore implements Store {
  readonly kind = "aws";
  private readonly place: AwsPlace;
  private readonly env: Env;
  private opened: Promise<Open> | undefined;
  constructor(place: AwsPlace, env: Env) {
    this.place = place;
    this.env = env;
  }

  async describe(name: string): Promise<StoreSecret | null> {
    refuseName(name);
    return this.attempt(name, async ({ sdk, client }) => {
      try {
        const d = await client.send(new sdk.DescribeSecretCommand({ SecretId: name }));
        const versions: SecretVersionsListEntry[] = [];
        for await (const page of sdk.paginateListSecretVersionIds({ client }, { SecretId: name, IncludeDeprecated: true })) versions.push(...(page.Versions ?? []));
        // What the list doesn't show yet, the description does: listing is eventually consistent.
        const stages = new Map(Object.entries(d.VersionIdsToStages ?? {}));
        const seen = new Set(versions.map((v) => v.VersionId));
        const all = [...[...stages.keys()].filter((id) => !seen.has(id)).map((VersionId) => ({ VersionId })), ...versions];
        return secretOf(d, all.map((v) => versionOf(v, stages.get(v.VersionId ?? "") ?? [])));
      } catch (e) {
        if ((e as Error).name === "ResourceNotFoundException") return null;
        throw e;
      }
    });
  }
  async list(prefix: string): Promise<StoreSecret[]> {
    return this.attempt(prefix, async ({ sdk, client }) => {
      const out: StoreSecret[] = [];
      for await (const page of sdk.paginateListSecrets({ client, pageSize: 100 }, { Filters: [{ Key: "name", Values: [prefix] }], IncludePlannedDeletion: true }))
        for (const s of page.SecretList ?? [])
          if (s.Name?.startsWith(prefix)) out.push(secretOf(s, Object.entries(s.SecretVersionsToStages ?? {}).map(([VersionId, stages]) => versionOf({ VersionId }, stages))));
      return out.sort((a, b) => (a.name < b.name ? -1 : 1));
    });
  }
  async put(put: Put): Promise<void> {
    const { name, versionId, stage = "current" } = put;
    const value = JSON.stringify(put.values);
    refuseName(name);
    if (!TOKEN.test(versionId)) throw fail("STORE_NAME_INVALID", "a version id has 32 to 64 letters, digits and hyphens", name);
    const bytes = Buffer.byteLength(value);
    if (bytes > MAX_VALUE_BYTES) throw fail("STORE_VALUE_TOO_LARGE", `the secret's values make ${bytes} bytes; Secrets Manager takes ${MAX_VALUE_BYTES}`, name, "split the integration's entries over two environments or shorten the values");
    const before = await this.owned(name);
    const held = before.versions.find((v) => v.id === versionId);
    if (held?.label !== "current" && held?.label !== stage) {
      await this.attempt(name, async ({ sdk, client }) => {
        // The token makes it idempotent: the same one with the same value puts nothing, and leaves the labels where they are.
        const done = await client.send(new sdk.PutSecretValueCommand({ SecretId: name, ClientRequestToken: versionId, SecretString: value, VersionStages: [STAGES[stage]] }));
        if (held !== undefined || done.VersionStages?.includes(STAGES[stage]) !== true) await this.move(name, versionId, stage);
      });
    }
    await this.tag(before, put);
  }
  async promote(name: string, versionId: string): Promise<void> {
    const before = await this.owned(name);
    const held = before.versions.find((v) => v.id === versionId);
    if (held?.label == null) throw fail("STORE_VERSION_MISSING", "the store doesn't hold this version's values", name, "deliver it again with stackseal up");
    if (held.label === "current") return;
    await this.attempt(name, async ({ sdk, client }) => {
      await this.move(name, versionId, "current");
      if (held.label === "pending") await client.send(new sdk.UpdateSecretVersionStageCommand({ SecretId: name, VersionStage: STAGES.pending, RemoveFromVersionId: versionId }));
    });
  }
  async read(name: string, label: Label = "current"): Promise<Readonly<Record<string, string>> | null> {
    refuseName(name);
    return this.attempt(name, async ({ sdk, client }) => {
      try {
        const { SecretString } = await client.send(new sdk.GetSecretValueCommand({ SecretId: name, VersionStage: STAGES[label] }));
        return SecretString === undefined ? null : parse(SecretString, name);
      } catch (e) {
        if ((e as Error).name === "ResourceNotFoundException") return null;
        throw e;
      }
    });
  }
  async withdraw(name: string, versionId: string): Promise<void> {
    const held = (await this.describe(name))?.versions.find((v) => v.id === versionId);
    if (held?.label == null || held.label === "current") return;
    const VersionStage = STAGES[held.label];
    await this.attempt(name, async ({ sdk, client }) => { await client.send(new sdk.UpdateSecretVersionStageCommand({ SecretId: name, VersionStage, RemoveFromVersionId: versionId })); });
  }
  /** Nothing: the secret is the foundation stack's, which deletes it with a recovery window; until then its value stays for who still reads it. */
  async remove(): Promise<void> {
    await Promise.resolve();
  }

  /** Moves a label, from wherever it is now, and looks where it went. */
  private async move(name: string, versionId: string, stage: "current" | "pending"): Promise<void> {
    const { sdk, client } = await this.open();
    const holder = async (): Promise<string | undefined> => {
      const d = await client.send(new sdk.DescribeSecretCommand({ SecretId: name }));
      return Object.entries(d.VersionIdsToStages ?? {}).find(([, stages]) => stages.includes(STAGES[stage]))?.[0];
    };
    const from = await holder();
    if (from === versionId) return;
    await client.send(new sdk.UpdateSecretVersionStageCommand({ SecretId: name, VersionStage: STAGES[stage], MoveToVersionId: versionId, ...(from !== undefined && { RemoveFromVersionId: from }) }));
    if ((await holder()) !== versionId) throw fail("STORE_NOT_CURRENT", `the label ${STAGES[stage]} didn't stay on the delivered version`, name, "run again; if it stays so, look who else writes this secret");
  }
  /** Writes the tags that tell of this delivery, and takes away those of versions that are gone. The rest of the tags are the foundation stack's. */
  private async tag(before: StoreSecret, put: Put): Promise<void> {
    const wanted = { ...put.tags, ...noteTags(put.versionId, put.notes) };
    const Tags = Object.entries(wanted).filter(([k, v]) => before.tags[k] !== v).map(([Key, Value]) => ({ Key, Value }));
    const kept = [put.versionId, ...before.versions.filter((v) => v.label !== null).map((v) => v.id)];
    const TagKeys = staleNoteTags(before.tags, kept);
    await this.attempt(put.name, async ({ sdk, client }) => {
      if (TagKeys.length > 0) await client.send(new sdk.UntagResourceCommand({ SecretId: put.name, TagKeys }));
      if (Tags.length > 0) await client.send(new sdk.TagResourceCommand({ SecretId: put.name, Tags }));
    });
  }
  private async owned(name: string): Promise<StoreSecret> {
    const found = await this.describe(name);
    const environment = name.split("/")[1] ?? "";
    if (!found) throw fail("STORE_SHELL_MISSING", `Secrets Manager has no secret of this name in ${this.place.region}`, name, `check store.region; a Super Admin deploys ${environment}-foundation, which makes it with its key and policy`);
    if (found.deletedAt !== undefined) throw fail("STORE_DELETION_PENDING", `the secret is scheduled for deletion on ${found.deletedAt.slice(0, 10)}`, name, `aws secretsmanager restore-secret --secret-id ${name}, as super-admin`);
    if (!found.ours) throw fail("STORE_FOREIGN", "the secret doesn't carry our ownership tag: it isn't overwritten", name, "remove or rename it, or tag it managed-by: stackseal after having looked at it");
    return found;
  }
  private async attempt<T>(name: string, run: (open: Open) => Promise<T>): Promise<T> {
    try {
      return await run(await this.open());
    } catch (e) {
      throw awsFailure(e, name);
    }
  }
  private open(): Promise<Open> {
    this.opened ??= (async () => {
      const settings = awsSettings(this.place, this.env);
      await requireAccount(settings, this.place.accountId);
      const sdk = await import("@aws-sdk/client-secrets-manager");
      return { sdk, client: new sdk.SecretsManagerClient(settings) };
    })();
    // A failure isn't kept: credentials may be there by the next call.
    this.opened.catch(() => { this.opened = undefined; });
    return this.opened;
  }
}

function refuseName(name: string): void {
  if (!NAME.test(name)) throw fail("STORE_NAME_INVALID", "Secrets Manager takes 1 to 512 of A-Z a-z 0-9 / _ + = . @ -", name, "rename the integration's entry");
}
const secretOf = (s: Shape, versions: readonly StoreVersion[]): StoreSecret => {
  const tags = Object.fromEntries((s.Tags ?? []).flatMap((t) => (t.Key !== undefined ? [[t.Key, t.Value ?? ""] as const] : [])));
  return {
    name: s.Name ?? "", ours: tags[OWNER_TAG] === OWNER, tags,
    versions: versions.map((v) => ({ ...v, notes: notesIn(tags, v.id) })).sort((a, b) => (a.createdAt > b.createdAt ? -1 : a.createdAt < b.createdAt ? 1 : 0)),
    ...(s.DeletedDate && { deletedAt: s.DeletedDate.toISOString() }),
  };
};
/** Labels of our own are ignored; of several, the one that says most. */
function versionOf(v: SecretVersionsListEntry, described: readonly string[]): StoreVersion {
  const stages = described.length > 0 ? described : (v.VersionStages ?? []);
  const label = (["current", "previous", "pending"] as const).find((l) => stages.includes(STAGES[l])) ?? null;
  return { id: v.VersionId ?? "", label, createdAt: v.CreatedDate?.toISOString() ?? "", notes: {} };
}
function parse(text: string, name: string): Record<string, string> {
  try {
    const v: unknown = JSON.parse(text);
    if (typeof v === "object" && v !== null && !Array.isArray(v)) return Object.fromEntries(Object.entries(v).map(([k, e]) => [k, String(e)]));
  } catch {
    // Said below: the parser's message would quote the value.
  }
  throw fail("STORE_CORRUPT", "the secret's value is not the map that a delivery writes", name);
}
