import type { DRIFT_KINDS } from "../../schemas/outputs.ts";
import { declaredCompanions } from "../../providers/declared.ts";
import { versionIdOf } from "../../providers/stackseal/sealed-version.ts";
import { versionWith, type Store } from "../../providers/stores/contract.ts";
import { DEPLOYERS, identitySecretName } from "../../schemas/iam/place.ts";
import { variablesOf } from "../../schemas/integrations/index.ts";
import { signingSecretName, storeSecretName } from "../../schemas/layout.ts";
import type { Declared } from "../../stacks/read.ts";

export interface Drift {
  /** `secret`: missing, unknown, foreign or leaving; `version`: another one is in force; all others: missing or changed. */
  readonly kind: (typeof DRIFT_KINDS)[number];
  readonly name: string;
  readonly expected: string;
  readonly found: string;
  /** Who changed it last, where the trail tells; null otherwise. */
  readonly by: string | null;
}
const of = (kind: Drift["kind"], name: string, expected: string, found: string): Drift => ({ kind, name, expected, found, by: null });
const short = (id: string | undefined): string => (id === undefined ? "none" : id.slice(0, 12));

/** The version that git gives each secret: the hash of its environment, name, variables and issue ids. */
export function expectedVersions(root: string, d: Declared): Map<string, string> {
  const out = new Map<string, string>();
  for (const cls of ["standard", "payments"] as const) {
    const own = d.credentials.filter((c) => c.spec.class === cls);
    for (const integration of new Set(own.map((c) => c.integration))) {
      const name = storeSecretName(d.name, cls, integration);
      const values = own.filter((c) => c.integration === integration).flatMap((c) => variablesOf(c.spec, c.entry).map((variable) => ({ variable, key: c.path, issueId: c.claims.issueId, fingerprint: c.claims.fingerprint })));
      out.set(name, versionIdOf(d.name, name, values, declaredCompanions(root, name, values.map((v) => v.key))));
    }
  }
  return out;
}
/** What the store has in force against what git produces; never reads a value. */
export async function secretDrift(root: string, d: Declared, store: Store): Promise<Drift[]> {
  const expected = expectedVersions(root, d);
  // Written by others than a delivery of sealed values: their names are known, their versions are not git's.
  const apart = new Set([...Object.keys(d.payments?.stripe.webhooks ?? {}).map((w) => signingSecretName(d.name, w)), ...DEPLOYERS.map((r) => identitySecretName(d.name, r))]);
  const listed = await store.list(`stackseal/${d.name}/`);
  const byName = new Map(listed.map((s) => [s.name, s]));
  const out: Drift[] = [];
  for (const [name, id] of expected) {
    const s = byName.get(name);
    const current = versionWith(s ?? null, "current");
    if (!s) out.push(of("secret", name, "a secret with a version", "no such secret"));
    else if (s.deletedAt !== undefined) out.push(of("secret", name, "a secret in force", `scheduled for deletion on ${s.deletedAt.slice(0, 10)}`));
    else if (!s.ours) out.push(of("secret", name, "our ownership tag", "none"));
    else if (current?.id !== id) out.push(of("version", name, short(id), short(current?.id)));
  }
  for (const s of listed) if (apart.has(s.name) && s.deletedAt !== undefined) out.push(of("secret", s.name, "a secret in force", `scheduled for deletion on ${s.deletedAt.slice(0, 10)}`));
  for (const s of listed) if (!expected.has(s.name) && !apart.has(s.name) && s.deletedAt === undefined) out.push(of("secret", s.name, "no such secret", "a secret that git doesn't know"));
  return out;
}
