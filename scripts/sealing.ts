import { isoDate } from "../lib/clock.ts";
import { FindingError, type Finding } from "../lib/finding.ts";
import { nearest } from "../lib/nearest.ts";
import { allows } from "../schemas/access.ts";
import type { Claims, Reason } from "../schemas/claims.ts";
import { SCHEDULES } from "../schemas/environment.ts";
import type { ExpectedSecret } from "../schemas/integrations/index.ts";
import { LOCAL } from "../schemas/layout.ts";
import { members, type People } from "../schemas/people.ts";
import type { Identity } from "../seal/age.ts";
import { readPeople } from "../seal/deploy.ts";
import { sealCodes } from "../seal/codes.ts";
import { fingerprintLike, type Peppers } from "../seal/fingerprint.ts";
import { identitiesFor } from "../seal/identity.ts";
import { openPeppers } from "../seal/pepper.ts";
import { recipientsFor } from "../seal/recipients.ts";
import type { Signer } from "../seal/seed.ts";
import { judgeEqual, judgeValue, setCredential } from "../seal/set.ts";
import { judgeStrength } from "../seal/strength.ts";
import { readProject, type Declared, type Project } from "../stacks/read.ts";
import type { Context } from "./command.ts";
import { exposedPrints } from "./exposure.ts";
import { signerOf } from "./signer.ts";
import { heldBefore } from "./value-history.ts";

// What the commands that seal have in common.

export interface Sealing {
  readonly root: string;
  readonly declared: Declared;
  readonly project: Project;
  readonly people: People;
  readonly signer: Signer;
  readonly identities: readonly Identity[];
  readonly now: Date;
  readonly env: Context["env"];
}
/** Everything that sealing in an environment wants: its declaration, people, who signs, the identities at hand. Throws FindingError. */
export function sealingOf(context: Context, env: string): Sealing {
  const project = readProject(context.root, { clock: context.clock });
  const declared = project.environments.find((e) => e.name === env);
  if (!declared) throw new FindingError(project.findings, 2);
  const people = readPeople(context.root, env);
  return { root: context.root, project, declared, people, signer: signerOf(context, env, people), identities: identitiesFor(context.root, env, context.env), now: context.clock.now(), env: context.env };
}
/** The declared credential of that path; `env` null: of any environment. Throws FindingError with the nearest name. */
export function expectedOf<T extends { readonly path: string }>(list: readonly T[], path: string, env: string | null): T {
  const found = list.find((e) => e.path === path);
  if (found) return found;
  const near = nearest(path, list.map((e) => e.path));
  throw new FindingError({ code: "CREDENTIAL_UNKNOWN", severity: "error", message: `${env ?? "no environment here"} declares ${env === null ? "a" : "no"} credential "${path}"`, hint: near !== null ? `did you mean ${near}?` : `stackseal secret list --env ${env ?? "NAME"}` }, 2);
}
/** Throws FindingError SEAL_WRITER_NOT_ALLOWED where the matrix doesn't let the signer seal this credential. */
export function maySeal(s: Sealing, e: Pick<ExpectedSecret, "path" | "spec">): void {
  const who = members(s.people).find((m) => m.name === s.signer.name)?.entry;
  if (who === undefined || !who.tiers.includes(s.declared.tier) || !allows(who.role, e.spec.class, s.declared.tier, "seal"))
    throw new FindingError({ code: "SEAL_WRITER_NOT_ALLOWED", severity: "error", message: `${s.signer.name} (${who?.role ?? "unknown"}) may not seal ${e.spec.class} credentials of ${s.declared.tier}`, path: e.path, hint: "somebody whom the access matrix allows must set it: stackseal people list" });
}
/** Due that many days after it was issued: by the environment's rotation schedule, else the kind's own. */
export function maxAgeOf(d: Declared, e: Pick<ExpectedSecret, "spec">): number {
  const schedule = e.spec.class === "payments" ? d.payments?.rotation?.payments : d.environment.rotation?.standard;
  return schedule ? SCHEDULES[schedule] : e.spec.maxAgeDays;
}
/** Judges a new value and seals it with claims and signature, in one atomic step. Throws FindingError with everything that is wrong, nothing written. */
export async function sealNew(s: Sealing, e: ExpectedSecret, value: string, reason: Reason): Promise<Claims> {
  const d = s.declared;
  const peppers = await openPeppers(s.root, d.name, d.tier, s.identities);
  return setCredential({
    root: s.root, environment: d.name, tier: d.tier, expected: e, value, reason, maxAgeDays: maxAgeOf(d, e), identities: s.identities, signer: s.signer, now: s.now,
    peppers, judge: () => judgeNew(s, e, value, peppers), recipients: recipientsFor(s.people, d.tier, e.spec.class, isoDate(s.now)).map((r) => r.recipient),
  });
}
/** Everything that speaks against a value as a new issue of a credential: form, mode, strength, known to somebody who left, in force elsewhere, in force before. Empty where nothing does. */
export async function judgeNew(s: Sealing, e: ExpectedSecret, value: string, peppers: Peppers): Promise<Finding[]> {
  const d = s.declared;
  const form = [...judgeValue(value, e, d.tier), ...(e.spec.human && !generatedByProvider(d, e) ? await judgeStrength(value, e.path) : [])];
  if (form.length) return form;
  const equal = [...(await judgeExposed(s.root, e, value, peppers)), ...(await judgeEqual(value, { environment: d.name, path: e.path }, s.project.environments.flatMap((x) => x.credentials.map((c) => ({ environment: x.name, path: c.path, claims: c.claims }))), peppers))];
  if (equal.length || d.name === LOCAL) return equal;
  const held = await heldBefore(s.root, s.env, e.path, value, e.spec.human === true, peppers);
  return held ? [held] : [];
}
/** VALUE_EXPOSED where an exposure list says that somebody could know this value: compared under every generation of pepper at hand. */
async function judgeExposed(root: string, e: ExpectedSecret, value: string, peppers: Peppers): Promise<Finding[]> {
  for (const [print, file] of exposedPrints(root))
    if ((print.startsWith("h") === (e.spec.human === true)) && (await fingerprintLike(print, peppers, value)) === print)
      return [sealCodes.finding("VALUE_EXPOSED", { message: "the value is one that somebody who left, or a stolen key, could know", path: e.path, hint: `issue a new one at the provider; ${file} says who` })];
  return [];
}
/** Mail passwords that the provider makes have a format of their own; a person chooses those of generic servers and Mailgun logins. */
function generatedByProvider(d: Declared, e: ExpectedSecret): boolean {
  const provider = d.environment.integrations.smtp?.provider;
  return e.integration === "smtp" && provider !== undefined && provider !== "generic" && provider !== "mailgun";
}
