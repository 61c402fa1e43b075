import { defineCodes } from "../../lib/finding.ts";

export const identityCodes = defineCodes({
  IDENTITY_STORE: { severity: "error", title: "The environment keeps its machines' identities elsewhere" },
  IDENTITY_MACHINE: { severity: "error", title: "No machine of that role is in people.yaml" },
  IDENTITY_FOREIGN: { severity: "error", title: "The identity is another one than people.yaml names" },
  IDENTITY_ABSENT: { severity: "error", title: "The account's own Secrets Manager holds no identity for that machine" },
  IDENTITY_PLACE: { severity: "error", title: "Where an identity must not be written" },
});
