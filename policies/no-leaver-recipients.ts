import { isoDate } from "../lib/clock.ts";
import { PEOPLE_FILE } from "../schemas/layout.ts";
import { activeOn, members } from "../schemas/people.ts";
import { definePolicy } from "./policy.ts";

export const noLeaverRecipients = definePolicy({
  id: "no-leaver-recipients",
  title: "No leaver and no stranger is among those who can open a sealed file",
  severity: "critical",
  level: "mandatory",
  remediation: "stackseal secret reseal --env ENV, then re-issue what the leaver could read: stackseal rotate departure",
  chapter: "After Employee Departure",
  codes: ["SEAL_RECIPIENTS_STALE", "SOPS_CONFIG_STALE", "RECIPIENT_LEFT"],
  declared: (f, report) => {
    if (!f.people) return;
    const on = isoDate(f.now);
    const all = members(f.people);
    const names = new Map(all.flatMap((m) => m.entry.recipients.map((r) => [r, m] as const)));
    for (const s of f.sealed) for (const recipient of s.recipients) {
      const m = names.get(recipient);
      const hint = `stackseal secret reseal --env ${s.environment}`;
      if (!m) report(`${s.environment}: a recipient of ${s.class} credentials is nobody in people.yaml (${recipient.slice(0, 12)}…)`, { file: s.file, path: ["sops", "age"], hint });
      else if (!activeOn(m, on)) report(`${m.name} left on ${m.entry.until ?? "?"} and can still open ${s.class} credentials of ${s.environment}`, { file: s.file, path: ["sops", "age"], hint });
    }
    for (const m of all) if (m.entry.until !== undefined && m.entry.until <= on && m.entry.recipients.length > 0 && f.sealed.some((s) => s.recipients.some((r) => m.entry.recipients.includes(r)))) report(`${m.name} has left and is still a recipient`, { file: PEOPLE_FILE, path: ["people", m.name], hint: `stackseal people remove ${m.name}` });
  },
  passes: [{ says: "accepts the recipients of people.yaml", project: () => undefined }],
  breaks: [
    { says: "rejects a leaver who is still a recipient", project: (p) => { p.replace("stacks/people.yaml", /(admin-1:\n\s+role: admin\n)/, "$1        until: \"2026-11-01\"\n"); } },
    { says: "rejects a recipient whom nobody knows", project: (p) => { p.replace("stacks/people.yaml", /(engineer-1:[\s\S]*?recipients: )\[[^\]]*\]/, "$1[]"); } },
  ],
});
