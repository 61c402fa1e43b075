import { defineCodes } from "../lib/finding.ts";

export const historyCodes = defineCodes({
  HISTORY_ABSENT: { severity: "warning", title: "No git history to read: only the files as they stand" },
  HISTORY_SHALLOW: { severity: "warning", title: "The clone is shallow: what came before its first commit isn't seen" },
  BASE_UNKNOWN: { severity: "error", title: "The base that was named is no commit here" },
  BASE_PEOPLE_UNREADABLE: { severity: "error", title: "people.yaml of the base commit can't be read" },
  BASE_WRITER: { severity: "error", title: "A sealed value whose writer the protected base doesn't vouch for" },
  PEOPLE_UNSIGNED: { severity: "error", title: "people.yaml or the access matrix changed without a Super Admin's signature that was valid at the base" },
  PEOPLE_SIGNATURE_REPLAYED: { severity: "error", title: "The signature is one of an earlier state" },
  ISSUED_AT_MOVED: { severity: "error", title: "issuedAt isn't the day on which the issue came" },
  ISSUE_CLAIMS_CHANGED: { severity: "error", title: "The claims of an issue changed without a new issue id" },
  ISSUE_RETURNED: { severity: "error", title: "A retired issue id is back without a reviewed rollback" },
  ROLLBACK_INVALID: { severity: "error", title: "A rollback that nobody else signed" },
  EXPOSURE_OPEN: { severity: "warning", title: "Something that a leaver or a stolen key could know is still in force" },
  EXPOSURE_OVERDUE: { severity: "error", title: "An exposure is past its due date" },
  EXPOSURE_CHANGED: { severity: "error", title: "An exposure list says less than it did at the base" },
  EXPOSURE_RECIPIENT_UNKNOWN: { severity: "error", title: "Nothing was ever sealed to that recipient" },
  TRAIL_UNREADABLE: { severity: "warning", title: "A file of the CloudTrail export can't be read" },
  REVIEW_EXISTS: { severity: "error", title: "There is a review of that day already" },
  REVIEW_UNSIGNED: { severity: "error", title: "A line of the review that nobody else decided" },
  RECIPIENT_LEFT: { severity: "error", title: "Somebody who left is still a recipient" },
});
