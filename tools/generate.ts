import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { awsActions } from "./aws-actions.ts";
import { policyTable } from "../policies/kit/table.ts";
import { jsonSchemas } from "./json-schemas.ts";
import { stripeFacts } from "./stripe-events.ts";

// Writes the generated files that are checked in; a test regenerates and compares.
const root = resolve(process.argv[2] ?? ".");
writeFileSync(join(root, "schemas/stripe-facts.json"), `${JSON.stringify(stripeFacts(), null, 1)}\n`);
writeFileSync(join(root, "schemas/iam/aws-actions.json"), `${JSON.stringify(awsActions(), null, 1)}\n`);
writeFileSync(join(root, "policies/README.md"), policyTable());
for (const [name, schema] of Object.entries(jsonSchemas())) writeFileSync(join(root, "schemas/json", `${name}.schema.json`), `${JSON.stringify(schema, null, 2)}\n`);
