import { isoDate, parseDate } from "../lib/clock.ts";
import { dueAt } from "../stacks/read.ts";
import { definePolicy, SEALED_VERSION, tagsOf, tierOf } from "./policy.ts";

export const credentialOverdue = definePolicy({
  id: "credential-overdue",
  title: "An overdue credential blocks production",
  severity: "high",
  level: "mandatory",
  remediation: "stackseal secret set KEY --env ENV --reason scheduled",
  chapter: "Rotation Schedule",
  resource: (r, report, known) => {
    const due = r.type === SEALED_VERSION ? tagsOf(r)["due-at"] : undefined;
    const at = typeof due === "string" ? parseDate(due) : null;
    if (at && at.getTime() < known.now.getTime() && tierOf(r) === "production") report(`a credential of this secret was due on ${isoDate(at)}`);
  },
  declared: (f, report) => {
    for (const d of f.environments.filter((e) => e.tier === "production")) for (const c of d.credentials)
      if (dueAt(c.claims).getTime() < f.now.getTime()) report(`${c.path} was due on ${isoDate(dueAt(c.claims))}`, { file: c.file, path: [...c.path.split("."), "claims", "issuedAt"], hint: `stackseal secret set ${c.path} --env ${d.name} --reason scheduled` });
  },
  passes: [
    { says: "accepts a due date to come", resource: { type: SEALED_VERSION, stack: "prod", props: { tags: { "due-at": "2999-01-01" } } } },
    { says: "accepts an overdue credential in development, which check warns of", resource: { type: SEALED_VERSION, stack: "dev", props: { tags: { "due-at": "2020-01-01" } } } },
    { says: "accepts credentials that are young enough", project: () => undefined },
  ],
  breaks: [
    { says: "rejects an overdue credential in production", resource: { type: SEALED_VERSION, stack: "prod", props: { tags: { "due-at": "2020-01-01" } } } },
    { says: "rejects overdue credentials in production's files", project: () => undefined, on: "2028-01-01" },
  ],
});
