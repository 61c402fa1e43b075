import { existsSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { clearLeftovers, writeAtomic } from "../lib/atomic.ts";
import { FindingError, hasErrors, type Finding } from "../lib/finding.ts";
import { sha256 } from "../lib/sha256.ts";
import { allows } from "../schemas/access.ts";
import { PEOPLE_FILE, WORK_DIR } from "../schemas/layout.ts";
import { activeOn, members, type People } from "../schemas/people.ts";
import type { Identity } from "./age.ts";
import { readClear, type ClearFile } from "./clear.ts";
import { sealCodes } from "./codes.ts";
import { signatureFile } from "./file-signature.ts";
import { clearDeadLock } from "./lock.ts";
import { openSealed } from "./open.ts";
import { mustOpen, resealFile, type Target } from "./reseal.ts";
import type { Signer } from "./seed.ts";
import { SOPS_CONFIG, sopsConfig, targets, type Place } from "./sops-config.ts";
import { verifySignatures } from "./verify.ts";

/** Kept while a change of people is under way: whatever dies, the next run finishes from here. Holds nothing secret. */
export const JOURNAL = `${WORK_DIR}/people-change.json`;
export interface Journal {
  readonly version: 1;
  /** In words, for messages: `remove engineer-1`. */
  readonly what: string;
  /** Whose seals and recipients go. */
  readonly gone: readonly string[];
  readonly before: string;
  readonly after: string;
  /** Armored, over `after`; null where nothing is signed. */
  readonly signature: string | null;
  readonly on: string;
  /** What else is written: the exposure list. */
  readonly also: readonly { readonly file: string; readonly text: string }[];
  readonly files: readonly JournalFile[];
}
export interface JournalFile {
  readonly file: string;
  /** SHA-256 of the file before the change. */
  readonly hash: string;
  /** The highest generations of a pepper file that gets new ones. */
  readonly generations?: Readonly<Record<string, number>>;
}

/** Null where no change is under way. Throws FindingError where the journal can't be read. */
export function readJournal(root: string): Journal | null {
  const path = join(root, JOURNAL);
  if (!existsSync(path)) return null;
  try {
    const j = JSON.parse(readFileSync(path, "utf8")) as Journal;
    // The version is a literal to the compiler and a guess to the disk.
    if ((j.version as number) === 1) return j;
  } catch {
    // Said below.
  }
  throw new FindingError(sealCodes.finding("PEOPLE_UNFINISHED", { severity: "error", message: `${JOURNAL} can't be read`, hint: `remove it, then: stackseal people sync` }), 2);
}

export interface Concern {
  readonly target: Target;
  readonly recipients: readonly string[];
  readonly why: "recipients" | "writer";
  /** Some recipient loses the file. */
  readonly loses: boolean;
}
/** The sealed files that the people concern: those whose recipients aren't what the matrix says, or that hold a value whose writer they don't know. */
export function concernedFiles(root: string, people: People, environments: readonly Place[], on: string): Concern[] {
  return targets(root, people, environments, on).flatMap(({ target, recipients }): Concern[] => {
    if (!existsSync(join(root, target.file))) return [];
    const { sealed } = readClear(root, target.file);
    const wanted = [...new Set(recipients.map((r) => r.recipient))];
    const have = new Set(sealed?.sops.recipients.map((r) => r.recipient) ?? []);
    const own = { target, recipients: wanted, loses: [...have].some((r) => !wanted.includes(r)) };
    if (!sealed || have.size !== wanted.length || wanted.some((r) => !have.has(r))) return [{ ...own, why: "recipients" }];
    return target.kind === "credentials" && verifySignatures(sealed.credentials, target, people).some((f) => f.code !== "SEAL_UNSIGNED") ? [{ ...own, why: "writer" }] : [];
  });
}

/**
 * Everything that would make a re-seal fail half-way, asked of all files first: who may seal, that the identities open each, that every value in
 * them was written by somebody who might. Throws FindingError with all that is wrong, nothing written.
 */
export async function mayReseal(root: string, concerned: readonly Concern[], lists: readonly People[], signer: Signer, identities: readonly Identity[], on: string): Promise<void> {
  const wrong: Finding[] = [];
  const me = lists.map((p) => members(p).find((m) => m.name === signer.name && activeOn(m, on)));
  for (const { target, recipients } of concerned) {
    const at = { file: target.file, line: 1, column: 1 };
    if (recipients.length === 0) wrong.push(sealCodes.finding("PEOPLE_LAST_ADMIN", { message: `nobody could open ${target.file} any more`, at }));
    if (target.kind === "credentials" && !me.every((m) => m && m.entry.tiers.includes(target.tier) && allows(m.entry.role, target.class, target.tier, "seal")))
      wrong.push(sealCodes.finding("PEOPLE_NOT_ALLOWED", { message: `${signer.name} may not seal ${target.class} credentials of ${target.tier}, and the change concerns them`, at, hint: "a Super Admin of that tier must make the change" }));
    const { sealed, findings } = readClear(root, target.file);
    if (!sealed || hasErrors(findings)) {
      wrong.push(...findings);
      continue;
    }
    wrong.push(...(await opens(sealed, identities)));
    if (target.kind === "credentials") {
      const each = lists.map((p) => verifySignatures(sealed.credentials, target, p));
      wrong.push(...(each[0] ?? []).filter((f) => each.every((l) => l.some((x) => x.path === f.path))));
    }
  }
  if (wrong.length) throw new FindingError(wrong);
}
async function opens(sealed: ClearFile, identities: readonly Identity[]): Promise<readonly Finding[]> {
  try {
    await openSealed(sealed, identities);
    return [];
  } catch (e) {
    if (e instanceof FindingError) return e.findings;
    throw e;
  }
}

export const journalFile = (root: string, c: Concern, newGeneration: boolean): JournalFile => ({
  file: c.target.file, hash: sha256(readFileSync(join(root, c.target.file), "utf8")),
  ...(c.target.kind === "peppers" && newGeneration && { generations: generationsOf(root, c.target.file) }),
});
function generationsOf(root: string, file: string): Record<string, number> {
  const out: Record<string, number> = {};
  for (const name of bareNames(root, file)) {
    const m = /^([gh])(\d+)$/.exec(name);
    if (m) out[m[1] as string] = Math.max(out[m[1] as string] ?? -1, Number(m[2]));
  }
  return out;
}
const bareNames = (root: string, file: string): string[] => [...(existsSync(join(root, file)) ? readFileSync(join(root, file), "utf8") : "").matchAll(/^([gh]\d+): ENC\[/gm)].map((m) => m[1] as string);

export interface Step {
  readonly file: string;
  readonly values: number;
}
export interface Apply {
  readonly root: string;
  readonly people: People;
  readonly before: readonly People[];
  readonly environments: readonly Place[];
  readonly signer: Signer;
  readonly identities: readonly Identity[];
  readonly now: Date;
  readonly progress: (done: number, of: number, file: string) => void;
  /** Asked between two files: true stops there; the next run goes on. */
  readonly stopped: () => boolean;
}
/** Writes the journal: from here on the change is finished by this run or the next. */
export const begin = (root: string, journal: Journal): void => { writeAtomic(join(root, JOURNAL), JSON.stringify(journal), 0o600); };

/** people.yaml, its signature, `.sops.yaml` and the exposure list: no key is needed for any of them. */
export function writeClear(root: string, journal: Journal, people: People, environments: readonly Place[]): string[] {
  const put = (file: string, text: string): string[] => {
    if (existsSync(join(root, file)) && readFileSync(join(root, file), "utf8") === text) return [];
    writeAtomic(join(root, file), text);
    return [file];
  };
  return [
    ...journal.also.flatMap((a) => put(a.file, a.text)),
    ...(journal.signature !== null ? put(signatureFile(PEOPLE_FILE), journal.signature) : []),
    ...put(PEOPLE_FILE, journal.after),
    ...put(SOPS_CONFIG, sopsConfig(people, environments, journal.on)),
  ];
}
/** Re-seals what isn't done yet, one file after the other, each read back by decrypting. Null: stopped between two files. */
export async function resealAll(o: Apply, journal: Journal): Promise<Step[] | null> {
  const done: Step[] = [];
  const all = targets(o.root, o.people, o.environments, journal.on);
  for (const [i, f] of journal.files.entries()) {
    if (o.stopped()) return null;
    const t = all.find((x) => x.target.file === f.file);
    if (!t || !existsSync(join(o.root, f.file))) continue;
    clearLitter(o.root, f.file);
    if (finished(o.root, f, journal, t.recipients.map((r) => r.recipient))) continue;
    o.progress(i, journal.files.length, f.file);
    const values = await resealFile({ root: o.root, target: t.target, recipients: [...new Set(t.recipients.map((r) => r.recipient))], identities: o.identities, people: [o.people, ...o.before], signer: o.signer, now: o.now, ...(f.generations && { newGeneration: !grown(o.root, f) }) });
    await mustOpen(o.root, f.file, o.identities);
    done.push({ file: f.file, values });
  }
  rmSync(join(o.root, JOURNAL), { force: true });
  return done;
}
function finished(root: string, f: JournalFile, journal: Journal, wanted: readonly string[]): boolean {
  const { sealed } = readClear(root, f.file);
  if (!sealed || sha256(sealed.text) === f.hash) return false;
  const have = new Set(sealed.sops.recipients.map((r) => r.recipient));
  return have.size === new Set(wanted).size && wanted.every((r) => have.has(r)) && !sealed.credentials.some((c) => c.claims && journal.gone.includes(c.claims.sealedBy)) && (!f.generations || grown(root, f));
}
const grown = (root: string, f: JournalFile): boolean => {
  const now = generationsOf(root, f.file);
  return Object.entries(f.generations ?? {}).every(([k, n]) => (now[k] ?? -1) > n);
};
/** What a killed writer left beside the file: a temporary one that nobody will ever rename. */
function clearLitter(root: string, file: string): void {
  clearLeftovers(dirname(join(root, file)));
  clearDeadLock(join(root, file));
}
