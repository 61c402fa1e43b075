import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { addDays, daysBetween, isoDate, parseDate, type Clock } from "../lib/clock.ts";
import { isThere, readDocument } from "../lib/document.ts";
import { sortFindings, type Finding, type Position } from "../lib/finding.ts";
import type { SecretClass, Tier } from "../schemas/access.ts";
import type { Claims } from "../schemas/claims.ts";
import type { Environment, Payments } from "../schemas/environment.ts";
import { expectedSecrets, type ExpectedSecret } from "../schemas/integrations/index.ts";
import { environmentFile, LOCAL, LOCAL_PEOPLE_FILE, paymentsFile, PEOPLE_FILE, sealedFile } from "../schemas/layout.ts";
import { parseEnvironment, parsePayments, parsePeople } from "../schemas/parse.ts";
import type { People } from "../schemas/people.ts";
import { environmentRules, paymentsRules } from "../schemas/rules.ts";
import { readClear } from "../seal/clear.ts";
import { recipientsFor, verifyRecipients } from "../seal/recipients.ts";
import { judgeHeld } from "../seal/sealed-files.ts";
import { rolledEndpoints } from "./rolls.ts";
import { verifySignatures } from "../seal/verify.ts";
import { stackCodes as c } from "./codes.ts";

/** A sealed credential and the declaration that asks for it. */
export interface DeclaredCredential extends ExpectedSecret {
  readonly claims: Claims;
  readonly file: string;
  readonly at: Position;
  /** The ciphertext leaf, `ENC[…]`. */
  readonly leaf: string;
  /** The age recipients of the file that it stands in. */
  readonly recipients: readonly string[];
}
/** One environment, read without any key. */
export interface Declared {
  readonly name: string;
  readonly tier: Tier;
  readonly environment: Environment;
  readonly payments: Payments | null;
  readonly expected: readonly ExpectedSecret[];
  readonly credentials: readonly DeclaredCredential[];
  /** The day on which it was read, by the run's clock: what is over by then isn't planned any more. */
  readonly asOf: string;
  /** Which rotation replaced a Stripe endpoint last; absent where none did. */
  readonly rolls?: Readonly<Record<string, string>>;
}
export interface Project {
  readonly environments: readonly Declared[];
  readonly people: People | null;
  readonly findings: readonly Finding[];
}

/** The environments that a project declares, sorted with `local` first and then by tier. */
export function environmentNames(root: string): string[] {
  const dir = join(root, "stacks");
  if (!existsSync(dir)) return [];
  // A folder that holds any part of an environment is one: its declaration, where it is missing or a link to nowhere, must be missed.
  const holds = (name: string): boolean => {
    try {
      return readdirSync(join(dir, name)).some((f) => /^(environment|payments)\.yaml$|^(secrets|payments)\.sops\.yaml$/.test(f));
    } catch {
      return false;
    }
  };
  const order = ["local", "dev", "staging", "prod"];
  const rank = (n: string): number => (order.includes(n) ? order.indexOf(n) : order.length);
  return readdirSync(dir, { withFileTypes: true }).filter((d) => (d.isDirectory() || d.isSymbolicLink()) && holds(d.name)).map((d) => d.name).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** Reads the declarations, sealed files' clear parts and people of a project, and judges all that needs no key. Never throws for bad input. */
export const readProject = (root: string, options: { readonly only?: readonly string[]; readonly clock: Clock }): Project => readProjects(root, options.clock)(options.only);

/** Reads everything once: the answer is the project as if only these environments had been asked for, all of them where none is named. */
export function readProjects(root: string, clock: Clock): (only?: readonly string[]) => Project {
  const names = environmentNames(root);
  const common: Finding[] = [];
  if (names.length === 0) common.push(c.finding("PROJECT_EMPTY", { message: "no stacks/<env>/environment.yaml here", hint: "stackseal init, or -C DIR" }));
  const people = readPeople(root, PEOPLE_FILE, common, names.some((n) => n !== LOCAL));
  const on = isoDate(clock.now());
  // All are read even where one is asked for: what two environments share is a fault of both.
  const read = names.map((name) => {
    const own: Finding[] = [];
    const d = readEnvironment(root, name, name === LOCAL ? readPeople(root, LOCAL_PEOPLE_FILE, own, false) : people, on, own);
    return { name, d, own };
  });
  const environments = read.flatMap((r) => r.d ?? []);
  const both = shared(environments);
  return (only) => {
    const chosen = environments.filter((e) => wanted(only, e.name));
    const findings = [
      ...common, ...read.filter((r) => wanted(only, r.name)).flatMap((r) => r.own), ...both.filter((f) => only === undefined || only.length === 0 || only.some((n) => f.path?.startsWith(`${n}:`))),
      ...chosen.flatMap((e) => ages(e, clock.now())),
    ];
    return { environments: chosen, people, findings: sortFindings(findings) };
  };
}
const wanted = (only: readonly string[] | undefined, name: string): boolean => only === undefined || only.length === 0 || only.includes(name);

function readPeople(root: string, file: string, findings: Finding[], needed: boolean): People | null {
  if (!needed && !isThere(root, file)) return null;
  const r = readDocument(root, file);
  findings.push(...r.findings);
  if (!r.document) return null;
  const p = parsePeople(r.document);
  findings.push(...p.findings);
  return p.value;
}

function readEnvironment(root: string, name: string, people: People | null, on: string, findings: Finding[]): Declared | null {
  const doc = readDocument(root, environmentFile(name));
  findings.push(...doc.findings);
  const parsed = doc.document && parseEnvironment(doc.document);
  findings.push(...(parsed?.findings ?? []));
  const environment = parsed?.value ?? null;
  if (environment && doc.document) findings.push(...environmentRules(environment, doc.document, name));
  let payments: Payments | null = null;
  if (isThere(root, paymentsFile(name))) {
    const pay = readDocument(root, paymentsFile(name));
    findings.push(...pay.findings);
    const p = pay.document && parsePayments(pay.document);
    findings.push(...(p?.findings ?? []));
    payments = p?.value ?? null;
    if (payments && pay.document) findings.push(...paymentsRules(payments, pay.document, name, environment));
  }
  if (!environment) return null;
  const expected = expectedSecrets({ ...environment.integrations, ...(payments && { stripe: payments.stripe }) }, environment.tier);
  const credentials = (["standard", "payments"] as const).flatMap((cls) => readSealed(root, name, environment.tier, cls, expected, people, on, findings));
  findings.push(...judgeHeld(root, name, environment.tier, people, on));
  const rolls = payments ? rolledEndpoints(root, name) : {};
  return { name, tier: environment.tier, environment, payments, expected, credentials, asOf: on, ...(Object.keys(rolls).length > 0 && { rolls }) };
}

function readSealed(root: string, name: string, tier: Tier, cls: SecretClass, expected: readonly ExpectedSecret[], people: People | null, on: string, findings: Finding[]): DeclaredCredential[] {
  const file = sealedFile(name, cls);
  const asked = expected.filter((e) => e.spec.class === cls);
  if (!isThere(root, file)) {
    if (name === LOCAL) findings.push(c.finding("LOCAL_NOT_SEEDED", { message: `${file}: local's sample credentials aren't made yet`, path: LOCAL, hint: "stackseal start" }));
    else if (asked.length) findings.push(c.finding("CREDENTIAL_MISSING", { message: `${file} is missing: ${asked.length} declared credentials have no sealed value`, at: { file: environmentFile(name), line: 1, column: 1 }, path: asked[0]?.path, hint: `stackseal secret set ${asked[0]?.path ?? ""} --env ${name} --reason initial` }));
    return [];
  }
  const { sealed, findings: clear } = readClear(root, file);
  findings.push(...clear);
  if (!sealed) return [];
  if (people) {
    findings.push(...verifySignatures(sealed.credentials, { environment: name, tier, class: cls }, people));
    findings.push(...verifyRecipients(sealed, recipientsFor(people, tier, cls, on), people, name));
  }
  const byPath = new Map(sealed.credentials.map((x) => [x.path, x]));
  const recipients = sealed.sops.recipients.map((r) => r.recipient);
  const missing = asked.filter((e) => !byPath.has(e.path) && !e.optional);
  for (const e of missing) findings.push(c.finding("CREDENTIAL_MISSING", { message: `${e.path} is declared and has no sealed value`, at: { file, line: 1, column: 1 }, path: e.path, hint: `stackseal secret set ${e.path} --env ${name} --reason initial` }));
  return sealed.credentials.flatMap((x): DeclaredCredential[] => {
    const e = expected.find((y) => y.path === x.path);
    if (!e) {
      findings.push(c.finding("CREDENTIAL_UNDECLARED", { message: `no declaration of ${name} asks for ${x.path}`, at: x.at, path: x.path, hint: "declare its integration in environment.yaml, or remove it" }));
      return [];
    }
    if (e.spec.class !== cls) findings.push(c.finding("CREDENTIAL_CLASS", { message: `${x.path} is of class ${e.spec.class} and belongs into ${sealedFile(name, e.spec.class)}`, at: x.at, path: x.path }));
    if (!x.claims) return [];
    const place = { at: x.claimsAt, path: x.path };
    if (x.claims.kind !== e.kind) findings.push(c.finding("CREDENTIAL_KIND", { message: `the claims say ${x.claims.kind}; the declaration asks for ${e.kind}`, ...place }));
    if (x.claims.mode === "live" && tier !== "production") findings.push(c.finding("LIVE_KEY_OUTSIDE_PRODUCTION", { message: `a live credential in ${name} (${tier})`, ...place, hint: "use the provider's test mode; the live one is exposed to this tier: issue it anew" }));
    if (x.claims.mode === "test" && tier === "production") findings.push(c.finding("TEST_KEY_IN_PRODUCTION", { message: `a test credential in ${name}`, ...place, hint: `stackseal secret set ${x.path} --env ${name} --reason initial` }));
    if (x.claims.maxAgeDays > e.spec.maxAgeDays) findings.push(c.finding("CREDENTIAL_AGE_CEILING", { message: `maxAgeDays ${x.claims.maxAgeDays} is above the ceiling of ${e.spec.maxAgeDays} for ${e.kind}`, ...place }));
    return [{ ...e, claims: x.claims, file, at: x.claimsAt, leaf: x.leaf, recipients }];
  });
}

/** When a credential is due: issuedAt + maxAgeDays. */
export const dueAt = (claims: Claims): Date => addDays(parseDate(claims.issuedAt) ?? new Date(0), claims.maxAgeDays);

function ages(e: Declared, now: Date): Finding[] {
  return e.credentials.flatMap((x) => {
    const late = daysBetween(dueAt(x.claims), now);
    const early = daysBetween(now, parseDate(x.claims.issuedAt) ?? now);
    return [
      ...(late > 0 ? [c.finding("CREDENTIAL_OVERDUE", { message: `due ${isoDate(dueAt(x.claims))}, ${late} days ago`, at: x.at, path: x.path, hint: `stackseal secret set ${x.path} --env ${e.name} --reason scheduled` })] : []),
      ...(early > 0 ? [c.finding("CREDENTIAL_FUTURE", { message: `issued on ${x.claims.issuedAt}, which hasn't come yet`, at: x.at, path: x.path })] : []),
    ];
  });
}

/** What two environments must not have in common: credentials (by fingerprint), cloud accounts, addresses. */
function shared(all: readonly Declared[]): Finding[] {
  const out: Finding[] = [];
  const prints = new Map<string, { env: string; cred: DeclaredCredential }>();
  const twice = (kind: "ACCOUNT_SHARED" | "URL_SHARED", key: (d: Declared) => [string, string] | null): void => {
    const seen = new Map<string, string>();
    for (const d of all) {
      const k = key(d);
      if (!k) continue;
      const first = seen.get(k[0]);
      if (first !== undefined) out.push(c.finding(kind, { message: `${d.name} and ${first} have the same ${k[1]}`, at: { file: environmentFile(d.name), line: 1, column: 1 }, path: `${d.name}:${k[1]}` }));
      else seen.set(k[0], d.name);
    }
  };
  for (const d of all) for (const cred of d.credentials) {
    const first = prints.get(cred.claims.fingerprint);
    if (first && !cred.claims.fingerprint.startsWith("g0:") && !cred.claims.fingerprint.startsWith("h0:"))
      out.push(c.finding("CREDENTIAL_SHARED", { message: `${cred.path} of ${d.name} is the same value as ${first.cred.path} of ${first.env} (${first.cred.file}:${first.cred.at.line})`, at: cred.at, path: `${d.name}:${cred.path}`, hint: "every environment has credentials of its own: issue one anew" }));
    else prints.set(cred.claims.fingerprint, { env: d.name, cred });
  }
  twice("ACCOUNT_SHARED", (d) => (d.environment.store.kind === "aws" && d.environment.store.endpoint === undefined ? [`aws ${d.environment.store.accountId}`, "AWS account"] : null));
  twice("URL_SHARED", (d) => [d.environment.platform.url, "platform URL"]);
  twice("ACCOUNT_SHARED", (d) => (d.environment.integrations.twilio ? [`twilio ${d.environment.integrations.twilio.accountSid}`, "Twilio account"] : null));
  return out;
}
