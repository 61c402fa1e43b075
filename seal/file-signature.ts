import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeAtomic } from "../lib/atomic.ts";
import type { Tier } from "../schemas/access.ts";
import { PEOPLE_FILE, POLICY_CONFIG_FILE } from "../schemas/layout.ts";
import { activeOn, members, type Member, type People } from "../schemas/people.ts";
import { armorSignature, signText, verifyText, type SigningKey } from "./signature.ts";

// people.yaml, the access matrix and the levels of the policies carry a Super Admin's SSH signature in a file beside them, over their bytes:
//   ssh-keygen -Y verify -f allowed_signers -I super-admin-1 -n stackseal-people -s stacks/people.yaml.sig < stacks/people.yaml

export const ACCESS_FILE = "schemas/access.ts";
/** What is signed as a file, and in which namespace of SSH signatures. */
export const SIGNED_FILES = { [PEOPLE_FILE]: "stackseal-people", [ACCESS_FILE]: "stackseal-access", [POLICY_CONFIG_FILE]: "stackseal-policies" } as const;
export type SignedFile = keyof typeof SIGNED_FILES;
export const signedFiles = Object.keys(SIGNED_FILES) as readonly SignedFile[];
export const signatureFile = (file: string): string => `${file}.sig`;

/** The armored signature, as `ssh-keygen -Y sign` writes it, over a text of that file. */
export const signatureOver = (file: SignedFile, text: string, key: SigningKey): string => armorSignature(signText(key, text, SIGNED_FILES[file]));
/** Signs a file as it stands; answers the signature's file. */
export function signFile(root: string, file: SignedFile, key: SigningKey): string {
  writeAtomic(join(root, signatureFile(file)), signatureOver(file, readFileSync(join(root, file), "utf8"), key));
  return signatureFile(file);
}
export const readSignature = (root: string, file: SignedFile): string | null => {
  const path = join(root, signatureFile(file));
  return existsSync(path) ? readFileSync(path, "utf8") : null;
};

/** Which Super Admin of `people`, active on that day and with all these tiers, made the signature; null where none did. */
export function superAdminWhoSigned(file: SignedFile, text: string, armored: string, people: People, on: string, tiers: readonly Tier[] = []): Member | null {
  const base64 = /-----BEGIN SSH SIGNATURE-----([\s\S]+?)-----END SSH SIGNATURE-----/.exec(armored)?.[1]?.replace(/\s/g, "");
  if (base64 === undefined) return null;
  return superAdmins(people, on).find((m) => tiers.every((t) => m.entry.tiers.includes(t)) && verifyText(base64, text, m.entry.signing, SIGNED_FILES[file]) !== null) ?? null;
}
export const superAdmins = (people: People, on: string): Member[] => members(people).filter((m) => !m.machine && m.entry.role === "super-admin" && activeOn(m, on));
