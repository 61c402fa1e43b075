import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Encrypter } from "age-encryption";
import { isoDate, type Clock } from "../lib/clock.ts";
import { FindingError, type Finding } from "../lib/finding.ts";
import { Git } from "../lib/git.ts";
import { THRESHOLD } from "../schemas/backup.ts";
import { humanPepperFile, pepperFile, WORK_DIR } from "../schemas/layout.ts";
import type { People } from "../schemas/people.ts";
import { newIdentity, recipientOf } from "../seal/age.ts";
import { readClear } from "../seal/clear.ts";
import { identitiesFor } from "../seal/identity.ts";
import { openSealed } from "../seal/open.ts";
import { credentialFiles } from "../seal/sealed-files.ts";
import { renderShared } from "../seal/shared-key.ts";
import type { Declared } from "../stacks/read.ts";
import { backupCodes } from "./codes.ts";
import { inventoryOf, lineageOf } from "./inventory.ts";
import { breakGlass } from "./plan.ts";
import { sealAnew } from "./seal-anew.ts";
import { packTar } from "../lib/tar.ts";
import { sha256 } from "../lib/sha256.ts";

/** Version of what an archive holds; a newer one is refused. */
export const ARCHIVE_FORMAT = 1;

/** The first file of an archive: what it holds, each with its digest. */
export interface ArchiveManifest {
  readonly format: number;
  readonly id: string;
  readonly tool: string;
  readonly at: string;
  readonly head: string | null;
  readonly files: readonly { readonly name: string; readonly sha256: string; readonly bytes: number }[];
  /** Sealed files whose values stand in the archive, re-sealed to it; their signatures hold for the originals in the git bundle. */
  readonly resealed: readonly string[];
  readonly notOpened: readonly string[];
  readonly stacks: readonly string[];
}
export interface BackupInput {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly people: People;
  readonly environments: readonly Declared[];
  /** Exported deployments given by hand: stack → JSON text. */
  readonly states: ReadonlyMap<string, string>;
  /** Environments whose store is asked too; it must be within reach. */
  readonly online: readonly string[];
  readonly tool: string;
  readonly onProgress?: (text: string) => void;
}
export interface Backup {
  readonly manifest: ArchiveManifest;
  readonly breakGlass: readonly string[];
  /** age-encrypted; nothing else of it ever stands on a disk. */
  readonly archive: Buffer;
  /** The archive's identity and digest, sealed in three key groups with threshold 2: a sops file. */
  readonly key: string;
  readonly credentials: number;
  readonly findings: readonly Finding[];
}

/** Makes an archive in memory. Throws FindingError BACKUP_PLAN_MISSING, BACKUP_PEOPLE or BACKUP_STATE, with nothing made. */
export async function createBackup(o: BackupInput): Promise<Backup> {
  const now = o.clock.now();
  const { plan, groups } = breakGlass(o.root, o.people, now);
  const findings: Finding[] = [];
  const files = new Map<string, Buffer>();
  const put = (name: string, content: Buffer | string): void => { files.set(name, Buffer.from(content as string)); };

  o.onProgress?.("bundling git's history");
  const git = new Git(o.root, o.env);
  const head = git.inside ? git.text(["rev-parse", "--verify", "--quiet", "HEAD"]) : null;
  const bundle = head === null ? null : git.try(["bundle", "create", "-", "--all", "HEAD"]);
  if (bundle) put("repository.bundle", bundle);
  else findings.push(backupCodes.finding("BACKUP_NO_GIT", { message: "the project is in no git repository with a commit: its history is not in the archive", hint: "git init, and commit" }));

  const identity = await newIdentity();
  const sealed = await resealAll(o, await recipientOf(identity), now, findings);
  for (const [name, text] of sealed.texts) put(`sealed/${name.replace(`${WORK_DIR}/`, "local-work/")}`, text);

  o.onProgress?.("collecting states, store lineage and the inventory");
  const states = statesOf(o);
  for (const [stack, text] of states) put(`state/${stack}.json`, text);
  put("lineage.json", json(await lineageOf(o)));
  put("inventory.json", json(inventoryOf(o.environments, states)));
  const lock = join(o.root, "package-lock.json");
  if (existsSync(lock)) put("tool/package-lock.json", readFileSync(lock));
  put("tool/version.txt", `${o.tool}\n`);

  const id = `${isoDate(now)}-${randomBytes(4).toString("hex")}`;
  const manifest: ArchiveManifest = {
    format: ARCHIVE_FORMAT, id, tool: o.tool, at: `${now.toISOString().slice(0, 19)}Z`, head,
    files: [...files].map(([name, b]) => ({ name, sha256: sha256(b), bytes: b.length })), resealed: [...sealed.texts.keys()], notOpened: sealed.notOpened, stacks: [...states.keys()],
  };
  o.onProgress?.("encrypting");
  const encrypter = new Encrypter();
  encrypter.addRecipient(await recipientOf(identity));
  const archive = Buffer.from(await encrypter.encrypt(await packTar(new Map([["manifest.json", json(manifest)], ...files]), now)));
  // The digest stands sealed beside the identity: a key can't be made to serve another archive.
  const key = await renderShared({ identity, archive: sha256(archive), id }, groups, THRESHOLD, now);
  return { manifest, breakGlass: plan.breakGlass, archive, key, credentials: sealed.credentials, findings };
}
const json = (v: unknown): Buffer => Buffer.from(`${JSON.stringify(v, null, 2)}\n`);

/** Every sealed file that the identities at hand open, its values sealed anew to the archive alone. */
async function resealAll(o: BackupInput, recipient: string, now: Date, findings: Finding[]): Promise<{ texts: Map<string, string>; notOpened: string[]; credentials: number }> {
  const texts = new Map<string, string>();
  const notOpened: string[] = [];
  let credentials = 0;
  const places = o.environments.flatMap((d) => [...credentialFiles(o.root, d.name, d.tier).map((f) => f.file), pepperFile(d.name), humanPepperFile(d.name, d.tier)].map((file) => ({ file, environment: d.name })));
  for (const { file, environment } of places) {
    if (texts.has(file) || notOpened.includes(file) || !existsSync(join(o.root, file))) continue;
    o.onProgress?.(`opening ${file}`);
    try {
      const { sealed, findings: clear } = readClear(o.root, file);
      if (!sealed) throw new FindingError(clear);
      const opened = await openSealed(sealed, identitiesFor(o.root, environment, o.env));
      texts.set(file, await sealAnew(opened, [recipient], now));
      credentials += sealed.credentials.length;
    } catch (e) {
      if (!(e instanceof FindingError)) throw e;
      notOpened.push(file);
      findings.push(backupCodes.finding("BACKUP_NOT_OPENED", { message: `${file} is in the git bundle alone: ${e.findings[0]?.message ?? "it doesn't open"}`, at: { file, line: 1, column: 1 }, hint: "somebody who may open it makes the backup, or its recipients restore it from git" }));
    }
  }
  return { texts, notOpened, credentials };
}
/** The embedded engine's states of this machine, and those given by hand. Secrets in them stay encrypted under their own provider. */
function statesOf(o: BackupInput): Map<string, string> {
  const out = new Map<string, string>();
  const dir = join(o.root, WORK_DIR, "state");
  for (const name of existsSync(dir) ? readdirSync(dir).filter((n) => n.endsWith(".json")).sort() : []) out.set(name.slice(0, -5), readFileSync(join(dir, name), "utf8"));
  for (const [stack, text] of o.states) {
    if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/.test(stack)) throw new FindingError(backupCodes.finding("BACKUP_STATE", { message: `"${stack}" is no name of a stack`, path: stack, hint: "name it: --state prod=FILE" }), 2);
    const parsed = parse(text);
    if (typeof parsed?.["deployment"] !== "object" && typeof parsed?.["checkpoint"] !== "object") throw new FindingError(backupCodes.finding("BACKUP_STATE", { message: `the state given for ${stack} is no exported deployment`, path: stack, hint: "pulumi stack export --file F, or stackseal export --env E" }), 2);
    // It would lie in clear wherever the archive is restored.
    if (/"plaintext"\s*:/.test(text)) throw new FindingError(backupCodes.finding("BACKUP_STATE", { message: `the state given for ${stack} shows its secrets`, path: stack, hint: "pulumi stack export --file F, without --show-secrets" }), 2);
    out.set(stack, text);
  }
  return out;
}
export function parse(text: string): Record<string, unknown> | null {
  try {
    const v: unknown = JSON.parse(text);
    return typeof v === "object" && v !== null ? (v as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
