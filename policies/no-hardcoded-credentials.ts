import { expand } from "../schemas/template.ts";
import { definePolicy } from "./policy.ts";

export const noHardcodedCredentials = definePolicy({
  id: "no-hardcoded-credentials",
  title: "No credential stands in a plain file",
  severity: "critical",
  level: "mandatory",
  remediation: "It is exposed now: issue it anew, then stackseal secret set. stackseal scan --history finds where else it stands.",
  chapter: "Never Commit Credentials",
  codes: ["SECRET_IN_PLAIN_FILE", "SEAL_PLAINTEXT", "SEAL_STRUCTURE"],
  passes: [{ says: "accepts plain settings and sealed values", project: () => undefined }],
  breaks: [
    { says: "rejects a key in environment.yaml", project: (p) => { p.replace("stacks/dev/environment.yaml", "name: Acme Dev", `name: "${expand("sk_test_{alnum:24}")}"`); } },
    { says: "rejects a bare value in a sealed file", project: (p) => { p.replace("stacks/dev/secrets.sops.yaml", /value: ENC\[[^\]]*\]/, `value: ${expand("pat-na1-{uuid}")}`); } },
  ],
});
