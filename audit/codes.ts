import { defineCodes } from "../lib/finding.ts";

export const auditCodes = defineCodes({
  AUDIT_NO_GIT: { severity: "error", title: "The project is in no git repository, or has no commit" },
  AUDIT_SHALLOW: { severity: "warning", title: "The clone is shallow: older history can't be read" },
  AUDIT_OBJECT_MISSING: { severity: "warning", title: "An object of the history is missing from this clone" },
  AUDIT_UNREADABLE: { severity: "warning", title: "A version of a file can't be understood" },
  AUDIT_REVISION: { severity: "error", title: "No such revision" },
});
