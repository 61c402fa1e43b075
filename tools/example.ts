import { resolve } from "node:path";
import { writeAtomic } from "../lib/atomic.ts";
import { systemClock } from "../lib/clock.ts";
import { newIdentity, recipientOf } from "../seal/age.ts";
import { pepperRecipients, recipientsFor } from "../seal/recipients.ts";
import { newPepper, sealPeppers, sealSamples, type Signer } from "../seal/seed.ts";
import { newSigningKey, readSigningKey, type SigningKey } from "../seal/signature.ts";
import type { Role, Tier } from "../schemas/access.ts";
import { humanPepperFile, pepperFile, PEOPLE_FILE, sealedFile } from "../schemas/layout.ts";
import type { People } from "../schemas/people.ts";
import { readProject } from "../stacks/read.ts";

// Makes the shipped example: people named after their roles, peppers, and sealed samples for dev, staging and prod, to keys that are thrown away here.
const root = resolve(process.argv[2] ?? ".");
const now = new Date("2026-11-24T09:00:00Z");
const ALL: Tier[] = ["development", "staging", "production"];
const PEOPLE: [string, Role, Tier[]][] = [["super-admin-1", "super-admin", ALL], ["super-admin-2", "super-admin", ALL], ["admin-1", "admin", ALL], ["engineer-1", "engineer", ["development"]], ["auditor-1", "auditor", ALL]];
const ENVS: [string, Tier][] = [["dev", "development"], ["staging", "staging"], ["prod", "production"]];
const MACHINES: [string, Role, Tier[]][] = ENVS.flatMap(([env, tier]): [string, Role, Tier[]][] => [[`deployer-${env}`, "deployer", [tier]], [`deployer-${env}-payments`, "payments-deployer", [tier]]]);

const people: People = { people: {}, machines: {} };
let signer: Signer | null = null;
const lines = ["# yaml-language-server: $schema=../schemas/json/people.schema.json", "# Example people, named after their roles. Nobody holds these keys: replace them with your own.", "people:"];
for (const [i, [name, role, tiers]] of [...PEOPLE, ...MACHINES].entries()) {
  if (i === PEOPLE.length) lines.push("machines:");
  const recipient = await recipientOf(await newIdentity());
  const key = newSigningKey(name);
  const human = i < PEOPLE.length;
  const opens = role !== "auditor";
  const entry = { role, tiers, recipients: opens ? [recipient] : [], signing: human ? [key.publicLine] : [], from: "2026-01-01" };
  if (human) people.people[name] = entry as never;
  else people.machines[name] = entry as never;
  signer ??= { name, key: readSigningKey(key.file) as SigningKey };
  lines.push(`    ${name}:`, `        role: ${role}`, `        tiers: [${tiers.join(", ")}]`, `        recipients: [${entry.recipients.join(", ")}]`,
    ...(human ? [`        signing: ["${key.publicLine}"]`, `        handle: ${name}`, `        secondFactor: { attestedAt: "2026-11-01", by: ${name === "super-admin-1" ? "super-admin-2" : "super-admin-1"} }`] : []), `        from: "2026-01-01"`);
}
writeAtomic(`${root}/${PEOPLE_FILE}`, `${lines.join("\n")}\n`);
const g = newPepper();
writeAtomic(`${root}/${pepperFile("dev")}`, await sealPeppers({ g1: g }, pepperRecipients(people, "2026-11-24", ALL).map((r) => r.recipient), now));
const project = readProject(root, { clock: systemClock });
for (const [env, tier] of ENVS) {
  const h = newPepper();
  writeAtomic(`${root}/${humanPepperFile(env, tier)}`, await sealPeppers({ h1: h }, pepperRecipients(people, "2026-11-24", [tier]).map((r) => r.recipient), now));
  const d = project.environments.find((e) => e.name === env);
  if (!d) throw new Error(`${env} can't be read`);
  for (const cls of ["standard", "payments"] as const) {
    const text = await sealSamples(d.expected.filter((e) => e.spec.class === cls), env, recipientsFor(people, tier, cls, "2026-11-24").map((r) => r.recipient), { g: new Map([[1, g]]), h: new Map([[1, h]]) }, signer as Signer, now);
    writeAtomic(`${root}/${sealedFile(env, cls)}`, text);
  }
}
