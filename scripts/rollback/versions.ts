import type { Git } from "../../lib/git.ts";
import { parseDocument } from "../../lib/document.ts";
import { textAt } from "../../history/base.ts";
import { versionIdOf } from "../../providers/stackseal/sealed-version.ts";
import type { SecretClass, Tier } from "../../schemas/access.ts";
import type { Claims } from "../../schemas/claims.ts";
import type { Environment } from "../../schemas/environment.ts";
import { companionsOf, expectedSecrets, variablesOf, type ExpectedSecret } from "../../schemas/integrations/index.ts";
import { environmentFile, paymentsFile, sealedFile, storeSecretName } from "../../schemas/layout.ts";
import { parseEnvironment, parsePayments } from "../../schemas/parse.ts";
import { parseClear, type ClearFile } from "../../seal/clear.ts";

/** The secret of a store that an integration's credentials of a class go into. */
export interface Target {
  readonly environment: string;
  readonly class: SecretClass;
  readonly integration: string;
  readonly name: string;
}
export const targetOf = (environment: string, e: ExpectedSecret): Target =>
  ({ environment, class: e.spec.class, integration: e.integration, name: storeSecretName(environment, e.spec.class, e.integration) });

/** What a commit gives a store's secret. */
export interface GitVersion {
  readonly id: string;
  readonly commit: string;
  readonly tier: Tier;
  readonly sealed: ClearFile;
  readonly credentials: readonly { readonly path: string; readonly claims: Claims }[];
  /** Plain settings delivered in the same version. */
  readonly companions: Readonly<Record<string, string>>;
}
/** The version that a commit's declarations and sealed file give; null where they give none or can't be read by this release. */
export function versionAt(git: Git, commit: string, t: Target): GitVersion | null {
  const environment = declared(git, commit, t.environment);
  const text = textAt(git, commit, sealedFile(t.environment, t.class));
  const sealed = text === null ? null : parseClear(text, sealedFile(t.environment, t.class)).sealed;
  if (!environment || !sealed) return null;
  const payments = textAt(git, commit, paymentsFile(t.environment));
  const stripe = payments === null ? null : ((d) => (d ? parsePayments(d).value : null))(parseDocument(payments, paymentsFile(t.environment)).document);
  const asked = expectedSecrets({ ...environment.integrations, ...(stripe && { stripe: stripe.stripe }) }, environment.tier).filter((e) => e.integration === t.integration && e.spec.class === t.class);
  const own = asked.flatMap((e) => {
    const claims = sealed.credentials.find((c) => c.path === e.path)?.claims;
    return claims ? [{ e, claims }] : [];
  });
  if (own.length === 0) return null;
  const settings = (environment.integrations as Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>)[t.integration] ?? {};
  const companions = companionsOf(t.integration, own.map(({ e }) => e.secret), settings);
  const values = own.flatMap(({ e, claims }) => variablesOf(e.spec, e.entry).map((variable) => ({ variable, key: e.path, issueId: claims.issueId })));
  return { id: versionIdOf(t.environment, t.name, values, companions), commit, tier: environment.tier, sealed, credentials: own.map(({ e, claims }) => ({ path: e.path, claims })), companions };
}
function declared(git: Git, commit: string, name: string): Environment | null {
  const text = textAt(git, commit, environmentFile(name));
  const document = text === null ? null : parseDocument(text, environmentFile(name)).document;
  return document && parseEnvironment(document).value;
}
/** Every version that HEAD's history gives the secret, newest first, each with the last commit that gives it. */
export function* versionsInHistory(git: Git, t: Target): Generator<GitVersion> {
  const files = [environmentFile(t.environment), paymentsFile(t.environment), sealedFile(t.environment, t.class)];
  const commits = (git.text(["log", "--format=%H", "--full-history", "HEAD", "--", ...files]) ?? "").split("\n").filter((c) => c !== "");
  const seen = new Set<string>();
  for (const commit of ["HEAD", ...commits]) {
    const v = versionAt(git, commit === "HEAD" ? (git.text(["rev-parse", "HEAD"]) ?? commit) : commit, t);
    if (!v || seen.has(v.id)) continue;
    seen.add(v.id);
    yield v;
  }
}
