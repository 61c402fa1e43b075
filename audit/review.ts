import type { PeopleHistory } from "../history/people-history.ts";
import { allows, type Tier } from "../schemas/access.ts";
import { reviewedBy, type Commit, type CommitSignature } from "./commit.ts";
import type { Described } from "./describe.ts";

/** How a change came in, as far as git can show it. */
export interface Review {
  /** The merge that brought it to the main line; null where it was committed there directly. */
  readonly merge: string | null;
  /** Who merged, by the merge's signature where it has a good one, else by its committer's word. */
  readonly mergedBy: string | null;
  /** `Reviewed-by:` of the commit or the merge, but for who signed the merge: whoever wrote the message claims it. */
  readonly claimed: readonly string[];
  /**
   * Whether somebody whom the access matrix lets change this, other than who signed the change, signed its merge: `satisfied`; merely named
   * in a trailer: `claimed`; else `not satisfied`.
   */
  readonly codeOwners: "satisfied" | "claimed" | "not satisfied";
}
export interface ReviewInput {
  readonly subject: Described;
  readonly claimed: readonly string[];
  readonly signer: string | null;
  /** `Name <email>` of the change, by its own word: who made it, where nobody signed. */
  readonly author: string;
  readonly committer: string;
  readonly merge: Merge | null;
  /** The person whose signature the merge has. */
  readonly mergedBy: string | null;
  readonly people: PeopleHistory;
  /** Where on the main line the change landed. */
  readonly place: number;
  /** Of the change's environment; undefined where that isn't known any more. */
  readonly tier: Tier | undefined;
}
/** What counts of a merge: kept for every merge of the history, so no more than that. */
export interface Merge { readonly id: string; readonly at: string; readonly author: string; readonly committer: string; readonly claimed: readonly string[]; readonly signature: CommitSignature }
export const mergeOf = (c: Commit, signature: CommitSignature): Merge => ({ id: c.id, at: c.committer.at, author: c.author.person, committer: c.committer.person, claimed: reviewedBy(c.message), signature });
export function reviewOf({ subject, claimed, signer, author, committer, merge, mergedBy: signed, people, place, tier }: ReviewInput): Review {
  if (signed === null && claimed.length === 0 && (merge === null || merge.claimed.length === 0)) return { merge: merge?.id ?? null, mergedBy: merge?.committer ?? null, claimed: [], codeOwners: "not satisfied" };
  // Who signed the merge has more than a name in a trailer.
  const names = [...new Set([...claimed, ...(merge?.claimed ?? [])])].filter((n) => signed === null || meant(n, people) !== signed);
  // Nobody reviews their own change: whose it is says its signature, else its author and committer.
  const makers = signer === null ? [author, committer] : [];
  const made = new Set([signer, ...makers.map((m) => meant(m, people))]);
  const ownMerge = merge !== null && makers.some((m) => address(m) === address(merge.author));
  const may = (person: string | null): boolean => person !== null && !made.has(person) && owns(people.standing(person, place), tier, subject);
  return {
    merge: merge?.id ?? null,
    mergedBy: merge === null ? null : (signed ?? merge.committer),
    claimed: names,
    codeOwners: !ownMerge && may(signed) ? "satisfied" : names.some((n) => may(meant(n, people))) ? "claimed" : "not satisfied",
  };
}
const address = (person: string): string => (/<([^>]*)>$/.exec(person)?.[1] ?? person).toLowerCase();
const known = new WeakMap<PeopleHistory, Map<string, string | null>>();
/** Whom a trailer's text names. */
function meant(text: string, people: PeopleHistory): string | null {
  const own = known.get(people) ?? new Map<string, string | null>();
  known.set(people, own);
  let name = own.get(text);
  if (name === undefined) {
    name = [...people.names].find((p) => new RegExp(`(^|[^a-z0-9-])${p}([^a-z0-9-]|$)`).test(text)) ?? [...people.handles].find(([h]) => text.includes(h))?.[1] ?? null;
    own.set(text, name);
  }
  return name;
}
const REAL: readonly Tier[] = ["development", "staging", "production"];
/** Whose word a change needs: Super Admins' for payments, people, roles and policies; else whoever may seal or set it in the environment's tier, where they are at home. */
function owns(person: ReturnType<PeopleHistory["standing"]>, tier: Tier | undefined, d: Described): boolean {
  const role = person?.role ?? null;
  if (person === null || role === null) return false;
  if (d.environment === null || (d.kind !== "credential" && d.kind !== "setting" && d.kind !== "alert" && d.kind !== "rotation")) return role === "super-admin";
  const payments = d.path.startsWith("stripe.") || d.path === "rotation.payments" || d.path.startsWith("payments");
  return (tier ? [tier] : REAL).some((t) => person.tiers.includes(t) && allows(role, payments ? "payments" : d.kind === "credential" ? "standard" : "settings", t, "seal"));
}
