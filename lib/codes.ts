import { defineCodes } from "./finding.ts";

/** Findings about a file as such, before anybody knows what it means. */
export const documentCodes = defineCodes({
  FILE_MISSING: { severity: "error", title: "A file that must be there is missing" },
  FILE_NOT_A_FILE: { severity: "error", title: "The path is a folder, a link out of the project or a device" },
  FILE_UNREADABLE: { severity: "error", title: "The file can't be read" },
  FILE_TOO_LARGE: { severity: "error", title: "The file is larger than a declaration can sensibly be" },
  FILE_NOT_UTF8: { severity: "error", title: "The file is not UTF-8 text" },
  FILE_BOM: { severity: "error", title: "The file begins with a byte order mark" },
  FILE_CRLF: { severity: "warning", title: "The file has Windows line ends" },
  YAML_EMPTY: { severity: "error", title: "The file holds no document" },
  YAML_SEVERAL_DOCUMENTS: { severity: "error", title: "The file holds more than one document" },
  YAML_SYNTAX: { severity: "error", title: "The file is not valid YAML" },
  YAML_TAB: { severity: "error", title: "A tab stands where YAML wants spaces" },
  YAML_DUPLICATE_KEY: { severity: "error", title: "A key stands twice in one map" },
  YAML_ALIAS: { severity: "error", title: "Anchors and aliases don't belong into a declaration" },
  YAML_KEY_FORBIDDEN: { severity: "error", title: "A key has a meaning to the JavaScript engine" },
  YAML_KEY_NOT_TEXT: { severity: "error", title: "A key is no text" },
  GIT_ABSENT: { severity: "error", title: "git isn't installed here, or not on PATH" },
  GIT_FAILED: { severity: "error", title: "git couldn't tell what was asked" },
  YAML_TOO_DEEP: { severity: "error", title: "The document is nested too deeply" },
});
