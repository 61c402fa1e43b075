import { defineCodes } from "../lib/finding.ts";

export const stackCodes = defineCodes({
  ENVIRONMENT_UNKNOWN: { severity: "error", title: "No such environment" },
  PROJECT_EMPTY: { severity: "error", title: "No environment is declared here" },
  PROJECT_NAME: { severity: "error", title: "Pulumi.yaml gives no name to the project" },
  LOCAL_NOT_SEEDED: { severity: "info", title: "local has no sealed files yet" },
  CREDENTIAL_MISSING: { severity: "error", title: "A declared credential has no sealed value" },
  CREDENTIAL_UNDECLARED: { severity: "error", title: "A sealed value that no declaration asks for" },
  CREDENTIAL_KIND: { severity: "error", title: "The claims name another kind than the declaration" },
  CREDENTIAL_CLASS: { severity: "error", title: "A credential stands in the other class's file" },
  CREDENTIAL_SHARED: { severity: "error", title: "Two environments have the same credential" },
  CREDENTIAL_OVERDUE: { severity: "warning", title: "A credential is past its due date" },
  CREDENTIAL_FUTURE: { severity: "error", title: "A credential was issued in the future" },
  CREDENTIAL_AGE_CEILING: { severity: "error", title: "maxAgeDays is above the kind's ceiling" },
  LIVE_KEY_OUTSIDE_PRODUCTION: { severity: "error", title: "A live credential outside production" },
  TEST_KEY_IN_PRODUCTION: { severity: "error", title: "A test credential in production" },
  ACCOUNT_SHARED: { severity: "error", title: "Two environments share an account" },
  POLICY_MALFORMED: { severity: "error", title: "An access policy that isn't well-formed" },
  POLICY_PUBLIC: { severity: "error", title: "An access policy that lets anybody in" },
  POLICY_TOO_LONG: { severity: "error", title: "An access policy longer than AWS takes" },
  POLICY_WILDCARD: { severity: "error", title: "An access policy with a wildcard where a name belongs" },
  URL_SHARED: { severity: "error", title: "Two environments share an address" },
});
