import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { PolicyPack, type StackValidationPolicy } from "@pulumi/policy";
import { systemClock } from "../lib/clock.ts";
import { environmentOfStack } from "../schemas/layout.ts";
import { rules } from "./index.ts";
import { describe } from "./kit/exceptions.ts";
import { readFacts } from "./kit/facts.ts";
import { Judgement } from "./kit/judgement.ts";

// What `pulumi preview --policy-pack policies` loads. The declarations beside the pack are judged with the stack that they declare.
declare const __dirname: string;
/** The project: the nearest folder above with a Pulumi.yaml. A pack that came with the package lies below the project that uses it. */
function projectAbove(dir: string): string {
  return existsSync(join(dir, "Pulumi.yaml")) || dir === dirname(dir) ? dir : projectAbove(dirname(dir));
}
const root = projectAbove(__dirname);
const judgement = new Judgement(readFacts(root, systemClock));

/** Rules that judge declarations, as policies of the stack; the place stands in the message. */
const declared: StackValidationPolicy[] = rules.filter((r) => r.declared ?? r.codes ?? r.id === "exceptions-valid").map((rule) => ({
  name: `${rule.id}-declared`, description: rule.title, displayName: rule.title, severity: rule.severity, enforcementLevel: judgement.config.level(rule), remediationSteps: rule.remediation,
  validateStack: (args, report) => {
    const environment = environmentOfStack(args.resources[0]?.urn.split("::")[0]?.slice("urn:pulumi:".length) ?? "").environment;
    for (const v of judgement.declared([environment])) if (v.rule === rule && (v.environment === null || v.environment === environment)) report(`${v.at.file}:${v.at.line}:${v.at.column}: ${v.message}`);
  },
}));
const exceptions: StackValidationPolicy = {
  name: "exceptions-in-force", description: "What is let through, why, by whom and until when", enforcementLevel: "advisory",
  validateStack: (args, report) => {
    const environment = environmentOfStack(args.resources[0]?.urn.split("::")[0]?.slice("urn:pulumi:".length) ?? "").environment;
    for (const e of judgement.inForce([environment])) report(`exception in force: ${describe(e)}`);
  },
};
new PolicyPack("stackseal", { policies: [...judgement.policies(), ...declared, exceptions] });
