import { defineCodes } from "../../lib/finding.ts";

export const changeCodes = defineCodes({
  BASE_UNKNOWN: { severity: "error", title: "git knows no such base" },
  BASE_UNREADABLE: { severity: "warning", title: "The base's declarations can't be read any more" },
  STATE_UNREADABLE: { severity: "error", title: "A state that is no stack export" },
  STATE_OTHER_STACK: { severity: "error", title: "A state of another stack" },
  PLAN_UNREADABLE: { severity: "error", title: "A file that is no plan, or was changed" },
  PLAN_ENVIRONMENT: { severity: "error", title: "The plan doesn't cover the environment" },
  PLAN_DIFFERS: { severity: "error", title: "What would be deployed is not what was approved" },
  PLAN_STEP_UNAPPROVED: { severity: "error", title: "A step that the approved difference doesn't contain" },
  APPROVAL_MISSING: { severity: "error", title: "Nobody who may has approved this plan" },
  APPROVAL_INVALID: { severity: "warning", title: "An approval that doesn't count" },
  APPROVAL_UNANSWERED: { severity: "error", title: "The code host didn't answer" },
  HOST_UNANSWERED: { severity: "error", title: "The code host didn't answer" },
  HOST_REFUSED: { severity: "error", title: "The code host refuses" },
  PULL_UNKNOWN: { severity: "error", title: "No pull request to comment on" },
  COMMENT_UNREADABLE: { severity: "error", title: "A file that is no comment's document" },
  STAGING_MISSING: { severity: "error", title: "The same plan was not yet deployed and found valid in staging" },
  STAGING_NOT_VALID: { severity: "error", title: "Staging isn't what the plan says, or wasn't found valid" },
});
