import { existsSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { FindingError, type Finding } from "../lib/finding.ts";
import { sha256 } from "../lib/sha256.ts";
import { backupRecordFile } from "../schemas/backup.ts";
import { backupCodes } from "../backup/codes.ts";
import { readRecords } from "../backup/plan.ts";
import { parseIdentities, type Identity } from "../seal/age.ts";
import { identitiesFor } from "../seal/identity.ts";
import { openArchive, type OpenedArchive } from "../backup/restore.ts";
import type { Context, OptionSpec } from "./command.ts";
import { lockedBucket } from "./evidence-bucket.ts";

// What restore and drill have in common: the archive's two files and the identities of two people.

/** For restore and drill. */
export const BUCKET_OPTION: OptionSpec = { flags: "--from-bucket <env>", description: "both files are in the locked bucket of this environment's account, not here" };
/** Puts one of an archive's files into the locked bucket, for as long as the bucket itself says. Throws FindingError. */
export async function putBackup(context: Context, environment: string, name: string, bytes: Buffer): Promise<void> {
  const { at, bucket } = lockedBucket(context, environment);
  const { putLocked } = await import("../providers/aws/locked-object.ts");
  await putLocked(at, context.env, { bucket, key: `backups/${name}`, bytes, retain: null });
}
async function getBackup(context: Context, environment: string, name: string): Promise<Buffer> {
  const { at, bucket } = lockedBucket(context, environment);
  const { getLocked } = await import("../providers/aws/locked-object.ts");
  const found = await getLocked(at, context.env, { bucket, key: `backups/${name}` });
  if (!found) throw new FindingError({ code: "BACKUP_FILE", severity: "error", message: `s3://${bucket}/backups/${name} isn't there`, hint: "the names stand in stacks/backups" }, 2);
  return found.bytes;
}
const MAX = 1 << 30;
const read = (file: string): Buffer => {
  if (!existsSync(file)) throw new FindingError({ code: "BACKUP_FILE", severity: "error", message: `${basename(file)} isn't there`, hint: "give the .age file; its .key.sops.yaml stands beside it" }, 2);
  const bytes = readFileSync(file);
  if (bytes.length > MAX) throw new FindingError({ code: "BACKUP_FILE", severity: "error", message: `${basename(file)} is larger than 1 GiB` }, 2);
  return bytes;
};
/** Identities from `--identity` files, else the environment's. Two people's are wanted. Throws FindingError. */
export function archiveIdentities(context: Context, files: unknown): Identity[] {
  const named = Array.isArray(files) ? (files as string[]) : [];
  if (named.length === 0) return identitiesFor(context.root, "", context.env);
  return named.flatMap((f) => {
    const found = parseIdentities(read(resolve(context.root, f)).toString("utf8"));
    if (found === null || found.length === 0) throw new FindingError({ code: "SEAL_IDENTITY_INVALID", severity: "error", message: `${basename(f)} holds no age identity`, hint: "age-keygen makes one" }, 2);
    return found;
  });
}
/** Who runs this, by the machine's word, as a record keeps it. */
export const byOf = (env: Context["env"]): string => (env["USER"] ?? env["LOGNAME"] ?? "unknown").slice(0, 64);
export interface Named {
  readonly archive: OpenedArchive;
  /** Whether the project at hand has a record of this very archive and key. */
  readonly recorded: boolean;
  readonly findings: readonly Finding[];
}
/** Opens the archive that a command names, and holds it against the project's record of it: anybody can seal an archive to public recipients. Throws FindingError. */
export async function openNamed(context: Context, archive: string, identities: readonly Identity[], bucketOf: unknown): Promise<Named> {
  const file = resolve(context.root, archive);
  const key = file.replace(/\.age$/, ".key.sops.yaml");
  if (key === file) throw new FindingError({ code: "BACKUP_FILE", severity: "error", message: "an archive's name ends in .age", hint: "stackseal backup restore DIR/ID.age --into DIR" }, 2);
  const [a, k] = typeof bucketOf === "string" ? [await getBackup(context, bucketOf, basename(file)), await getBackup(context, bucketOf, basename(key))] : [read(file), read(key)];
  const opened = await openArchive(a, k.toString("utf8"), identities, { archive: basename(file), key: basename(key) });
  const swapped = (message: string): FindingError => new FindingError(backupCodes.finding("BACKUP_SWAPPED", { message, path: basename(file), hint: "fetch it again from where backups are kept; stacks/backups has the digests" }));
  const { id } = opened.manifest;
  if (basename(file) !== `${id}.age`) throw swapped(`${basename(file)} holds the archive ${id}: another one was put in its place`);
  const record = readRecords(context.root).backups.find((r) => r.id === id);
  if (record && (record.archive.sha256 !== sha256(a) || record.key.sha256 !== sha256(k))) throw swapped(`the record of ${id} is of another archive or key than these`);
  const unknown = backupCodes.finding("BACKUP_UNRECORDED", { message: `there is no ${backupRecordFile(id)} here: whoever knows the recipients could have made this archive`, path: id, hint: "run it in a clone of the project (-C), or compare its SHA-256 with the record that git has" });
  return { archive: opened, recorded: record !== undefined, findings: record ? [] : [unknown] };
}
