import { defineCodes } from "../../lib/finding.ts";

export const rollbackCodes = defineCodes({
  ROLLBACK_SECRET_UNKNOWN: { severity: "error", title: "No such secret of the environment" },
  ROLLBACK_MINTED: { severity: "error", title: "The secret's values don't come from git" },
  ROLLBACK_NO_VERSION: { severity: "error", title: "No version to go back to" },
  ROLLBACK_NOT_IN_GIT: { severity: "error", title: "No commit gives the version" },
  ROLLBACK_EXPOSED: { severity: "error", title: "The version was replaced because somebody may know it" },
  ROLLBACK_ROTATING: { severity: "error", title: "A rotation of the credential is under way" },
  ROLLBACK_BRANCH_TAKEN: { severity: "error", title: "A branch of the revert's name holds something else" },
  ROLLBACK_NOT_WRITTEN: { severity: "error", title: "The store is moved, and git's half isn't written" },
  ROLLBACK_NOT_HELD: { severity: "warning", title: "The store has forgotten the version's values" },
  ROLLBACK_UNSIGNED: { severity: "warning", title: "A value that came back isn't validly signed today" },
});
