import { allows, type Role, type Tier } from "../schemas/access.ts";
import type { Commit, SignatureState } from "./commit.ts";
import { reviewedBy } from "./commit.ts";
import type { Described } from "./describe.ts";
import type { PeopleHistory } from "./people-history.ts";

/** How a change came in, as far as git can show it. */
export interface Review {
  /** The merge that brought it to the main line; null where it was committed there directly. */
  readonly merge: string | null;
  /** Who merged, by the merge's signature where it has a good one, else by its committer's word. */
  readonly mergedBy: string | null;
  /** `Reviewed-by:` of the commit or the merge: whoever wrote the message claims it. */
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
  readonly merge: { readonly commit: Commit; readonly signature: SignatureState } | null;
  readonly people: PeopleHistory;
}
export function reviewOf({ subject, claimed, signer, merge, people }: ReviewInput): Review {
  const names = [...new Set([...claimed, ...(merge ? reviewedBy(merge.commit.message) : [])])];
  const signed = merge?.signature.state === "valid" ? merge.signature.by : null;
  const may = (person: string | null): boolean => person !== null && person !== signer && owns(people.roles.get(person), subject);
  const meant = (text: string): string | null => [...people.roles.keys()].find((p) => new RegExp(`(^|[^a-z0-9-])${p}([^a-z0-9-]|$)`).test(text)) ?? [...people.handles].find(([h]) => text.includes(h))?.[1] ?? null;
  return {
    merge: merge?.commit.id ?? null,
    mergedBy: merge === null ? null : (signed ?? `${merge.commit.committer.name} <${merge.commit.committer.email}>`),
    claimed: names,
    codeOwners: may(signed) ? "satisfied" : names.some((n) => may(meant(n))) ? "claimed" : "not satisfied",
  };
}
/** Whose word a change needs: Super Admins' for payments, people, roles and policies; else whoever may seal or set it in some real tier. */
function owns(role: Role | undefined, d: Described): boolean {
  if (role === undefined) return false;
  if (d.kind !== "credential" && d.kind !== "setting" && d.kind !== "alert" && d.kind !== "rotation") return role === "super-admin";
  const payments = d.path.startsWith("stripe.") || d.path === "rotation.payments" || d.path.startsWith("payments");
  const tiers: readonly Tier[] = ["development", "staging", "production"];
  return tiers.some((t) => allows(role, payments ? "payments" : d.kind === "credential" ? "standard" : "settings", t, "seal"));
}
