import { parseDate } from "../lib/clock.ts";
import { definePolicy } from "./policy.ts";

const type = "stackseal:index:SealedVersion";
export const credentialAge = definePolicy({
  id: "credential-age",
  title: "Every credential has a due date that hasn't passed",
  severity: "medium",
  // Advisory in the shipped pack: the example must not turn red by itself. A project raises it to mandatory in its policy configuration.
  level: "advisory",
  remediation: "stackseal secret set --reason scheduled",
  chapter: "Rotation Schedule",
  check: (r, report) => {
    if (r.type !== type) return;
    const due = (r.props["tags"] as Record<string, unknown> | undefined)?.["due-at"];
    const at = typeof due === "string" ? parseDate(due) : null;
    if (!at) report("no due date is set");
    else if (at.getTime() < Date.now()) report("a credential of this secret is past its due date");
  },
  passes: [{ says: "accepts a due date to come", resource: { type, props: { tags: { "due-at": "2999-01-01" } } } }],
  breaks: [
    { says: "rejects a secret without a due date", resource: { type, props: { tags: {} } } },
    { says: "rejects an overdue credential", resource: { type, props: { tags: { "due-at": "2020-01-01" } } } },
  ],
});
