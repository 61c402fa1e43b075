import type { Finding } from "../lib/finding.ts";
import { allows, type SecretClass, type Tier } from "../schemas/access.ts";
import { activeOn, members, type Member, type People } from "../schemas/people.ts";
import type { ClearFile } from "./clear.ts";
import { sealCodes } from "./codes.ts";

export interface NamedRecipient {
  readonly name: string;
  readonly recipient: string;
}
/** Who may open a sealed file of this tier and class on that day, by the access matrix: name and age recipient, in the order of people.yaml. */
export function recipientsFor(people: People, tier: Tier, cls: SecretClass, on: string): NamedRecipient[] {
  return members(people).filter((m) => activeOn(m, on) && m.entry.tiers.includes(tier) && allows(m.entry.role, cls, tier, "open")).flatMap((m) => m.entry.recipients.map((recipient) => ({ name: m.name, recipient })));
}
/** Peppers of generated values are for all who seal or deploy anything, in any tier of theirs save `local`. */
export const pepperRecipients = (people: People, on: string, tiers: readonly Tier[]): NamedRecipient[] =>
  unique(tiers.flatMap((t) => (["standard", "payments"] as const).flatMap((c) => recipientsFor(people, t, c, on))));
export const unique = (list: readonly NamedRecipient[]): NamedRecipient[] => [...new Map(list.map((r) => [r.recipient, r])).values()];

/** Whether the file's recipients are those of people.yaml and the access matrix: stale and missing ones by name, and the command that mends it. */
export function verifyRecipients(file: ClearFile, wanted: readonly NamedRecipient[], people: People, environment: string): Finding[] {
  const have = new Set(file.sops.recipients.map((r) => r.recipient));
  const want = new Set(wanted.map((r) => r.recipient));
  const nameOf = new Map(members(people).flatMap((m: Member) => m.entry.recipients.map((r) => [r, m.name] as const)));
  const stale = file.sops.recipients.filter((r) => !want.has(r.recipient)).map((r) => nameOf.get(r.recipient) ?? `unknown (${r.recipient.slice(0, 12)}…)`).concat(file.sops.others);
  const missing = wanted.filter((r) => !have.has(r.recipient)).map((r) => r.name);
  if (stale.length + missing.length === 0) return [];
  const say = [...(stale.length ? [`may not open it any more: ${stale.join(", ")}`] : []), ...(missing.length ? [`can't open it yet: ${missing.join(", ")}`] : [])].join("; ");
  return [sealCodes.finding("SEAL_RECIPIENTS_STALE", { message: `the recipients are not those of people.yaml and the access matrix: ${say}`, at: file.document.locate(["sops", "age"], "key"), hint: `stackseal secret reseal --env ${environment}` })];
}
