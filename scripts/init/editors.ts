import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "../../lib/finding.ts";
import { initCodes } from "./codes.ts";
import { SCHEMAS } from "./declarations.ts";
import type { Ledger } from "./ledger.ts";

/** Schema → the files that it describes. */
export const DESCRIBES: Readonly<Record<string, string>> = {
  environment: "stacks/*/environment.yaml", payments: "stacks/*/payments.yaml", people: "stacks/people.yaml",
  attestations: "stacks/attestations.yaml", exceptions: "policies/exceptions.yaml", rotation: "stacks/*/rotations/*.yaml",
};
/** VS Code's settings for the YAML extension, with schemas in that folder. */
export const vscodeSettings = (schemas = `./${SCHEMAS}`): string =>
  `${JSON.stringify({ "yaml.schemas": Object.fromEntries(Object.entries(DESCRIBES).map(([s, glob]) => [`${schemas}/${s}.schema.json`, glob])), "yaml.customTags": [], "files.associations": { "*.sops.yaml": "yaml" } }, null, 4)}\n`;
export const vscodeExtensions = (): string => `${JSON.stringify({ recommendations: ["redhat.vscode-yaml"] }, null, 4)}\n`;

/** Editor settings; settings that are there are kept, and what they lack is said. The modelines in the files serve every other editor. */
export function makeEditors(ledger: Ledger): Finding[] {
  ledger.file(".vscode/extensions.json", vscodeExtensions(), "the YAML extension");
  const same = ledger.file(".vscode/settings.json", vscodeSettings(), "completion and inline errors in YAML");
  const path = join(ledger.root, ".vscode/settings.json");
  if (same || !existsSync(path) || readFileSync(path, "utf8").includes(`${SCHEMAS}/environment.schema.json`)) return [];
  return [initCodes.finding("INIT_KEPT_UNSEEN", { message: ".vscode/settings.json is yours and was kept", at: { file: ".vscode/settings.json", line: 1, column: 1 }, hint: `add "yaml.schemas" to it: "./${SCHEMAS}/environment.schema.json": "stacks/*/environment.yaml"; the modelines in the files serve without it` })];
}
