import * as pulumi from "@pulumi/pulumi";
import { systemClock } from "../lib/clock.ts";
import { hasErrors } from "../lib/finding.ts";
import { environmentOfStack } from "../schemas/layout.ts";
import { program } from "./program.ts";
import { readProject } from "./read.ts";

// What the Pulumi CLI runs: the one effect at top level.
const { environment, part } = environmentOfStack(pulumi.getStack());
// The CLI runs a program in the folder of its file: the project's root is where Pulumi.yaml is.
const project = readProject(pulumi.getRootDirectory() || process.cwd(), { only: [environment], clock: systemClock });
const declared = project.environments.find((e) => e.name === environment);
if (!declared || hasErrors(project.findings))
  throw new pulumi.RunError(project.findings.filter((f) => f.severity === "error").map((f) => `${f.at ? `${f.at.file}:${String(f.at.line)}:${String(f.at.column)}: ` : ""}${f.code} ${f.message}`).join("\n") || `no environment ${environment}`);
// The default export is the stack's outputs; a named one would be an output of that name.
export default program(declared, part);
