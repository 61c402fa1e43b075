import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "../lib/document.ts";
import { fixedClock } from "../lib/clock.ts";
import { accountsDigest, ATTESTATION_NAMESPACE, attestationText, personDigest, REVIEWS, shapeDigest, type Attestation } from "../schemas/attestations.ts";
import { LOCAL, PEOPLE_FILE } from "../schemas/layout.ts";
import { parsePeople } from "../schemas/parse.ts";
import type { SigningKey } from "../seal/signature.ts";
import { readProject } from "../stacks/read.ts";

/** What the example's people vouch for: second factors, this quarter's reviews, and that staging has tried what production declares. */
export function exampleAttestations(root: string, keys: Readonly<Record<string, SigningKey>>, now: Date): string {
  const people = parsePeople(parseDocument(readFileSync(join(root, PEOPLE_FILE), "utf8"), PEOPLE_FILE).document as never).value;
  if (!people) throw new Error("people.yaml can't be read");
  const day = now.toISOString().slice(0, 10);
  const environments = readProject(root, { clock: fixedClock(now) }).environments.filter((e) => e.name !== LOCAL);
  const production = environments.find((e) => e.tier === "production");
  const all: Omit<Attestation, "signature">[] = [
    ...Object.entries(people.people).map(([name, p]) => ({ kind: "second-factor" as const, subject: `person/${name}`, digest: personDigest(name, p), attestedAt: day, by: name === "super-admin-2" ? "admin-1" : "super-admin-2", evidence: "Hardware key shown on a call" })),
    ...environments.map((e) => ({ kind: "second-factor" as const, subject: `accounts/${e.name}`, digest: accountsDigest(e.environment, e.payments), attestedAt: day, by: "super-admin-2", evidence: "Security page of each provider's dashboard" })),
    ...REVIEWS.map((subject) => ({ kind: "review" as const, subject, digest: personDigest("review", { role: "auditor", signing: [], recipients: [] }), attestedAt: day, by: "super-admin-2", evidence: "Walked through line by line" })),
    ...(production ? [{ kind: "valid-in-staging" as const, subject: production.name, digest: shapeDigest(production.environment, production.payments), attestedAt: day, by: "super-admin-2", evidence: "Deployed to staging, doctor found all valid" }] : []),
  ];
  return attestationsText(all.map((a) => ({ ...a, signature: keys[a.by]?.sign(attestationText(a), ATTESTATION_NAMESPACE) })));
}
/** The file's text. */
export const attestationsText = (all: readonly (Omit<Attestation, "signature"> & { readonly signature?: string | undefined })[]): string =>
  `# yaml-language-server: $schema=../schemas/json/attestations.schema.json\n# What no machine can see and a person vouches for, signed: stackseal attest\nattestations:\n${all.map((a) => `    - kind: ${a.kind}\n      subject: ${a.subject}\n      digest: ${a.digest}\n      attestedAt: "${a.attestedAt}"\n      by: ${a.by}\n      evidence: ${JSON.stringify(a.evidence)}\n${a.signature === undefined ? "" : `      signature: ${a.signature}\n`}`).join("")}`;
