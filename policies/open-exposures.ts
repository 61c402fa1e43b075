import { definePolicy } from "./policy.ts";

const list = (due: string, line: string): string => `id: 2026-11-01-engineer-9
reason: departure
subject: engineer-9
recipients: []
on: "2026-11-01"
by: super-admin-1
lines:
    - { environment: dev, path: hubspot.accessToken, class: standard, ${line}, via: [git], due: "${due}", rotate: stackseal rotate start hubspot.accessToken --env dev --reason departure }
past: []
also: { backups: [], dashboards: [], refs: [] }
`;
const FILE = "stacks/exposures/2026-11-01-engineer-9.yaml";
const ISSUE = "01JD0000000000000000000000";
const PRINT = "g1:AAAAAAAAAAAAAAAAAAAAAA";

export const openExposures = definePolicy({
  id: "open-exposures",
  title: "What a leaver or a thief could know is issued anew in time",
  severity: "high",
  level: "mandatory",
  remediation: "stackseal rotate departure shows what is open and in which order to issue it anew.",
  chapter: "After Employee Departure",
  codes: ["EXPOSURE_OPEN", "EXPOSURE_OVERDUE", "EXPOSURE_CHANGED"],
  passes: [
    { says: "accepts a project without exposures", project: () => undefined },
    { says: "accepts a line whose value was issued anew", project: (p) => { p.write(FILE, list("2026-11-08", `issueId: ${ISSUE}, fingerprint: "${PRINT}"`)); } },
  ],
  breaks: [
    { says: "rejects an exposed value that is still in force after its due date", project: (p) => {
      p.replace("stacks/dev/secrets.sops.yaml", /(hubspot:[\s\S]*?issueId: )\S+/, `$1${ISSUE}`);
      p.write(FILE, list("2026-11-08", `issueId: ${ISSUE}, fingerprint: "${PRINT}"`));
    } },
    { says: "rejects the same value under a new issue id", project: (p) => {
      p.replace("stacks/dev/secrets.sops.yaml", /(hubspot:[\s\S]*?fingerprint: )\S+/, `$1${PRINT}`);
      p.write(FILE, list("2026-11-08", `issueId: ${ISSUE}, fingerprint: "${PRINT}"`));
    } },
    { says: "says of an open line before its due date that it is open", project: (p) => {
      p.replace("stacks/dev/secrets.sops.yaml", /(hubspot:[\s\S]*?issueId: )\S+/, `$1${ISSUE}`);
      p.write(FILE, list("2026-12-24", `issueId: ${ISSUE}, fingerprint: "${PRINT}"`));
    } },
  ],
});
