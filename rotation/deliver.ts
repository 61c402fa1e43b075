import { readFileSync } from "node:fs";
import { join } from "node:path";
import { FindingError } from "../lib/finding.ts";
import type { SecretClass } from "../schemas/access.ts";
import { companionsOf, variablesOf, type ExpectedSecret } from "../schemas/integrations/index.ts";
import { sealedFile, storeSecretName } from "../schemas/layout.ts";
import { openForDeploy, type Unsealed } from "../seal/deploy.ts";
import { versionIdOf } from "../providers/stackseal/sealed-version.ts";
import { versionWith } from "../providers/stores/contract.ts";
import { rotationCodes } from "./codes.ts";
import type { Rotator } from "./context.ts";
import type { Slot } from "./sealed.ts";

/** A version of a store's secret as `up` would deliver it: the same id for the same issues, so that a rotation is no drift. */
export interface Version {
  readonly name: string;
  readonly id: string;
  readonly values: Readonly<Record<string, string>>;
  readonly notes: Readonly<Record<string, string>>;
}
export type Settings = Readonly<Record<string, unknown>>;
/** The plain settings of a credential's integration. */
export const settingsOf = (r: Pick<Rotator, "declared">, e: Pick<ExpectedSecret, "integration">): Settings =>
  ({ ...r.declared.environment.integrations, ...(r.declared.payments && { stripe: r.declared.payments.stripe }) } as Readonly<Record<string, Settings | undefined>>)[e.integration] ?? {};

/** What these identities opened, by the file's text: proving every claim costs, and a rotation looks often. */
const opened = new WeakMap<object, Map<string, Promise<Unsealed>>>();
/** Opens the environment's sealed values of a class, everything proven. */
export function unsealed(r: Pick<Rotator, "root" | "declared" | "env" | "identities">, cls: SecretClass): Promise<Unsealed> {
  const file = join(r.root, sealedFile(r.declared.name, cls));
  const text = `${file}\n${readFileSync(file, "utf8")}`;
  const mine = opened.get(r.identities) ?? new Map<string, Promise<Unsealed>>();
  opened.set(r.identities, mine);
  const known = mine.get(text) ?? openForDeploy(r.root, r.declared.name, cls, r.env);
  mine.set(text, known);
  known.catch(() => mine.delete(text));
  return known;
}

/** The version with a slot's value in the place of the sealed one, and settings that go with it. */
export function versionOf(r: Rotator, e: ExpectedSecret, all: Unsealed, slot: Slot | null, settings: Settings): Version {
  const name = storeSecretName(r.declared.name, e.spec.class, e.integration);
  const own = r.declared.credentials.filter((c) => c.integration === e.integration && c.spec.class === e.spec.class).map((c) => {
    const at = slot && c.path === e.path ? slot : { value: all.values.get(c.path) ?? "", claims: all.claims.get(c.path) ?? c.claims };
    return { path: c.path, secret: c.secret, variables: variablesOf(c.spec, c.entry), ...at };
  });
  const values = own.flatMap((c) => c.variables.map((variable) => ({ variable, key: c.path, issueId: c.claims.issueId, value: c.value, note: `${c.claims.issuedAt} ${c.claims.issueId}` })));
  const companions = companionsOf(e.integration, own.map((c) => c.secret), settings);
  return {
    name, id: versionIdOf(r.declared.name, name, values, companions),
    values: { ...companions, ...Object.fromEntries(values.map((v) => [v.variable, v.value])) },
    notes: Object.fromEntries(values.map((v) => [v.variable, v.note])),
  };
}
/** Delivers a version beside the one in force, under the secret's own tags. */
export async function stage(r: Rotator, v: Version): Promise<void> {
  const found = await r.store.describe(v.name);
  if (versionWith(found, "current")?.id === v.id || versionWith(found, "pending")?.id === v.id) return;
  await r.store.put({ name: v.name, versionId: v.id, values: v.values, notes: v.notes, tags: found?.tags ?? {}, stage: "pending" });
}
/** Puts a version in force, and holds the store to it. */
export async function enforce(r: Rotator, v: Version): Promise<void> {
  const found = await r.store.describe(v.name);
  if (versionWith(found, "current")?.id !== v.id) {
    // What the store has forgotten meanwhile (another version was pending) is delivered again.
    if (found?.versions.some((x) => x.id === v.id && x.label !== null) !== true) await r.store.put({ name: v.name, versionId: v.id, values: v.values, notes: v.notes, tags: found?.tags ?? {}, stage: "pending" });
    await r.store.promote(v.name, v.id);
  }
  if (versionWith(await r.store.describe(v.name), "current")?.id !== v.id) throw new FindingError(rotationCodes.finding("ROTATION_NOT_DELIVERED", { message: "the store doesn't have the delivered version in force", path: v.name, hint: "run again; if it stays so, look who else writes this secret" }));
}
/** Throws FindingError where the store's version in force isn't that of git. */
export async function mustBeInForce(r: Rotator, v: Version): Promise<void> {
  const current = versionWith(await r.store.describe(v.name), "current");
  if (current?.id === v.id) return;
  throw new FindingError(rotationCodes.finding("ROTATION_NOT_DELIVERED", { message: current ? `the store has another version of ${v.name} in force than git says` : `${v.name} isn't delivered yet`, path: v.name, hint: `first: stackseal up --env ${r.declared.name}` }));
}
