import type { Tier } from "../schemas/access.ts";
import { humanPepperFile, LOCAL, pepperFile } from "../schemas/layout.ts";
import type { People } from "../schemas/people.ts";
import { pepperRecipients, recipientsFor } from "./recipients.ts";
import type { Target } from "./reseal.ts";
import { credentialFiles, credentialPattern, placeIn } from "./sealed-files.ts";

export const SOPS_CONFIG = ".sops.yaml";
export interface Place {
  readonly name: string;
  readonly tier: Tier;
}
interface Sealed<T> {
  readonly target: T;
  readonly recipients: readonly { readonly name: string; readonly recipient: string }[];
}
const REAL: readonly Tier[] = ["development", "staging", "production"];

/** Every sealed file that these environments have, what their rotations hold too, save `local`'s; with who may open it by people.yaml and the access matrix. */
export function targets(root: string, people: People, environments: readonly Place[], on: string): Sealed<Target>[] {
  const files = environments.filter((e) => e.name !== LOCAL).flatMap((e) => credentialFiles(root, e.name, e.tier).map((target) => ({ target, recipients: recipientsFor(people, e.tier, target.class, on) })));
  return [...files, ...peppers(people, environments, on)];
}
/** What a file of that name is, on disk or not, and who may open it; null for one that isn't of these environments. */
export function targetOf(file: string, people: People, environments: readonly Place[], on: string): Sealed<Target> | null {
  for (const e of environments) {
    const place = placeIn(e.name, file);
    if (place && e.name !== LOCAL) return { target: { ...place, tier: e.tier }, recipients: recipientsFor(people, e.tier, place.class, on) };
  }
  return peppers(people, environments, on).find((p) => p.target.file === file) ?? null;
}
function peppers(people: People, environments: readonly Place[], on: string): Sealed<Target & { readonly kind: "peppers" }>[] {
  const real = environments.filter((e) => e.name !== LOCAL);
  const human = new Map(real.map((e) => [humanPepperFile(e.name, e.tier), e.tier]));
  return [
    ...(real[0] ? [{ target: { kind: "peppers" as const, file: pepperFile(real[0].name) }, recipients: pepperRecipients(people, on, REAL) }] : []),
    ...[...human].map(([file, tier]) => ({ target: { kind: "peppers" as const, file }, recipients: pepperRecipients(people, on, [tier]) })),
  ];
}
/** `.sops.yaml`, so that the sops CLI seals new files to the same people. */
export function sopsConfig(people: People, environments: readonly Place[], on: string): string {
  const own = environments.filter((e) => e.name !== LOCAL).flatMap((e) => (["standard", "payments"] as const).map((cls) => ({ pattern: credentialPattern(e.name, cls), recipients: recipientsFor(people, e.tier, cls, on) })));
  const all = [...own, ...peppers(people, environments, on).map((p) => ({ pattern: p.target.file.replaceAll(".", "\\."), recipients: p.recipients }))];
  const rules = all.filter((t) => t.recipients.length > 0).map(({ pattern, recipients }) => [
    `    # ${[...new Set(recipients.map((r) => r.name))].join(", ")}`,
    `    - path_regex: ^${pattern}$`,
    "      unencrypted_regex: ^claims$",
    `      age: ${recipients.map((r) => r.recipient).join(",")}`,
  ].join("\n"));
  return `# Generated from stacks/people.yaml and the access matrix: stackseal people sync writes it.\ncreation_rules:\n${rules.join("\n")}\n`;
}
