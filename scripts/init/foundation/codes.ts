import { defineCodes } from "../../../lib/finding.ts";

export const foundationCodes = defineCodes({
  FOUNDATION_DECLARATION: { severity: "error", title: "The declaration doesn't say yet where the foundation would be" },
  FOUNDATION_ROOT: { severity: "error", title: "The account's root user is at hand" },
  FOUNDATION_MFA: { severity: "error", title: "The credentials at hand had no second factor" },
  FOUNDATION_MFA_UNTOLD: { severity: "warning", title: "AWS doesn't tell whether the session had a second factor" },
  FOUNDATION_BUCKET_TAKEN: { severity: "error", title: "The state bucket's name is another account's" },
  FOUNDATION_NO_DEPLOYMENT: { severity: "warning", title: "No repository is declared: no job may take a deployer's role" },
  FOUNDATION_DIFFERS: { severity: "error", title: "After the deployment something isn't as declared" },
});
