import { hasErrors, FindingError, type Finding } from "../lib/finding.ts";
import { readDocument } from "../lib/document.ts";
import type { SecretClass } from "../schemas/access.ts";
import type { Claims } from "../schemas/claims.ts";
import type { SecretFormat } from "../schemas/integration.ts";
import { expectedSecrets } from "../schemas/integrations/index.ts";
import { environmentFile, LOCAL, LOCAL_PEOPLE_FILE, paymentsFile, PEOPLE_FILE, sealedFile } from "../schemas/layout.ts";
import { parseEnvironment, parsePayments, parsePeople } from "../schemas/parse.ts";
import type { People } from "../schemas/people.ts";
import { readClear } from "./clear.ts";
import { identitiesFor, type Env } from "./identity.ts";
import { openSealed } from "./open.ts";
import { openPeppers } from "./pepper.ts";
import { proveClaims } from "./prove.ts";
import { verifySignatures } from "./verify.ts";

export interface Unsealed {
  readonly values: ReadonlyMap<string, string>;
  readonly claims: ReadonlyMap<string, Claims>;
}
/** people.yaml, or `local`'s own. Throws FindingError. */
export function readPeople(root: string, environment: string): People {
  const { document, findings } = readDocument(root, environment === LOCAL ? LOCAL_PEOPLE_FILE : PEOPLE_FILE);
  if (!document) throw new FindingError(findings, 2);
  const parsed = parsePeople(document);
  if (!parsed.value) throw new FindingError(parsed.findings, 2);
  return parsed.value;
}

/**
 * Opens an environment's sealed file of a class for a deployment: MAC, every signature and every claim are proven first.
 * File, class and environment come from the caller's URN, never from a reference. Throws FindingError with everything that is wrong.
 */
export async function openForDeploy(root: string, environment: string, cls: SecretClass, env: Env): Promise<Unsealed> {
  const declared = readDocument(root, environmentFile(environment));
  const parsed = declared.document && parseEnvironment(declared.document);
  if (!parsed?.value) throw new FindingError([...declared.findings, ...(parsed?.findings ?? [])], 2);
  const { tier, integrations } = parsed.value;
  const payments = cls === "payments" ? readDocument(root, paymentsFile(environment)).document : null;
  const stripe = payments && parsePayments(payments).value;
  const formats = new Map<string, SecretFormat>(expectedSecrets({ ...integrations, ...(stripe && { stripe: stripe.stripe }) }, tier).map((e) => [e.path, e.format]));
  const { sealed, findings } = readClear(root, sealedFile(environment, cls));
  if (!sealed || hasErrors(findings)) throw new FindingError(findings, 2);
  const signatures = verifySignatures(sealed.credentials, { environment, tier, class: cls }, readPeople(root, environment));
  if (signatures.length) throw new FindingError(signatures);
  const identities = identitiesFor(root, environment, env);
  const opened = await openSealed(sealed, identities);
  const lies: Finding[] = await proveClaims(opened, await openPeppers(root, environment, tier, identities), formats);
  if (lies.length) throw new FindingError(lies);
  return { values: opened.values, claims: new Map(sealed.credentials.flatMap((c) => (c.claims ? [[c.path, c.claims] as const] : []))) };
}
