import { defineCodes } from "../lib/finding.ts";

export const scanCodes = defineCodes({
  SCAN_CREDENTIAL: { severity: "error", title: "A credential stands in clear text: its shape tells" },
  SCAN_LIKELY_CREDENTIAL: { severity: "error", title: "What stands here is a credential by its name or its surroundings" },
  SCAN_ALLOW_NO_REASON: { severity: "error", title: "An inline allow without a reason" },
  SCAN_UNREADABLE: { severity: "error", title: "A file or folder couldn't be read" },
  SCAN_NO_SUCH_PATH: { severity: "error", title: "A path that was named doesn't exist" },
  SCAN_HISTORY_SHALLOW: { severity: "warning", title: "The clone is shallow: older commits weren't seen" },
  SCAN_LINK_LOOP: { severity: "warning", title: "A symbolic link leads back to itself or to a folder above it" },
  SCAN_LINK_LEFT_OUT: { severity: "info", title: "A symbolic link that leads outside what is scanned, or nowhere" },
  SCAN_BINARY_LEFT_OUT: { severity: "info", title: "A binary file wasn't scanned" },
  SCAN_SUBMODULE_LEFT_OUT: { severity: "info", title: "A submodule, or a repository within this one, wasn't scanned" },
  SCAN_LFS_LEFT_OUT: { severity: "info", title: "A pointer of git LFS: the file it stands for wasn't scanned" },
  SCAN_NOT_A_FILE: { severity: "info", title: "A pipe, socket or device wasn't scanned" },
  SCAN_LONG_LINE: { severity: "info", title: "A very long line was scanned in pieces" },
  SCAN_MORE_LEFT_OUT: { severity: "info", title: "More of the same was left out" },
});
