import { z } from "zod";
import { personName } from "./people.ts";

// stacks/backup.yaml: who may break the glass, and how often. Beside it one record a backup and one a drill, in stacks/backups/.

export const BACKUP_FILE = "stacks/backup.yaml";
export const BACKUPS_DIR = "stacks/backups";
/** Any two of three open an archive: one person alone never does. */
export const BREAK_GLASS = 3;
export const THRESHOLD = 2;

const instant = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/, "an instant such as 2026-11-24T09:00:00Z, in quotes").refine((t) => !Number.isNaN(Date.parse(t)), "no such day or hour");
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits");
const id = z.string().regex(/^\d{4}-\d{2}-\d{2}-[a-z0-9]{8}$/);

export const backupPlanSchema = z.strictObject({
  breakGlass: z.array(personName).length(BREAK_GLASS).describe("Three people of people.yaml; any two of them open an archive, and no pair may be without a Super Admin"),
  everyDays: z.int().min(1).max(366).default(7).describe("A backup at least so often"),
  drillEveryDays: z.int().min(1).max(366).default(92).describe("A drill at least so often"),
});
export type BackupPlan = z.infer<typeof backupPlanSchema>;

export const backupRecordSchema = z.strictObject({
  id, at: instant, by: z.string().max(64),
  head: z.string().regex(/^[0-9a-f]{40,64}$/).nullable().describe("The commit that the archive's git bundle ends in"),
  archive: z.strictObject({ file: z.string().max(200), sha256, bytes: z.int().positive() }),
  key: z.strictObject({ file: z.string().max(200), sha256 }),
  breakGlass: z.array(personName).length(BREAK_GLASS),
  credentials: z.int().min(0).describe("Values in the archive"),
  notOpened: z.array(z.string().max(200)).describe("Sealed files whose values are in the git bundle alone: nobody at hand could open them"),
  stacks: z.array(z.string().max(100)).describe("Stacks whose state is in it"),
  tool: z.string().max(40),
});
export type BackupRecord = z.infer<typeof backupRecordSchema>;

export const drillRecordSchema = z.strictObject({
  id, backup: id, at: instant, by: z.string().max(64),
  opened: z.int().min(0), fingerprints: z.int().min(0).describe("Values whose fingerprint matched"),
  sandbox: z.boolean().describe("Whether local was built from it onto the sandbox"),
  tool: z.string().max(40),
});
export type DrillRecord = z.infer<typeof drillRecordSchema>;

export const backupRecordFile = (backup: string): string => `${BACKUPS_DIR}/${backup}.yaml`;
export const drillRecordFile = (drill: string): string => `${BACKUPS_DIR}/${drill}.drill.yaml`;
