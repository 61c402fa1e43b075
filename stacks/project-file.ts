import { isThere, readDocument } from "../lib/document.ts";
import type { Finding } from "../lib/finding.ts";
import { stackCodes } from "./codes.ts";

export const PROJECT_FILE = "Pulumi.yaml";

/** The project's name, which stands in every URN: Pulumi.yaml's, or `stackseal` where there is no such file. What is there and can't be used is a finding: a name that changes unseen would replace every resource. */
export function readProjectName(root: string): { readonly name: string; readonly findings: readonly Finding[] } {
  if (!isThere(root, PROJECT_FILE)) return { name: "stackseal", findings: [] };
  const { document, findings } = readDocument(root, PROJECT_FILE);
  const name = document && typeof document.value === "object" && document.value !== null ? (document.value as Record<string, unknown>)["name"] : undefined;
  if (typeof name === "string" && /^[A-Za-z0-9_.-]{1,100}$/.test(name)) return { name, findings };
  const told = findings.some((f) => f.severity === "error");
  return { name: "stackseal", findings: told ? findings : [...findings, stackCodes.finding("PROJECT_NAME", { message: `${PROJECT_FILE} gives no name to the project`, at: document?.locate(["name"]) ?? { file: PROJECT_FILE, line: 1, column: 1 }, hint: "name: letters, digits, dots, hyphens, underscores" })] };
}
