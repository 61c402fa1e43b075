import { allows, CLASSES, type Role, type Tier } from "../schemas/access.ts";
import { accountsDigest, ATTESTATIONS_FILE, personDigest, type Attestation } from "../schemas/attestations.ts";
import { environmentFile, LOCAL, PEOPLE_FILE } from "../schemas/layout.ts";
import { activeOn } from "../schemas/people.ts";
import { isoDate } from "../lib/clock.ts";
import { fault, guardsProduction, newest } from "./kit/attested.ts";
import { definePolicy } from "./policy.ts";

/** Who may change anything: seal, write, delete or permit, in any class and tier. */
const mayChange = (role: Role, tiers: readonly Tier[]): boolean => tiers.some((t) => CLASSES.some((c) => (["seal", "write", "delete", "permit"] as const).some((v) => allows(role, c, t, v))));

export const secondFactor = definePolicy({
  id: "second-factor",
  title: "A second factor is attested for everybody who may change, and for each provider account",
  severity: "high",
  level: "mandatory",
  remediation: "Somebody else looks and signs: stackseal attest second-factor person/NAME --evidence \"what was seen\"",
  chapter: "Credential Management",
  declared: (f, report) => {
    const empty = !guardsProduction(f);
    for (const a of f.attestations) {
      const wrong = fault(a.value, f.people, f.now);
      if (wrong !== null) report(`the attestation of ${a.value.subject} doesn't count: ${wrong}`, { file: ATTESTATIONS_FILE, at: a.at, path: ["attestations", a.index] });
    }
    for (const [name, p] of Object.entries(f.people?.people ?? {})) {
      if (!activeOn({ name, machine: false, entry: p }, isoDate(f.now)) || !mayChange(p.role, p.tiers)) continue;
      const subject = `person/${name}`;
      const digest = personDigest(name, p);
      if (newest(f, "second-factor", subject, digest)) continue;
      const inline = p.secondFactor;
      const place = { file: PEOPLE_FILE, path: ["people", name, ...(inline ? ["secondFactor"] : [])], hint: `stackseal attest second-factor ${subject} --evidence "what was seen"` };
      if (!inline) {
        // Whoever can't reach production is asked for it, and not stopped.
        report(newest(f, "second-factor", subject) ? `${name}'s role or keys have changed since the second factor was attested` : `nobody attested a second factor of ${name} (${p.role})`, { ...place, advice: empty || !p.tiers.includes("production") });
        continue;
      }
      const a: Attestation = { kind: "second-factor", subject, digest, attestedAt: inline.attestedAt, by: inline.by ?? name, evidence: inline.evidence ?? "", ...(inline.signature !== undefined && { signature: inline.signature }) };
      const wrong = fault(a, f.people, f.now);
      if (wrong !== null) report(`the second factor of ${name} isn't attested: ${wrong}`, place);
    }
    for (const d of f.environments.filter((e) => e.name !== LOCAL)) {
      const digest = accountsDigest(d.environment, d.payments);
      const subject = `accounts/${d.name}`;
      const hint = `stackseal attest second-factor ${subject} --evidence "what was seen"`;
      if (!newest(f, "second-factor", subject, digest)) report(newest(f, "second-factor", subject) ? `the provider accounts of ${d.name} have changed since their second factor was attested` : `nobody attested a second factor of ${d.name}'s provider accounts`, { file: environmentFile(d.name), path: ["integrations"], hint, advice: empty || d.tier !== "production" });
    }
  },
  passes: [{ says: "accepts what another person signed", project: () => undefined }],
  breaks: [
    { says: "rejects an unsigned attestation", project: (p) => { p.forget("second-factor", "person/engineer-1"); p.attest("second-factor", "person/engineer-1", "super-admin-1", { signer: null }); } },
    { says: "rejects a self-signed attestation", project: (p) => { p.forget("second-factor", "person/engineer-1"); p.attest("second-factor", "person/engineer-1", "engineer-1"); } },
    { says: "rejects an attestation that somebody else signed in another's name", project: (p) => { p.forget("second-factor", "person/engineer-1"); p.attest("second-factor", "person/engineer-1", "super-admin-1", { signer: "engineer-1" }); } },
    { says: "rejects a person without an attestation", project: (p) => { p.forget("second-factor", "person/admin-1"); } },
    { says: "rejects a person whose keys have changed since", project: (p) => { p.replace("stacks/people.yaml", /(engineer-1:\n\s+role: )engineer/, "$1admin"); } },
    { says: "rejects provider accounts without an attestation", project: (p) => { p.forget("second-factor", "accounts/prod"); } },
    { says: "rejects accounts that were changed since", project: (p) => { p.replace("stacks/prod/environment.yaml", "portalId: 123453", "portalId: 999999"); } },
    { says: "rejects an attestation of the future", project: (p) => { p.forget("second-factor", "accounts/dev"); p.attest("second-factor", "accounts/dev", "super-admin-1", { at: "2030-01-01" }); } },
    { says: "rejects a signature copied to another subject", project: (p) => { p.replace("stacks/attestations.yaml", "subject: accounts/dev", "subject: accounts/staging"); } },
  ],
});
