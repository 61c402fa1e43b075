import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { addDays, daysBetween, isoDate } from "../lib/clock.ts";
import { readDocument } from "../lib/document.ts";
import { FindingError, type Finding } from "../lib/finding.ts";
import { activeOn, members, type People } from "../schemas/people.ts";
import { BACKUP_FILE, BACKUPS_DIR, backupPlanSchema, backupRecordSchema, drillRecordSchema, type BackupPlan, type BackupRecord, type DrillRecord } from "../schemas/backup.ts";
import { parseWith } from "../schemas/parse.ts";
import { backupCodes } from "./codes.ts";

const SAMPLE = `${BACKUP_FILE} with:  breakGlass: [super-admin-1, super-admin-2, admin-1]`;

/** stacks/backup.yaml; null where there is none. */
export function readPlan(root: string): { readonly plan: BackupPlan | null; readonly findings: readonly Finding[] } {
  if (!existsSync(join(root, BACKUP_FILE))) return { plan: null, findings: [] };
  const { document, findings } = readDocument(root, BACKUP_FILE);
  if (!document) return { plan: null, findings };
  const parsed = parseWith(backupPlanSchema, document);
  return { plan: parsed.value, findings: [...findings, ...parsed.findings] };
}
/** The recipients of each person who may break the glass. Throws FindingError BACKUP_PLAN_MISSING or BACKUP_PEOPLE. */
export function breakGlass(root: string, people: People, now: Date): { readonly plan: BackupPlan; readonly groups: readonly (readonly string[])[] } {
  const { plan, findings } = readPlan(root);
  if (!plan) throw new FindingError(findings.length ? findings : backupCodes.finding("BACKUP_PLAN_MISSING", { message: `${BACKUP_FILE} is missing: nobody is named who may open an archive`, hint: `write ${SAMPLE}` }), 2);
  const wrong = judgePlan(plan, people, now);
  if (wrong.length) throw new FindingError(wrong, 2);
  const all = members(people);
  return { plan, groups: plan.breakGlass.map((name) => all.find((m) => m.name === name)?.entry.recipients ?? []) };
}
/** What is wrong with the people of a plan: unknown, gone, without a key, one twice, or a pair without a Super Admin. */
export function judgePlan(plan: BackupPlan, people: People, now: Date): Finding[] {
  const at = { file: BACKUP_FILE, line: 1, column: 1 };
  const say = (message: string, hint: string): Finding => backupCodes.finding("BACKUP_PEOPLE", { message, at, path: "breakGlass", hint });
  const all = members(people);
  const found = plan.breakGlass.map((name) => ({ name, m: all.find((x) => x.name === name && !x.machine) }));
  return [
    ...found.flatMap(({ name, m }) => {
      if (!m) return [say(`${name} is no person of people.yaml`, "stackseal people list")];
      if (!activeOn(m, isoDate(now))) return [say(`${name} is not active`, "name somebody who is")];
      return m.entry.recipients.length === 0 ? [say(`${name} has no age recipient`, `stackseal people change ${name} --recipient age1…`)] : [];
    }),
    ...(new Set(plan.breakGlass).size < plan.breakGlass.length ? [say("one person stands there twice: two shares in one hand are no sharing", "name three people")] : []),
    ...(found.filter(({ m }) => m && m.entry.role !== "super-admin").length > 1 ? [say("two of them are no Super Admins: together they would open payment credentials", "at most one may have another role")] : []),
  ];
}

export interface Records {
  readonly backups: readonly BackupRecord[];
  readonly drills: readonly DrillRecord[];
  readonly findings: readonly Finding[];
}
/** Records of backups and drills, oldest first. */
export function readRecords(root: string): Records {
  const dir = join(root, BACKUPS_DIR);
  const backups: BackupRecord[] = [], drills: DrillRecord[] = [], findings: Finding[] = [];
  for (const name of existsSync(dir) ? readdirSync(dir).filter((n) => n.endsWith(".yaml")).sort() : []) {
    const { document, findings: f } = readDocument(root, `${BACKUPS_DIR}/${name}`);
    findings.push(...f);
    if (!document) continue;
    const drill = name.endsWith(".drill.yaml");
    const parsed = drill ? parseWith(drillRecordSchema, document) : parseWith(backupRecordSchema, document);
    findings.push(...parsed.findings);
    if (parsed.value) (drill ? drills : backups).push(parsed.value as never);
  }
  const byTime = (a: { at: string }, b: { at: string }): number => (a.at < b.at ? -1 : 1);
  return { backups: backups.sort(byTime), drills: drills.sort(byTime), findings };
}

/** What `check` says of the schedule: nothing where no plan exists. */
export function judgeSchedule(root: string, people: People | null, now: Date): Finding[] {
  const { plan, findings } = readPlan(root);
  if (!plan) return [...findings];
  const records = readRecords(root);
  const at = { file: BACKUP_FILE, line: 1, column: 1 };
  // Clocks differ by a day at most: a record of later than that would keep the schedule quiet for good.
  const early = [...records.backups, ...records.drills].filter((r) => new Date(r.at) > addDays(now, 1));
  const last = records.backups.filter((r) => !early.includes(r)).at(-1), drill = records.drills.filter((r) => !early.includes(r)).at(-1);
  const age = (r: { at: string }): number => daysBetween(new Date(r.at), now);
  const due = (r: { at: string }, days: number): string => isoDate(addDays(new Date(r.at), days));
  return [
    ...findings, ...records.findings, ...early.map((r) => backupCodes.finding("BACKUP_DATED", { message: `${r.id} says that it is of ${r.at}, which is still to come: it doesn't count`, at, path: r.id, hint: `git log -- ${BACKUPS_DIR}` })), ...(people ? judgePlan(plan, people, now) : []),
    ...(!last ? [backupCodes.finding("BACKUP_NEVER", { message: "no backup is recorded yet", at, hint: "stackseal backup create --out DIR" })] : age(last) > plan.everyDays ? [backupCodes.finding("BACKUP_OVERDUE", { message: `the last backup is of ${last.at.slice(0, 10)}; the next one was due ${due(last, plan.everyDays)}`, at, hint: "stackseal backup create --out DIR" })] : []),
    ...(last && (!drill || age(drill) > plan.drillEveryDays) && age(records.backups[0] ?? last) > (drill ? -1 : plan.drillEveryDays)
      ? [backupCodes.finding("DRILL_OVERDUE", { message: drill ? `the last drill is of ${drill.at.slice(0, 10)}; the next one was due ${due(drill, plan.drillEveryDays)}` : "no drill has ever proven a backup", at, hint: "stackseal backup drill DIR/ID" })] : []),
  ];
}
