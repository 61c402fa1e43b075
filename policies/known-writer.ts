import { definePolicy } from "./policy.ts";

export const knownWriter = definePolicy({
  id: "known-writer",
  title: "Every value's writer is known, and was allowed to write it",
  severity: "critical",
  level: "mandatory",
  remediation: "Who may seal it signs it: stackseal secret sign KEY --env ENV",
  chapter: "Role-Based Access",
  codes: ["SEAL_UNSIGNED", "SEAL_SIGNATURE_INVALID", "SEAL_WRITER_UNKNOWN", "SEAL_WRITER_NOT_ALLOWED", "SEAL_CLAIMS_MISSING", "SEAL_CLAIM_FALSE", "BASE_WRITER", "ISSUE_CLAIMS_CHANGED"],
  passes: [{ says: "accepts what a known person signed", project: () => undefined }],
  breaks: [
    { says: "rejects a value that nobody signed", project: (p) => { p.replace("stacks/dev/secrets.sops.yaml", /\n\s+signature: .*/, ""); } },
    { says: "rejects a writer whom nobody knows", project: (p) => { p.replace("stacks/dev/secrets.sops.yaml", "sealedBy: super-admin-1", "sealedBy: nobody-1"); } },
    { says: "rejects another writer's name over the same signature", project: (p) => { p.replace("stacks/dev/secrets.sops.yaml", "sealedBy: super-admin-1", "sealedBy: super-admin-2"); } },
    { says: "rejects a value swapped after it was signed", project: (p) => { p.replace("stacks/prod/secrets.sops.yaml", /ENC\[AES256_GCM,data:..../, "ENC[AES256_GCM,data:AAAA"); } },
    { says: "rejects a writer whose role may not write it", project: (p) => { p.replace("stacks/people.yaml", /(super-admin-1:\n\s+role: )super-admin/, "$1auditor"); } },
  ],
});
