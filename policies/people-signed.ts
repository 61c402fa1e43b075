import { isoDate } from "../lib/clock.ts";
import { parseDocument } from "../lib/document.ts";
import { PEOPLE_FILE, POLICY_CONFIG_FILE } from "../schemas/layout.ts";
import { parsePeople } from "../schemas/parse.ts";
import type { People } from "../schemas/people.ts";
import { ACCESS_FILE, signatureFile, signedFiles, superAdminWhoSigned, type SignedFile } from "../seal/file-signature.ts";
import { definePolicy } from "./policy.ts";

const WHAT: Readonly<Record<SignedFile, string>> = { [PEOPLE_FILE]: "people.yaml", [ACCESS_FILE]: "the access matrix", [POLICY_CONFIG_FILE]: "the levels of the policies" };
const hint = "stackseal people sign";
const people = (text: string | null): People | null => {
  const doc = text === null ? null : parseDocument(text, PEOPLE_FILE).document;
  return doc && parsePeople(doc).value;
};

export const peopleSigned = definePolicy({
  id: "people-signed",
  title: "People and the access matrix change only with a Super Admin's signature",
  severity: "critical",
  level: "mandatory",
  remediation: "A Super Admin of the protected branch looks and signs: stackseal people sign",
  chapter: "Super Admin Only",
  codes: ["PEOPLE_UNSIGNED", "PEOPLE_SIGNATURE_REPLAYED"],
  declared: (f, report) => {
    const before = people(f.git.base(PEOPLE_FILE));
    // Nothing to hold a change against: the first commit, or no checkout.
    if (!before || f.findings.some((x) => x.code === "PEOPLE_UNSIGNED")) return;
    for (const file of signedFiles) {
      const base = f.git.base(file);
      const now = f.text(file);
      if (base === now || (base === null && file === ACCESS_FILE)) continue;
      const armor = f.text(signatureFile(file));
      if (now === null) report(`${WHAT[file]} is gone, and the base has it`, { file, hint });
      else if (armor === null) report(`${WHAT[file]} was changed and no Super Admin signed it`, { file, hint });
      else if (!superAdminWhoSigned(file, now, armor, before, isoDate(f.now))) report(`${WHAT[file]} was changed, and the signature beside it is not over this text by a Super Admin of the protected branch`, { file, hint });
    }
  },
  passes: [{ says: "accepts people as they stand at the base", project: (p) => { p.commit("super-admin-1"); } }],
  breaks: [
    { says: "rejects lowered levels that nobody signed", project: (p) => { p.commit("super-admin-1"); p.write("policies/config.json", "{ \"no-shared-credentials\": \"disabled\" }\n"); } },
    { says: "rejects a changed role that nobody signed", project: (p) => { p.commit("super-admin-1"); p.replace("stacks/people.yaml", /(engineer-1:\n\s+role: )engineer/, "$1admin"); } },
    { says: "rejects a signature that isn't over this text", project: (p) => { p.commit("super-admin-1"); p.replace("stacks/people.yaml", /(engineer-1:\n\s+role: )engineer/, "$1admin"); p.write("stacks/people.yaml.sig", "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n"); } },
  ],
});
