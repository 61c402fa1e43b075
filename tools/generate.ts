import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { awsActions } from "./aws-actions.ts";
import { policyTable } from "../policies/kit/table.ts";
import { jsonSchemas } from "./json-schemas.ts";
import { stripeFacts } from "./stripe-events.ts";
import { vscodeExtensions, vscodeSettings } from "../scripts/init/editors.ts";
import { ownHostFiles } from "./workflows.ts";

// Writes the generated files that are checked in; a test regenerates and compares.
const root = resolve(process.argv[2] ?? ".");
writeFileSync(join(root, "schemas/stripe-facts.json"), `${JSON.stringify(stripeFacts(), null, 1)}\n`);
writeFileSync(join(root, "schemas/iam/aws-actions.json"), `${JSON.stringify(awsActions(), null, 1)}\n`);
writeFileSync(join(root, "policies/README.md"), policyTable());
for (const [name, schema] of Object.entries(jsonSchemas())) writeFileSync(join(root, "schemas/json", `${name}.schema.json`), `${JSON.stringify(schema, null, 2)}\n`);
const own = { ...ownHostFiles(root), ".vscode/settings.json": vscodeSettings("./schemas/json"), ".vscode/extensions.json": vscodeExtensions() };
for (const [file, text] of Object.entries(own)) {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}
