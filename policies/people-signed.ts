import { isoDate } from "../lib/clock.ts";
import { parseDocument } from "../lib/document.ts";
import { PEOPLE_FILE } from "../schemas/layout.ts";
import { parsePeople } from "../schemas/parse.ts";
import { activeOn, members, type People } from "../schemas/people.ts";
import { verifyText } from "../seal/signature.ts";
import { definePolicy } from "./policy.ts";

// A file beside it carries the SSH signature over its bytes, in a namespace of its own: ssh-keygen -Y verify -n stackseal-people.
const SIGNED: readonly { readonly file: string; readonly namespace: string; readonly what: string; readonly command: string }[] = [
  { file: PEOPLE_FILE, namespace: "stackseal-people", what: "people.yaml", command: "stackseal people sign" },
  { file: "schemas/access.ts", namespace: "stackseal-access", what: "the access matrix", command: "ssh-keygen -Y sign -n stackseal-access -f KEY schemas/access.ts" },
];
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
    const admins = members(before).filter((m) => !m.machine && m.entry.role === "super-admin" && activeOn(m, isoDate(f.now)));
    for (const { file, namespace, what, command } of SIGNED) {
      const base = f.git.base(file);
      const now = f.text(file);
      if (base === null || now === null || base === now) continue;
      const armor = f.text(`${file}.sig`);
      const signature = armor === null ? undefined : /-----BEGIN SSH SIGNATURE-----([\s\S]+?)-----END SSH SIGNATURE-----/.exec(armor)?.[1]?.replace(/\s/g, "");
      if (signature === undefined) report(`${what} was changed and no Super Admin signed it`, { file, hint: command });
      else if (!admins.some((m) => verifyText(signature, now, m.entry.signing, namespace) !== null)) report(`${what} was changed, and the signature beside it is not over this text by a Super Admin of the protected branch`, { file, hint: command });
    }
  },
  passes: [{ says: "accepts people as they stand at the base", project: (p) => { p.commit("super-admin-1"); } }],
  breaks: [
    { says: "rejects a changed role that nobody signed", project: (p) => { p.commit("super-admin-1"); p.replace("stacks/people.yaml", /(engineer-1:\n\s+role: )engineer/, "$1admin"); } },
    { says: "rejects a signature that isn't over this text", project: (p) => { p.commit("super-admin-1"); p.replace("stacks/people.yaml", /(engineer-1:\n\s+role: )engineer/, "$1admin"); p.write("stacks/people.yaml.sig", "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n"); } },
  ],
});
