import { spawnSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync, type Stats } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Decrypter } from "age-encryption";
import { z } from "zod";
import { FindingError, type Finding } from "../lib/finding.ts";
import { ownFolder } from "../lib/own-folder.ts";
import { humanPepperFile, LOCAL, pepperFile, WORK_DIR } from "../schemas/layout.ts";
import type { Identity } from "../seal/age.ts";
import { parseClear } from "../seal/clear.ts";
import { fingerprintLike, type Peppers } from "../seal/fingerprint.ts";
import { openForeign } from "../seal/foreign/open.ts";
import { openSealed, type Opened } from "../seal/open.ts";
import { ARCHIVE_FORMAT, parse, type ArchiveManifest } from "./archive.ts";
import { backupCodes } from "./codes.ts";
import { sealAnew } from "./seal-anew.ts";
import { unpackTar, type Files } from "../lib/tar.ts";
import { sha256 } from "../lib/sha256.ts";

const manifestSchema = z.object({
  format: z.int().min(1), id: z.string(), tool: z.string(), at: z.string(), head: z.string().regex(/^[0-9a-f]{40,64}$/).nullable(), files: z.array(z.object({ name: z.string(), sha256: z.string(), bytes: z.number() })),
  resealed: z.array(z.string()), notOpened: z.array(z.string()), stacks: z.array(z.string()),
});
/** What an archive may hold: nothing of it lands in the project that is cloned. */
const PARTS = /^((manifest|lineage|inventory)\.json|repository\.bundle|sealed\/.+|state\/[^/]+\.json|tool\/[a-z.-]+)$/;
export interface OpenedArchive {
  readonly manifest: ArchiveManifest;
  readonly files: Files;
  /** The archive's own identity: opens its sealed files. Never written. */
  readonly identity: Identity;
}
/**
 * Opens an archive with the identities of two of its three people. `names` stand in findings alone.
 * Throws FindingError SEAL_NOT_RECIPIENT (too few), BACKUP_SWAPPED, BACKUP_DAMAGED or BACKUP_NEWER.
 */
export async function openArchive(archive: Buffer, key: string, identities: readonly Identity[], names: { readonly archive: string; readonly key: string }): Promise<OpenedArchive> {
  const opened = new Map((await openForeign(key, "yaml", identities, names.key)).values.map((v) => [v.path.join("."), v.text]));
  const identity = opened.get("identity");
  if (identity === undefined) throw new FindingError(backupCodes.finding("BACKUP_DAMAGED", { message: `${names.key} holds no archive's identity`, path: names.key, hint: "give the .key.sops.yaml that was made with the archive" }));
  const damaged = (why: string): FindingError => new FindingError(backupCodes.finding("BACKUP_DAMAGED", { message: `${names.archive}: ${why}`, path: names.archive, hint: "fetch it again from where backups are kept" }));
  const plain = await decrypt(identity, archive);
  if (sha256(archive) !== opened.get("archive")) {
    if (plain) throw new FindingError(backupCodes.finding("BACKUP_SWAPPED", { message: `${names.archive} is not the archive that ${names.key} was made with`, path: names.archive }));
    throw damaged("it is cut off, was changed, or belongs to another key");
  }
  const files = plain && (await unpackTar(plain));
  const said = files && parse(files.get("manifest.json")?.toString("utf8") ?? "");
  if (!files || typeof said?.["format"] !== "number") throw damaged("what is inside is no archive of stackseal");
  if (said["format"] > ARCHIVE_FORMAT) throw new FindingError(backupCodes.finding("BACKUP_NEWER", { message: `${names.archive} is of format ${said["format"]} (stackseal ${String(said["tool"])}); this version reads ${ARCHIVE_FORMAT}`, path: names.archive, hint: `install stackseal ${String(said["tool"])}: its lockfile is inside` }), 2);
  const manifest: ArchiveManifest | undefined = manifestSchema.safeParse(said).data;
  if (!manifest || ![...files.keys()].every((n) => PARTS.test(n))) throw damaged("what is inside is no archive of stackseal");
  const listed = new Map(manifest.files.map((f) => [f.name, f.sha256]));
  for (const [name, content] of files) if (name !== "manifest.json" && listed.get(name) !== sha256(content)) throw damaged(`${name} doesn't match the manifest`);
  for (const name of listed.keys()) if (!files.has(name)) throw damaged(`${name} is missing`);
  return { manifest, files, identity };
}
async function decrypt(identity: Identity, archive: Buffer): Promise<Buffer | null> {
  try {
    const d = new Decrypter();
    d.addIdentity(identity);
    return Buffer.from(await d.decrypt(archive));
  } catch {
    return null;
  }
}

export interface ArchivedFile {
  /** Where it stood in the project. */
  readonly file: string;
  readonly opened: Opened;
}
const original = (name: string): string => name.slice("sealed/".length).replace("local-work/", `${WORK_DIR}/`);

/** Every sealed file of an archive, opened with its MAC verified. Throws FindingError. */
export async function openValues(a: OpenedArchive): Promise<ArchivedFile[]> {
  const out: ArchivedFile[] = [];
  for (const [name, content] of a.files) {
    if (!name.startsWith("sealed/")) continue;
    const { sealed, findings } = parseClear(content.toString("utf8"), name);
    if (!sealed) throw new FindingError(findings);
    out.push({ file: original(name), opened: await openSealed(sealed, [a.identity]) });
  }
  return out;
}
/** Holds every value against its fingerprint, under the archive's own peppers: what doesn't match, and how many do. */
export async function proveValues(a: OpenedArchive, files: readonly ArchivedFile[]): Promise<{ readonly proven: number; readonly opened: number; readonly findings: readonly Finding[] }> {
  const findings: Finding[] = [];
  const inventory = parse(a.files.get("inventory.json")?.toString("utf8") ?? "") as { environments?: { name: string; tier: string }[] } | null;
  const tiers = new Map((inventory?.environments ?? []).map((e) => [e.name, e.tier]));
  let proven = 0, opened = 0;
  for (const { file, opened: o } of files) {
    const peppers = peppersFor(file, tiers, files);
    for (const c of o.file.credentials) {
      const value = o.values.get(c.path);
      if (value === undefined || !c.claims) continue;
      opened++;
      const print = await fingerprintLike(c.claims.fingerprint, peppers, value);
      if (print === c.claims.fingerprint) proven++;
      else findings.push(backupCodes.finding("BACKUP_VALUE", { message: print === null ? `${c.path}: the pepper of its fingerprint is not in the archive` : `${c.path}: the value doesn't match its fingerprint`, at: { file, line: c.at.line, column: c.at.column }, path: c.path }));
    }
  }
  return { proven, opened, findings };
}
/** Peppers of an environment's values: generated ones' and, of its tier, human-chosen ones'. */
function peppersFor(file: string, tiers: ReadonlyMap<string, string>, files: readonly ArchivedFile[]): Peppers {
  const environment = file.startsWith(`${WORK_DIR}/`) ? LOCAL : (file.split("/")[1] ?? "");
  const own = [pepperFile(environment), humanPepperFile(environment, tiers.get(environment) ?? "")];
  const g = new Map<number, Buffer>(), h = new Map<number, Buffer>();
  for (const p of files.filter((f) => own.includes(f.file)))
    for (const [name, value] of p.opened.values) {
      const m = /^([gh])(\d+)$/.exec(name);
      if (m) (m[1] === "g" ? g : h).set(Number(m[2]), Buffer.from(value, "base64"));
    }
  return { g, h };
}

export interface Restored {
  readonly directory: string;
  readonly files: number;
  /** Sealed files, sealed anew to who restored. */
  readonly sealed: number;
}
/** Null where the path leads through what is no folder: making it says so. */
function entryAt(path: string): Stats | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}
/**
 * Puts an archive into a new folder: `project/` (cloned from the bundle, where there is one), `sealed/` (sealed anew to `recipients`), `state/`,
 * lineage, inventory, the tool's lockfile. Built beside and renamed: a killed run leaves no folder of that name.
 * Throws FindingError BACKUP_NOT_EMPTY or BACKUP_BUNDLE.
 */
export async function restoreInto(a: OpenedArchive, directory: string, recipients: readonly string[], now: Date, path: string | undefined): Promise<Restored> {
  const there = entryAt(directory);
  if (there && (!there.isDirectory() || readdirSync(directory).length > 0))
    throw new FindingError(backupCodes.finding("BACKUP_NOT_EMPTY", { message: `${directory} is ${there.isSymbolicLink() ? "a link" : "not empty"}: nothing is overwritten`, hint: "name a folder that isn't there" }), 2);
  const archived = await openValues(a);
  let temp = "";
  try {
    mkdirSync(dirname(directory), { recursive: true });
    temp = ownFolder(dirname(directory), `.${basename(directory)}.`);
    if (a.files.has("repository.bundle")) cloneBundle(a, join(temp, "project"), path);
    for (const { file, opened } of archived) write(temp, join("sealed", file.replace(`${WORK_DIR}/`, "local-work/")), await sealAnew(opened, recipients, now));
    const rest = [...a.files].filter(([n]) => n !== "repository.bundle" && !n.startsWith("sealed/"));
    for (const [name, content] of rest) write(temp, name, content);
    renameSync(temp, directory);
    return { directory, files: rest.length, sealed: archived.length };
  } catch (e) {
    if (temp !== "") rmSync(temp, { recursive: true, force: true });
    const code = (e as NodeJS.ErrnoException).code;
    throw e instanceof FindingError || code === undefined ? e : new FindingError(backupCodes.finding("BACKUP_PLACE", { message: `the archive can't be restored into ${directory} (${code}); nothing of it is there`, hint: "free space, or name another folder with --into" }), 2);
  }
}
function write(root: string, name: string, content: Buffer | string): void {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, content, { mode: 0o600 });
}
/** Clones the archive's history; its bundle stands in the folder's parent for that time (it holds ciphertext alone). */
export function cloneBundle(a: OpenedArchive, into: string, path: string | undefined): void {
  const bundle = `${into}.bundle`;
  writeFileSync(bundle, a.files.get("repository.bundle") ?? "", { mode: 0o600 });
  let said = "";
  const git = (...args: string[]): boolean => {
    const r = spawnSync("git", args, { encoding: "utf8", env: { PATH: path, GIT_CONFIG_NOSYSTEM: "1", GIT_TERMINAL_PROMPT: "0", HOME: dirname(into) } });
    said = r.stderr.trim().split("\n").at(-1)?.slice(0, 300) ?? "";
    return r.status === 0;
  };
  // The head may belong to no branch of the bundle: it is checked out by its id.
  const ok = git("clone", "-q", "--no-checkout", bundle, into) && (a.manifest.head === null || git("-C", into, "checkout", "-q", ...(git("-C", into, "symbolic-ref", "-q", "HEAD") ? [] : ["--detach", a.manifest.head])));
  rmSync(bundle, { force: true });
  if (!ok) throw new FindingError(backupCodes.finding("BACKUP_BUNDLE", { message: `git can't clone the archive's bundle${said === "" ? "" : `: ${said}`}`, hint: "free space, or look with git bundle verify" }));
}
