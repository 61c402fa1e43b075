import { defineCodes } from "../../lib/finding.ts";

export const initCodes = defineCodes({
  INIT_NOT_CONFIRMED: { severity: "error", title: "Nobody confirmed, so nothing was made" },
  INIT_IDENTITY_INSIDE: { severity: "error", title: "An age identity would stand inside the repository" },
  INIT_OPTION: { severity: "error", title: "An option of init that can't be understood" },
  INIT_KEPT_UNSEEN: { severity: "warning", title: "A file of yours was kept and lacks what stackseal would have put there" },
  INIT_BELOW_TOP: { severity: "warning", title: "The code host reads workflows and code owners at the repository's top alone" },
  INIT_IMPORT_UNDECLARED: { severity: "warning", title: "A file to import names an integration whose settings aren't complete" },
});
