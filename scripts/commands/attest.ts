import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument as parseYaml } from "yaml";
import { writeAtomic } from "../../lib/atomic.ts";
import { isoDate } from "../../lib/clock.ts";
import { FindingError, hasErrors } from "../../lib/finding.ts";
import { accountsDigest, ATTESTATION_KINDS, ATTESTATION_NAMESPACE, ATTESTATIONS_FILE, attestationSchema, attestationText, personDigest, REVIEWS, shapeDigest, type Attestation } from "../../schemas/attestations.ts";
import { LOCAL } from "../../schemas/layout.ts";
import { readProject, type Project } from "../../stacks/read.ts";
import { defineCommand, type Context } from "../command.ts";
import { signerOf } from "../signer.ts";

const usage = (message: string, hint?: string): FindingError => new FindingError({ code: "USAGE", severity: "error", message, ...(hint !== undefined && { hint }) }, 2);
const HEAD = "# yaml-language-server: $schema=../schemas/json/attestations.schema.json\n# What no machine can see and a person vouches for, signed: stackseal attest\n";

export default defineCommand({
  name: "attest",
  summary: "Vouch, with your signature, for what no machine can see: a second factor, a review, a test in staging",
  wants: "none",
  args: [{ name: "<kind>", description: ATTESTATION_KINDS.join(", ") }, { name: "<subject>", description: `person/NAME or accounts/ENV; ${REVIEWS.join(", ")}; a production environment` }],
  options: [{ flags: "--evidence <text>", description: "what you saw" }],
  examples: ["stackseal attest second-factor person/engineer-1 --evidence \"hardware key shown on a call\"", "stackseal attest second-factor accounts/prod --evidence \"security page of each dashboard\"", "stackseal attest review access --evidence \"walked through the matrix\"", "stackseal attest valid-in-staging prod --evidence \"doctor run\""],
  run: (context, args, options) => {
    const [kind = "", subject = ""] = args;
    const evidence = options["evidence"];
    if (typeof evidence !== "string" || evidence.trim().length < 3) throw usage("attest wants --evidence: what you saw");
    const project = readProject(context.root, { clock: context.clock });
    if (!project.people) throw new FindingError(hasErrors(project.findings) ? project.findings : { code: "FILE_MISSING", severity: "error", message: "stacks/people.yaml is missing" });
    const digest = digestOf(project, kind, subject);
    const signer = signerOf(context, "", project.people);
    if (subject === `person/${signer.name}`) throw usage(`${signer.name} can't vouch for ${signer.name}`, "somebody else looks and signs");
    const a: Omit<Attestation, "signature"> = { kind: kind as Attestation["kind"], subject, digest, attestedAt: isoDate(context.clock.now()), by: signer.name, evidence: evidence.trim() };
    const parsed = attestationSchema.safeParse(a);
    if (!parsed.success) throw usage(parsed.error.issues.map((i) => `${i.path.join(".")}: ${i.message}`).join("; "));
    write(context, { ...a, signature: signer.key.sign(attestationText(a), ATTESTATION_NAMESPACE) });
    return Promise.resolve({ exit: 0, text: `${signer.name} vouches for ${subject} (${kind}) on ${a.attestedAt}: ${ATTESTATIONS_FILE}\n`, json: { attestation: { kind, subject, digest, attestedAt: a.attestedAt, by: signer.name } } });
  },
});

/** What is vouched for, as it stands now. Throws FindingError (exit 2) for a subject that isn't there. */
function digestOf(project: Project, kind: string, subject: string): string {
  const [what = "", name = ""] = subject.split("/");
  const environments = project.environments.filter((e) => e.name !== LOCAL);
  if (kind === "second-factor" && what === "person") {
    const p = project.people?.people[name];
    if (!p) throw usage(`nobody called "${name}" in people.yaml`, "stackseal people list");
    return personDigest(name, p);
  }
  const d = environments.find((e) => e.name === (what === "accounts" ? name : what));
  if (kind === "second-factor" && what === "accounts" && d) return accountsDigest(d.environment, d.payments);
  if (kind === "valid-in-staging" && d?.tier === "production") return shapeDigest(d.environment, d.payments);
  // A review is of all that stands in people.yaml and the declarations on that day.
  if (kind === "review" && (REVIEWS as readonly string[]).includes(subject)) return personDigest("review", { role: "auditor", signing: Object.entries(project.people?.people ?? {}).map(([n, p]) => personDigest(n, p)), recipients: environments.map((e) => accountsDigest(e.environment, e.payments)) });
  throw usage(`${kind} ${subject}: nothing of that kind can be attested`, "second-factor person/NAME or accounts/ENV; review access, dashboards or provider-usage; valid-in-staging ENV");
}

/** Replaces what the same person said of the same subject before; comments and order stay. */
function write(context: Context, a: Attestation): void {
  const file = join(context.root, ATTESTATIONS_FILE);
  const doc = parseYaml(existsSync(file) ? readFileSync(file, "utf8") : `${HEAD}attestations: []\n`);
  const all = ((doc.toJS() as { attestations?: Attestation[] } | null)?.attestations ?? []).findIndex((x) => x.kind === a.kind && x.subject === a.subject && x.by === a.by);
  const node = doc.createNode(a);
  if (all === -1) doc.addIn(["attestations"], node);
  else doc.setIn(["attestations", all], node);
  const list = doc.get("attestations") as { flow?: boolean };
  list.flow = false;
  writeAtomic(file, doc.toString({ indent: 4, lineWidth: 0 }));
}
