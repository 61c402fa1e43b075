import { defineCodes } from "../lib/finding.ts";

export const engineCodes = defineCodes({
  ENGINE_REFUSES: { severity: "error", title: "The embedded engine doesn't deploy what lives elsewhere" },
  ENGINE_UNSUPPORTED: { severity: "error", title: "Something that the embedded engine doesn't do" },
  ENGINE_FAILED: { severity: "error", title: "A step failed" },
  STATE_PASSPHRASE: { severity: "error", title: "The passphrase doesn't open the state" },
  STATE_CORRUPT: { severity: "error", title: "The checkpoint can't be read" },
  STATE_NEWER: { severity: "error", title: "The checkpoint is of a newer version" },
  STATE_LOCKED: { severity: "error", title: "Another update runs on this stack" },
  POLICY_VIOLATION: { severity: "error", title: "A mandatory policy is violated" },
  POLICY_ADVICE: { severity: "warning", title: "An advisory policy is violated" },
  PROGRAM_FAILED: { severity: "error", title: "The program ended with an error" },
});
