import { FindingError, type Finding } from "../lib/finding.ts";
import { sealedFile, stackName, type StackPart } from "../schemas/layout.ts";
import { readClear } from "../seal/clear.ts";
import { identitiesFor } from "../seal/identity.ts";
import { openDataKey } from "../seal/open.ts";
import type { Declared } from "../stacks/read.ts";
import type { Context } from "./command.ts";

/**
 * Refuses a deployment of stacks whose sealed files the identity at hand doesn't open, where it opens another's: ordinary and payment deployers are two, and half of an
 * environment would be deployed before the other half is refused. Empty where it opens all, or none (which is said when the first value is wanted).
 */
export async function identityFindings(context: Context, d: Declared, todo: readonly StackPart[]): Promise<Finding[]> {
  const opens = new Map<"standard" | "payments", boolean>();
  try {
    const identities = identitiesFor(context.root, d.name, context.env);
    for (const part of ["standard", "payments"] as const) {
      if (!todo.includes(part) || !d.credentials.some((c) => c.spec.class === part)) continue;
      const { sealed } = readClear(context.root, sealedFile(d.name, part));
      if (sealed) opens.set(part, (await openDataKey(sealed, identities)) !== null);
    }
  } catch (e) {
    if (e instanceof FindingError) return [];
    throw e;
  }
  const [can, cannot] = [true, false].map((x) => [...opens].filter(([, o]) => o === x).map(([p]) => p));
  if (!can?.length || !cannot?.length) return [];
  return cannot.map((part): Finding => ({
    code: "IDENTITY_OTHER_STACK", severity: "error", message: `the identity at hand opens ${can.map((x) => stackName(d.name, x)).join(", ")} and not ${stackName(d.name, part)}: nothing was deployed`, path: stackName(d.name, part),
    hint: `each stack by its own deployer: stackseal up --env ${d.name} ${can.map((x) => `--part ${x}`).join(" ")}; SOPS_AGE_KEY_FILE may hold both identities, a line each`,
  }));
}
