import { ATTESTATIONS_FILE, REVIEWS } from "../schemas/attestations.ts";
import { PEOPLE_FILE } from "../schemas/layout.ts";
import { ageOf, guardsProduction, newest } from "./kit/attested.ts";
import { definePolicy } from "./policy.ts";

const DAYS = 90;
const WHAT: Readonly<Record<(typeof REVIEWS)[number], string>> = { access: "who has access", dashboards: "the providers' dashboards and their members", "provider-usage": "the providers' usage and access logs" };

export const reviewsCurrent = definePolicy({
  id: "reviews-current",
  title: "Access, dashboards and provider usage were reviewed this quarter",
  severity: "medium",
  level: "mandatory",
  remediation: "Look, and sign: stackseal attest review access|dashboards|provider-usage --evidence \"what was seen\"",
  chapter: "Regular Reviews",
  config: { days: { type: "integer", minimum: 1, maximum: 366 } },
  declared: (f, report, settings) => {
    const advice = !guardsProduction(f);
    const most = Number(settings["days"] ?? DAYS);
    for (const subject of REVIEWS) {
      const a = newest(f, "review", subject);
      const hint = `stackseal attest review ${subject} --evidence "what was seen"`;
      if (!a) report(`nobody reviewed ${WHAT[subject]} yet`, { file: PEOPLE_FILE, hint, advice });
      else if (ageOf(a.value, f.now) > most) report(`${WHAT[subject]} were last reviewed ${ageOf(a.value, f.now)} days ago; every ${most}`, { file: ATTESTATIONS_FILE, at: a.at, hint });
    }
  },
  passes: [{ says: "accepts reviews of this quarter", project: () => undefined }],
  breaks: [
    { says: "rejects an overdue review", project: (p) => { p.forget("review", "access"); p.attest("review", "access", "super-admin-1", { at: "2026-07-01" }); } },
    { says: "rejects a review that was never made", project: (p) => { p.forget("review", "dashboards"); } },
    { says: "rejects a review that nobody signed", project: (p) => { p.forget("review", "provider-usage"); p.attest("review", "provider-usage", "auditor-1", { signer: null }); } },
    { says: "rejects all of them half a year later", project: () => undefined, on: "2027-05-24" },
  ],
});
