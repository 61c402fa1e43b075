import { readText } from "../lib/document.ts";
import type { Finding } from "../lib/finding.ts";
import type { Git } from "../lib/git.ts";
import type { Tier } from "../schemas/access.ts";
import { PEOPLE_FILE } from "../schemas/layout.ts";
import { members, type People } from "../schemas/people.ts";
import { ACCESS_FILE, readSignature, signatureFile, signedFiles, superAdminWhoSigned, superAdmins, type SignedFile } from "../seal/file-signature.ts";
import { textAt, type Base } from "./base.ts";
import { historyCodes } from "./codes.ts";

/** Whether people.yaml, the access matrix and the levels of the policies, where they differ from the base's, carry a Super Admin's signature that was valid there. */
export function judgeSignedFiles(git: Git, base: Base, people: People | null, on: string): Finding[] {
  const trusted = base.people;
  if (!trusted) return [];
  return signedFiles.flatMap((file): Finding[] => {
    const was = textAt(git, base.commit, file);
    const { text: is } = readText(git.root, file);
    if (was === is || (was === null && file === ACCESS_FILE)) return [];
    const tiers = file === PEOPLE_FILE && people ? touched(trusted, people) : [];
    return judge(git, base, file, is, trusted, on, tiers);
  });
}
function judge(git: Git, base: Base, file: SignedFile, text: string | null, trusted: People, on: string, tiers: readonly Tier[]): Finding[] {
  const at = { file, line: 1, column: 1 };
  const who = superAdmins(trusted, on).map((m) => m.name).join(", ");
  const refuse = (message: string): Finding[] => [historyCodes.finding("PEOPLE_UNSIGNED", { message, at, hint: `a Super Admin of the base signs it: stackseal people sign (${who || "the base has none"})` })];
  if (text === null) return refuse(`${file} is gone, and the base has it`);
  const signature = readSignature(git.root, file);
  if (signature === null) return refuse(`${file} isn't the base's, and ${signatureFile(file)} is missing`);
  if (!superAdminWhoSigned(file, text, signature, trusted, on)) return refuse(`${file} isn't the base's, and the signature beside it is no Super Admin's of the base over this text`);
  if (!superAdminWhoSigned(file, text, signature, trusted, on, tiers)) return refuse(`${file} changes ${tiers.join(", ")}, and who signed it is no Super Admin of all these tiers at the base`);
  return replayed(git, base, file, signature) ? [historyCodes.finding("PEOPLE_SIGNATURE_REPLAYED", { message: `${file} is back in a state of before the base, with that state's signature`, at, hint: "if a Super Admin wants that: change a comment in it, then stackseal people sign" })] : [];
}
/** Whether that very signature stood in history before the base's own: an old state, put back by somebody who can't sign. */
function replayed(git: Git, base: Base, file: SignedFile, signature: string): boolean {
  const id = git.try(["hash-object", "--stdin"], Buffer.from(signature))?.toString().trim();
  const log = git.text(["log", "--format=", "--raw", "--no-abbrev", "--no-renames", "-m", base.commit, "--", signatureFile(file)]) ?? "";
  return id !== undefined && log.split("\n").some((l) => l.split(/[ \t]/)[3] === id);
}
/** The tiers of every entry that is new, gone or changed: before and after. */
function touched(was: People, is: People): Tier[] {
  const text = (p: People): Map<string, { json: string; tiers: readonly Tier[] }> => new Map(members(p).map((m) => [m.name, { json: JSON.stringify([m.machine, m.entry]), tiers: m.entry.tiers }]));
  const [a, b] = [text(was), text(is)];
  const changed = [...new Set([...a.keys(), ...b.keys()])].filter((n) => a.get(n)?.json !== b.get(n)?.json);
  return [...new Set(changed.flatMap((n) => [...(a.get(n)?.tiers ?? []), ...(b.get(n)?.tiers ?? [])]))].filter((t) => t !== "local");
}
