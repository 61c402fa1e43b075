import { defineCodes } from "../lib/finding.ts";

export const backupCodes = defineCodes({
  BACKUP_PLAN_MISSING: { severity: "error", title: "No backup plan says who may open an archive" },
  BACKUP_PEOPLE: { severity: "error", title: "The people who may break the glass can't be used" },
  BACKUP_NEVER: { severity: "info", title: "No backup was ever recorded" },
  BACKUP_DATED: { severity: "error", title: "A record of a backup or drill is dated in the future" },
  BACKUP_OVERDUE: { severity: "warning", title: "The last backup is older than the plan allows" },
  DRILL_OVERDUE: { severity: "warning", title: "No drill has proven a backup for longer than the plan allows" },
  BACKUP_NO_GIT: { severity: "warning", title: "The project is in no git repository: its history is not in the archive" },
  BACKUP_NOT_OPENED: { severity: "warning", title: "A sealed file couldn't be opened: its values are not in the archive on their own" },
  BACKUP_STATE: { severity: "error", title: "A given state is no exported deployment" },
  BACKUP_EXISTS: { severity: "error", title: "A file of that name is there already" },
  BACKUP_DAMAGED: { severity: "error", title: "The archive is cut off, or was changed" },
  BACKUP_SWAPPED: { severity: "error", title: "The archive is not the one that its key was made for" },
  BACKUP_UNRECORDED: { severity: "warning", title: "No record here says that this archive is ours" },
  BACKUP_PLACE: { severity: "error", title: "An archive can't be restored there" },
  BACKUP_NEWER: { severity: "error", title: "The archive was made by a newer version" },
  BACKUP_NOT_EMPTY: { severity: "error", title: "The place to restore into is not empty" },
  BACKUP_VALUE: { severity: "error", title: "A value of the archive doesn't match its fingerprint" },
  BACKUP_BUNDLE: { severity: "error", title: "The archive's git bundle can't be cloned" },
  BACKUP_SANDBOX: { severity: "error", title: "The sandbox can't be built from the archive" },
});
