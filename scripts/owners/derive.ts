import { allows, TIERS, type AccessClass, type Role, type Tier } from "../../schemas/access.ts";
import { environmentFile, LOCAL, paymentsFile, PEOPLE_FILE, sealedFile, stackName } from "../../schemas/layout.ts";
import { activeOn, members, type People } from "../../schemas/people.ts";

// Who must review a change of which file, and who releases which deployment: from the access matrix and people.yaml, and from nothing else.

export interface OwnedPlace {
  readonly name: string;
  readonly tier: Tier;
}
export interface Reviewer {
  readonly name: string;
  readonly role: Role;
  /** Undefined where people.yaml doesn't say what they are called on the code host. */
  readonly handle: string | undefined;
}
/** People, active that day, whose role may change (`seal`) a class in a tier that is theirs; with `permit`, who may change who may. */
export const whoMay = (people: People, on: string, cls: AccessClass, tier: Tier, verb: "seal" | "permit" = "seal"): Reviewer[] =>
  members(people).filter((m) => !m.machine && activeOn(m, on) && m.entry.tiers.includes(tier) && allows(m.entry.role, cls, tier, verb)).map((m) => ({ name: m.name, role: m.entry.role, handle: m.entry.handle }));

export interface OwnedFile {
  readonly pattern: string;
  readonly what: string;
  readonly owners: readonly Reviewer[];
}
const REAL: readonly Tier[] = TIERS.filter((t) => t !== LOCAL);
/** Files that say who may what, or that run with a deployer's rights: whoever may change access in every tier. */
const GUARDED = [PEOPLE_FILE, `${PEOPLE_FILE}.sig`, "stacks/pepper*.sops.yaml", "stacks/exposures/", "stacks/reviews/", "stacks/attestations.yaml", "stacks/backup.yaml", ".sops.yaml", "schemas/access.ts", "schemas/iam/", "policies/", "Pulumi.yaml", "package.json", "package-lock.json", ".github/", ".gitlab/", ".gitlab-ci.yml"];

/** In the order of the file: the last line that matches counts. */
export function ownedFiles(people: People, places: readonly OwnedPlace[], on: string): OwnedFile[] {
  const everywhere = REAL.map((t) => whoMay(people, on, "payments", t, "permit")).reduce((a, b) => a.filter((x) => b.some((y) => y.name === x.name)));
  const anywhere = new Map(places.flatMap(({ tier }) => whoMay(people, on, "settings", tier)).map((r) => [r.name, r]));
  return [
    { pattern: "*", what: "everything else", owners: [...anywhere.values()] },
    ...places.flatMap(({ name, tier }): OwnedFile[] => [
      { pattern: `/stacks/${name}/`, what: `everything of ${name} (${tier})`, owners: whoMay(people, on, "standard", tier) },
      { pattern: `/${environmentFile(name)}`, what: "settings", owners: whoMay(people, on, "settings", tier) },
      { pattern: `/${sealedFile(name, "standard")}`, what: "credentials", owners: whoMay(people, on, "standard", tier) },
      { pattern: `/${paymentsFile(name)}`, what: "Stripe's settings", owners: whoMay(people, on, "payments", tier) },
      { pattern: `/${sealedFile(name, "payments")}`, what: "payment credentials", owners: whoMay(people, on, "payments", tier) },
    ]),
    ...GUARDED.map((f): OwnedFile => ({ pattern: `/${f}`, what: "who may what, and what deploys", owners: everywhere })),
  ];
}
export interface ReviewedEnvironment {
  /** The code host's environment: the stack's own name. */
  readonly name: string;
  readonly class: "standard" | "payments";
  readonly tier: Tier;
  readonly reviewers: readonly Reviewer[];
}
/** Who releases a stack's deployment: those who may change what is deployed there. */
export const reviewedEnvironments = (people: People, places: readonly OwnedPlace[], on: string): ReviewedEnvironment[] =>
  places.flatMap(({ name, tier }) => (["standard", "payments"] as const).map((cls) => ({ name: stackName(name, cls), class: cls, tier, reviewers: whoMay(people, on, cls, tier) })));
