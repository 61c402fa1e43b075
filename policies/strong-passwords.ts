import { definePolicy } from "./policy.ts";

export const strongPasswords = definePolicy({
  id: "strong-passwords",
  title: "Passwords are strong, and each is used once",
  severity: "high",
  level: "mandatory",
  remediation: "Let the provider generate it, or take four random words and a number: stackseal secret set",
  chapter: "Credential Management",
  // What a value is worth is judged where it is at hand: when it is sealed, and again when it is deployed.
  codes: ["VALUE_WEAK"],
  declared: (f, report) => {
    for (const d of f.environments) {
      const seen = new Map<string, string>();
      for (const c of d.credentials) {
        const at = { file: c.file, at: c.at, path: [...c.path.split("."), "claims", "fingerprint"] };
        if (c.spec.human === true && !c.claims.fingerprint.startsWith("h")) report(`${c.path} may be a person's choice and has the fast fingerprint of a generated value`, at);
        const first = seen.get(c.claims.fingerprint);
        if (first !== undefined) report(`${c.path} is the same value as ${first}`, at);
        seen.set(c.claims.fingerprint, c.path);
      }
    }
  },
  passes: [{ says: "accepts passwords of their own", project: () => undefined }],
  breaks: [
    { says: "rejects one password for two accounts", project: (p) => { p.replace("stacks/dev/secrets.sops.yaml", /(gohighlevel:[\s\S]*?fingerprint: )\S+/, "$1g1:AAAAAAAAAAAAAAAAAAAAAA"); p.replace("stacks/dev/secrets.sops.yaml", /(hubspot:[\s\S]*?fingerprint: )\S+/, "$1g1:AAAAAAAAAAAAAAAAAAAAAA"); } },
    { says: "rejects a person's password under the fast fingerprint", project: (p) => { p.replace("stacks/prod/secrets.sops.yaml", /(smtp:[\s\S]*?fingerprint: )h/, "$1g"); } },
  ],
});
