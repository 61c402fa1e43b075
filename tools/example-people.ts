import { writeAtomic } from "../lib/atomic.ts";
import { systemClock } from "../lib/clock.ts";
import { newIdentity, recipientOf } from "../seal/age.ts";
import { pepperRecipients, recipientsFor } from "../seal/recipients.ts";
import { newPepper, sealPeppers, sealSamples, type Signer } from "../seal/seed.ts";
import { newSigningKey, readSigningKey } from "../seal/signature.ts";
import { SOPS_CONFIG, sopsConfig } from "../seal/sops-config.ts";
import type { Role, Tier } from "../schemas/access.ts";
import { humanPepperFile, pepperFile, PEOPLE_FILE, sealedFile } from "../schemas/layout.ts";
import type { People } from "../schemas/people.ts";
import { ATTESTATIONS_FILE } from "../schemas/attestations.ts";
import { exampleAttestations } from "./example-attestations.ts";
import { readProject } from "../stacks/read.ts";

const ALL: Tier[] = ["development", "staging", "production"];
const PEOPLE: [string, Role, Tier[]][] = [["super-admin-1", "super-admin", ALL], ["super-admin-2", "super-admin", ALL], ["admin-1", "admin", ALL], ["engineer-1", "engineer", ["development"]], ["auditor-1", "auditor", ALL]];
const ENVS: [string, Tier][] = [["dev", "development"], ["staging", "staging"], ["prod", "production"]];
const MACHINES: [string, Role, Tier[]][] = ENVS.flatMap(([env, tier]): [string, Role, Tier[]][] => [[`deployer-${env}`, "deployer", [tier]], [`deployer-${env}-payments`, "payments-deployer", [tier]], [`rotator-${env}`, "rotator", [tier]]]);
/** Staging's deployer signs what it found there: production asks for it. */
const signs = (role: Role, tiers: readonly Tier[]): boolean => role === "deployer" && tiers.includes("staging");

/** The secret halves of an example person's or machine's keys: the caller throws them away, or is a test. */
export interface Keys {
  readonly identity: string;
  /** An OpenSSH private key file's text. */
  readonly signing: string;
}
/** Writes example people named after their roles, peppers, `.sops.yaml`, and sealed, signed samples for dev, staging and prod. */
export async function makeExample(root: string, now: Date): Promise<Record<string, Keys>> {
  const keys: Record<string, Keys> = {};
  const people: People = { people: {}, machines: {} };
  let signer: Signer | null = null;
  const lines = ["# yaml-language-server: $schema=../schemas/json/people.schema.json", "# Example people, named after their roles. Nobody holds these keys: replace them with your own.", "people:"];
  for (const [i, [name, role, tiers]] of [...PEOPLE, ...MACHINES].entries()) {
    if (i === PEOPLE.length) lines.push("machines:");
    const identity = await newIdentity();
    const recipient = await recipientOf(identity);
    const key = newSigningKey(name);
    keys[name] = { identity, signing: key.file };
    const human = i < PEOPLE.length;
    const entry = { role, tiers, recipients: role === "auditor" ? [] : [recipient], signing: human || signs(role, tiers) ? [key.publicLine] : [], from: "2026-01-01" };
    if (human) people.people[name] = entry as never;
    else people.machines[name] = entry;
    const own = readSigningKey(key.file);
    if (own) signer ??= { name, key: own };
    lines.push(`    ${name}:`, `        role: ${role}`, `        tiers: [${tiers.join(", ")}]`, `        recipients: [${entry.recipients.join(", ")}]`,
      ...entry.signing.map((line) => `        signing: ["${line}"]`), ...(human ? [`        handle: ${name}`] : []), `        from: "2026-01-01"`);
  }
  const day = now.toISOString().slice(0, 10);
  writeAtomic(`${root}/${PEOPLE_FILE}`, `${lines.join("\n")}\n`);
  writeAtomic(`${root}/${SOPS_CONFIG}`, sopsConfig(people, ENVS.map(([name, tier]) => ({ name, tier })), day));
  const g = newPepper();
  writeAtomic(`${root}/${pepperFile("dev")}`, await sealPeppers({ g1: g }, pepperRecipients(people, day, ALL).map((r) => r.recipient), now));
  const project = readProject(root, { clock: systemClock });
  for (const [env, tier] of ENVS) {
    const h = newPepper();
    writeAtomic(`${root}/${humanPepperFile(env, tier)}`, await sealPeppers({ h1: h }, pepperRecipients(people, day, [tier]).map((r) => r.recipient), now));
    const d = project.environments.find((e) => e.name === env);
    if (!d) throw new Error(`${env} can't be read`);
    for (const cls of ["standard", "payments"] as const)
      writeAtomic(`${root}/${sealedFile(env, cls)}`, await sealSamples(d.expected.filter((e) => e.spec.class === cls), env, recipientsFor(people, tier, cls, day).map((r) => r.recipient), { g: new Map([[1, g]]), h: new Map([[1, h]]) }, signer as Signer, now));
  }
  const signers = Object.fromEntries(Object.entries(keys).flatMap(([name, k]) => { const key = readSigningKey(k.signing); return key ? [[name, key]] : []; }));
  writeAtomic(`${root}/${ATTESTATIONS_FILE}`, exampleAttestations(root, signers, now));
  return keys;
}
