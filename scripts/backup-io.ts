import { existsSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { FindingError } from "../lib/finding.ts";
import { parseIdentities, type Identity } from "../seal/age.ts";
import { identitiesFor } from "../seal/identity.ts";
import { openArchive, type OpenedArchive } from "../backup/restore.ts";
import type { Context } from "./command.ts";

// What restore and drill have in common: the archive's two files and the identities of two people.

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
/** Opens the archive that a command names. Throws FindingError. */
export async function openNamed(context: Context, archive: string, identities: readonly Identity[]): Promise<OpenedArchive> {
  const file = resolve(context.root, archive);
  const key = file.replace(/\.age$/, ".key.sops.yaml");
  if (key === file) throw new FindingError({ code: "BACKUP_FILE", severity: "error", message: "an archive's name ends in .age", hint: "stackseal backup restore DIR/ID.age --into DIR" }, 2);
  return openArchive(read(file), read(key).toString("utf8"), identities, { archive: basename(file), key: basename(key) });
}
