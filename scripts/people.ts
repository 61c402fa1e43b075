import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isoDate } from "../lib/clock.ts";
import { isThere, parseDocument, readText } from "../lib/document.ts";
import { FindingError, type Finding } from "../lib/finding.ts";
import { nearest } from "../lib/nearest.ts";
import { PEOPLE_FILE, WORK_DIR } from "../schemas/layout.ts";
import { parsePeople } from "../schemas/parse.ts";
import { activeOn, members, type Member, type People } from "../schemas/people.ts";
import { sealCodes } from "../seal/codes.ts";
import { readPeople } from "../seal/deploy.ts";
import { signatureOver, superAdmins } from "../seal/file-signature.ts";
import { identitiesFor } from "../seal/identity.ts";
import { withLock } from "../seal/lock.ts";
import { begin, concernedFiles, JOURNAL, journalFile, mayReseal, readJournal, resealAll, writeClear, type Concern, type Journal, type Step } from "../seal/people-change.ts";
import { editPeople, type PeopleEdit } from "../seal/people-edit.ts";
import { SOPS_CONFIG, sopsConfig, type Place } from "../seal/sops-config.ts";
import type { Signer } from "../seal/seed.ts";
import { readProject } from "../stacks/read.ts";
import type { Context, Result } from "./command.ts";
import { signerOf } from "./signer.ts";

// What the commands that change people have in common: edit, sign, re-seal, in an order that any crash leaves finishable.

const REAL = ""; // any environment but local reads stacks/people.yaml

export const placesOf = (context: Context): Place[] => readProject(context.root, { clock: context.clock }).environments.map((e) => ({ name: e.name, tier: e.tier }));

/** The text of people.yaml as people. Throws FindingError. */
export function peopleOf(text: string): People {
  const { document, findings } = parseDocument(text, PEOPLE_FILE);
  const parsed = document && parsePeople(document);
  if (!parsed?.value) throw new FindingError([...findings, ...(parsed?.findings ?? [])]);
  return parsed.value;
}
/** The member of that name. Throws FindingError PERSON_UNKNOWN with the nearest name. */
export function memberOf(people: People, name: string): Member {
  const all = members(people);
  const found = all.find((m) => m.name === name);
  if (found) return found;
  const near = nearest(name, all.map((m) => m.name));
  throw new FindingError(sealCodes.finding("PERSON_UNKNOWN", { message: `nobody called "${name}" in people.yaml`, hint: near !== null ? `did you mean ${near}?` : "stackseal people list" }), 2);
}

export interface Change {
  readonly what: string;
  readonly edit: PeopleEdit;
  /** Whose seals go with them. */
  readonly gone?: readonly string[];
  /** Peppers get a new generation where somebody loses a pepper file. */
  readonly departure?: boolean;
  /** What else is to be written, once it is known which files the change concerns. */
  readonly also?: (before: People, after: People, concerned: readonly Concern[], signer: Signer) => Promise<readonly { readonly file: string; readonly text: string }[]>;
}
/** Makes a change of people, or finishes the one that was interrupted and then makes it. Throws FindingError with nothing written. */
export async function changePeople(context: Context, change: Change): Promise<Result> {
  mkdirSync(join(context.root, WORK_DIR), { recursive: true, mode: 0o700 });
  return withLock(join(context.root, JOURNAL), JOURNAL, async () => {
    const rest = await finish(context);
    if (rest === null) return stoppedResult();
    const before = readFileOf(context.root);
    const was = peopleOf(before);
    const signer = superAdmin(context, was);
    let after: string;
    try {
      after = editPeople(before, change.edit);
    } catch (e) {
      throw e instanceof RangeError ? new FindingError(sealCodes.finding("PEOPLE_EDIT", { message: e.message, hint: `edit ${PEOPLE_FILE} by hand, then: stackseal people sync` }), 2) : e;
    }
    const is = peopleOf(after);
    const on = isoDate(context.clock.now());
    keepsAdmins(was, is, on, signer);
    const environments = placesOf(context);
    const concerned = concernedFiles(context.root, is, environments, on);
    const identities = concerned.length ? identitiesFor(context.root, REAL, context.env) : [];
    await mayReseal(context.root, concerned, [was, is], signer, identities, on);
    const also = (await change.also?.(was, is, concerned, signer)) ?? [];
    const journal: Journal = {
      version: 1, what: change.what, gone: change.gone ?? [], before, after, signature: signatureOver(PEOPLE_FILE, after, signer.key), on, also,
      files: concerned.map((c) => journalFile(context.root, c, change.departure === true && c.loses)),
    };
    begin(context.root, journal);
    return carryOut(context, journal, rest);
  });
}
/** Finishes what was interrupted, and brings `.sops.yaml` and every sealed file in accord with people.yaml. */
export async function syncPeople(context: Context): Promise<Result> {
  mkdirSync(join(context.root, WORK_DIR), { recursive: true, mode: 0o700 });
  return withLock(join(context.root, JOURNAL), JOURNAL, async () => {
    const rest = await finish(context);
    if (rest === null) return stoppedResult();
    const text = readFileOf(context.root);
    const people = peopleOf(text);
    const on = isoDate(context.clock.now());
    const environments = placesOf(context);
    const concerned = concernedFiles(context.root, people, environments, on);
    const journal: Journal = { version: 1, what: "sync", gone: [], before: text, after: text, signature: null, on, also: [], files: concerned.map((c) => journalFile(context.root, c, false)) };
    if (concerned.length) {
      await mayReseal(context.root, concerned, [people], signerOf(context, REAL, people), identitiesFor(context.root, REAL, context.env), on);
      begin(context.root, journal);
    }
    return carryOut(context, journal, rest);
  });
}
const readFileOf = (root: string): string => {
  readPeople(root, REAL); // every hostile shape is a finding there
  return readFileSync(join(root, PEOPLE_FILE), "utf8");
};
const stoppedResult = (): Result => ({ exit: 130, text: "interrupted; to go on: stackseal people sync" });

/** Null: interrupted again. */
async function finish(context: Context): Promise<Step[] | null> {
  const journal = readJournal(context.root);
  if (!journal) return [];
  context.say(`finishing what was interrupted: ${journal.what}\n`);
  const is = peopleOf(journal.after);
  const environments = placesOf(context);
  writeClear(context.root, journal, is, environments);
  return reseal(context, journal, is, environments);
}
async function carryOut(context: Context, journal: Journal, rest: readonly Step[]): Promise<Result> {
  const is = peopleOf(journal.after);
  const environments = placesOf(context);
  const written = writeClear(context.root, journal, is, environments);
  const done = await reseal(context, journal, is, environments);
  if (!done) return stoppedResult();
  const sealed = [...rest, ...done];
  const lines = [...written.map((f) => `wrote ${f}`), ...sealed.map((f) => `sealed ${f.file} anew: ${f.values} values`)];
  const total = sealed.reduce((n, f) => n + f.values, 0);
  return {
    exit: 0, json: { written, files: sealed },
    text: lines.length ? `${lines.join("\n")}\n${journal.what}: ${sealed.length} sealed file${sealed.length === 1 ? "" : "s"}, ${total} values under fresh data keys, each read back` : `nothing to do: ${SOPS_CONFIG} and every sealed file agree with people.yaml`,
  };
}
async function reseal(context: Context, journal: Journal, is: People, environments: readonly Place[]): Promise<Step[] | null> {
  const needed = journal.files.length > 0;
  return resealAll({
    root: context.root, people: is, before: [peopleOf(journal.before)], environments, now: context.clock.now(),
    signer: needed ? signerOf(context, REAL, is) : { name: "", key: { publicLine: "", sign: () => "" } },
    identities: needed ? identitiesFor(context.root, REAL, context.env) : [],
    progress: (i, of, file) => { context.progress(`${bar(i, of)} ${i + 1}/${of} sealing ${file}`); },
    stopped: () => context.signal.aborted,
  }, journal);
}
const bar = (i: number, of: number): string => `[${"=".repeat(Math.round((i / of) * 20)).padEnd(20)}]`;

/** Who changes people: the signer, if an active Super Admin. Throws FindingError PEOPLE_NOT_ALLOWED. */
export function superAdmin(context: Context, people: People): Signer {
  const signer = signerOf(context, REAL, people);
  if (superAdmins(people, isoDate(context.clock.now())).some((m) => m.name === signer.name)) return signer;
  throw new FindingError(sealCodes.finding("PEOPLE_NOT_ALLOWED", { message: `${signer.name} is no active Super Admin: people.yaml is theirs to change`, hint: "ask one of: " + (superAdmins(people, isoDate(context.clock.now())).map((m) => m.name).join(", ") || "nobody") }));
}
function keepsAdmins(was: People, is: People, on: string, signer: Signer): void {
  const wrong: Finding[] = [];
  const tiers = (p: People): Set<string> => new Set(superAdmins(p, on).filter((m) => m.entry.recipients.length > 0 && m.entry.signing.length > 0).flatMap((m) => m.entry.tiers));
  for (const t of tiers(was)) if (!tiers(is).has(t)) wrong.push(sealCodes.finding("PEOPLE_LAST_ADMIN", { message: `no Super Admin with keys would be left for ${t}`, hint: "add another one first: stackseal people add NAME --role super-admin" }));
  const me = members(is).find((m) => m.name === signer.name);
  if (!me || !activeOn(me, on) || me.entry.role !== "super-admin" || !me.entry.signing.some((l) => l.split(/\s+/)[1] === signer.key.publicLine.split(/\s+/)[1]))
    wrong.push(sealCodes.finding("PEOPLE_NOT_ALLOWED", { message: `${signer.name} would seal with a key that people.yaml no longer has in a Super Admin's hands`, hint: "another Super Admin must make this change" }));
  if (wrong.length) throw new FindingError(wrong);
}
/** Warnings that every look at people should bring: a change under way, a stale `.sops.yaml`. */
export function peopleState(root: string, people: People, environments: readonly Place[], on: string): Finding[] {
  const there = isThere(root, SOPS_CONFIG);
  const stale = readText(root, SOPS_CONFIG, 1 << 20).text !== sopsConfig(people, environments, on);
  return [
    ...(existsSync(join(root, JOURNAL)) ? [sealCodes.finding("PEOPLE_UNFINISHED", { message: "a change of people was interrupted", hint: "stackseal people sync" })] : []),
    ...(stale ? [sealCodes.finding("SOPS_CONFIG_STALE", { ...(!there && { severity: "warning" }), message: `${SOPS_CONFIG} ${there ? "isn't" : "is missing; it is"} what people.yaml and the access matrix say`, at: { file: SOPS_CONFIG, line: 1, column: 1 }, hint: "stackseal people sync" })] : []),
  ];
}
