import { ATTESTATION_DAYS, ATTESTATIONS_FILE } from "../schemas/attestations.ts";
import { LOCAL, PEOPLE_FILE } from "../schemas/layout.ts";
import { ageOf, newest } from "./kit/attested.ts";
import { definePolicy } from "./policy.ts";

export const attestationAge = definePolicy({
  id: "attestation-age",
  title: `A second factor was attested in the last ${ATTESTATION_DAYS} days`,
  severity: "medium",
  level: "mandatory",
  remediation: "Somebody else looks again and signs: stackseal attest second-factor SUBJECT --evidence \"what was seen\"",
  chapter: "Credential Management",
  config: { days: { type: "integer", minimum: 1, maximum: ATTESTATION_DAYS } },
  declared: (f, report, settings) => {
    const most = Number(settings["days"] ?? ATTESTATION_DAYS);
    const people = Object.entries(f.people?.people ?? {});
    const subjects = [...people.map(([n]) => `person/${n}`), ...f.environments.filter((e) => e.name !== LOCAL).map((e) => `accounts/${e.name}`)];
    for (const subject of subjects) {
      const a = newest(f, "second-factor", subject);
      const inline = f.people?.people[subject.slice("person/".length)]?.secondFactor;
      const age = Math.min(...[a && ageOf(a.value, f.now), inline && ageOf(inline, f.now)].filter((x): x is number => typeof x === "number"));
      if (Number.isFinite(age) && age > most) report(`the second factor of ${subject} was attested ${age} days ago; at most ${most}`, a ? { file: ATTESTATIONS_FILE, at: a.at } : { file: PEOPLE_FILE, path: ["people", subject.slice("person/".length), "secondFactor"] });
    }
  },
  passes: [{ says: "accepts what was attested lately", project: () => undefined }],
  breaks: [
    { says: "rejects an attestation of four months ago", project: (p) => { p.forget("second-factor", "accounts/prod"); p.attest("second-factor", "accounts/prod", "super-admin-1", { at: "2026-07-20" }); } },
    { says: "rejects all of them half a year later", project: () => undefined, on: "2027-05-24" },
  ],
});
