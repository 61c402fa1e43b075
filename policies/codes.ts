import { defineCodes } from "../lib/finding.ts";

export const policyCodes = defineCodes({
  POLICY_VIOLATION: { severity: "error", title: "A mandatory policy is violated" },
  POLICY_ADVICE: { severity: "warning", title: "An advisory policy is violated" },
  POLICY_UNKNOWN: { severity: "error", title: "No policy has that name" },
  POLICY_CONFIG: { severity: "error", title: "The pack's configuration can't be read" },
  EXCEPTION_UNKNOWN_RULE: { severity: "error", title: "An exception names a rule that doesn't exist" },
  STATE_UNREADABLE: { severity: "error", title: "The export is no stack export" },
});
