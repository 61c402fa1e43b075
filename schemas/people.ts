import { z } from "zod";
import { HUMAN_ROLES, ROLES, TIERS } from "./access.ts";

const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, "a date, YYYY-MM-DD, in quotes");
const recipient = z.string().regex(/^age1[02-9ac-hj-np-z]{58}$/, "an age X25519 recipient (age1…)");
const signing = z.string().regex(/^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com) [A-Za-z0-9+/=]+( .*)?$/, "an SSH public key");
const openpgp = z.string().regex(/^([0-9A-F]{40}|[0-9A-F]{64})$/, "the primary key's fingerprint: 40 or 64 hex digits, in capitals");
export const personName = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, "lower case letters, digits and hyphens");

const common = {
  tiers: z.array(z.enum(TIERS)).min(1),
  recipients: z.array(recipient).default([]),
  signing: z.array(signing).default([]),
  openpgp: z.array(openpgp).optional().describe("OpenPGP keys whose commits are theirs, for the audit log: seals and approvals are signed by SSH keys alone"),
  handle: z.string().min(1).max(64).optional().describe("Name on the code host"),
  from: day.optional().describe("Active from"),
  until: day.optional().describe("Active until, exclusive"),
};
const attestation = z.strictObject({
  attestedAt: day,
  by: personName.optional().describe("Another person than the subject"),
  evidence: z.string().max(500).optional(),
  signature: z.string().max(4096).optional(),
});
export const personSchema = z.strictObject({ role: z.enum(HUMAN_ROLES), ...common, secondFactor: attestation.optional() });
export const machineSchema = z.strictObject({ role: z.enum(ROLES), ...common });

/** `stacks/people.yaml`: who exists, in which role and tiers, and with which keys. */
export const peopleSchema = z.strictObject({
  people: z.record(personName, personSchema),
  machines: z.record(personName, machineSchema).default({}),
});
export type People = z.infer<typeof peopleSchema>;
export type Person = z.infer<typeof personSchema>;
export type Machine = z.infer<typeof machineSchema>;

export interface Member {
  readonly name: string;
  readonly machine: boolean;
  readonly entry: Person | Machine;
}
export const members = (people: People): Member[] => [
  ...Object.entries(people.people).map(([name, entry]) => ({ name, machine: false, entry })),
  ...Object.entries(people.machines).map(([name, entry]) => ({ name, machine: true, entry })),
];
/** Active on `day` (YYYY-MM-DD): `from` inclusive, `until` exclusive. */
export const activeOn = (m: Member, on: string): boolean => (m.entry.from ?? "") <= on && (m.entry.until === undefined || on < m.entry.until);
