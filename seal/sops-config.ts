import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "../lib/finding.ts";
import type { Tier } from "../schemas/access.ts";
import { humanPepperFile, LOCAL, pepperFile, sealedFile } from "../schemas/layout.ts";
import type { People } from "../schemas/people.ts";
import { sealCodes } from "./codes.ts";
import { pepperRecipients, recipientsFor } from "./recipients.ts";
import type { Target } from "./reseal.ts";

export const SOPS_CONFIG = ".sops.yaml";
export interface Place {
  readonly name: string;
  readonly tier: Tier;
}
const REAL: readonly Tier[] = ["development", "staging", "production"];

/** Every sealed file that these environments have, save `local`'s, with who may open it by people.yaml and the access matrix. */
export function targets(people: People, environments: readonly Place[], on: string): { readonly target: Target; readonly recipients: readonly { readonly name: string; readonly recipient: string }[] }[] {
  const real = environments.filter((e) => e.name !== LOCAL);
  const files = real.flatMap((e) => (["standard", "payments"] as const).map((cls) => ({ target: { kind: "credentials" as const, file: sealedFile(e.name, cls), environment: e.name, tier: e.tier, class: cls }, recipients: recipientsFor(people, e.tier, cls, on) })));
  const human = new Map(real.map((e) => [humanPepperFile(e.name, e.tier), e.tier]));
  return [
    ...files,
    ...(real[0] ? [{ target: { kind: "peppers", file: pepperFile(real[0].name) } as Target, recipients: pepperRecipients(people, on, REAL) }] : []),
    ...[...human].map(([file, tier]) => ({ target: { kind: "peppers" as const, file }, recipients: pepperRecipients(people, on, [tier]) })),
  ];
}
/** `.sops.yaml`, so that the sops CLI seals new files to the same people. */
export function sopsConfig(people: People, environments: readonly Place[], on: string): string {
  const rules = targets(people, environments, on).filter((t) => t.recipients.length > 0).map(({ target, recipients }) => [
    `    # ${[...new Set(recipients.map((r) => r.name))].join(", ")}`,
    `    - path_regex: ^${target.file.replaceAll(".", "\\.")}$`,
    "      unencrypted_regex: ^claims$",
    `      age: ${recipients.map((r) => r.recipient).join(",")}`,
  ].join("\n"));
  return `# Generated from stacks/people.yaml and the access matrix: stackseal people sync writes it.\ncreation_rules:\n${rules.join("\n")}\n`;
}
/** Whether `.sops.yaml` is what people.yaml and the access matrix say. */
export function verifySopsConfig(root: string, people: People, environments: readonly Place[], on: string): Finding[] {
  const file = join(root, SOPS_CONFIG);
  if (existsSync(file) && readFileSync(file, "utf8") === sopsConfig(people, environments, on)) return [];
  return [sealCodes.finding("SOPS_CONFIG_STALE", { message: `${SOPS_CONFIG} isn't what people.yaml and the access matrix say`, at: { file: SOPS_CONFIG, line: 1, column: 1 }, hint: "stackseal people sync" })];
}
