import { isoDate } from "../../lib/clock.ts";
import { activeOn, members } from "../../schemas/people.ts";
import { readPeople } from "../../seal/deploy.ts";
import { defineCommand } from "../command.ts";
import { peopleState, placesOf } from "../people.ts";
import { painter, printable } from "../render/paint.ts";

export default defineCommand({
  name: "people list",
  summary: "Who is in people.yaml: role, tiers, keys, second factor, active or not",
  wants: "none",
  examples: ["stackseal people list", "stackseal people list --json"],
  run: (context) => {
    const people = readPeople(context.root, "");
    const on = isoDate(context.clock.now());
    const rows = members(people).map((m) => ({
      name: m.name, machine: m.machine, role: m.entry.role, tiers: m.entry.tiers, recipients: m.entry.recipients, signing: m.entry.signing, handle: m.entry.handle ?? null,
      from: m.entry.from ?? null, until: m.entry.until ?? null, active: activeOn(m, on), secondFactor: "secondFactor" in m.entry ? (m.entry.secondFactor?.attestedAt ?? null) : null,
    }));
    const p = painter(context.color);
    const table = [["Name", "Role", "Tiers", "Keys", "Second factor", "Active"], ...rows.map((r) => [
      r.name, r.role, r.tiers.join(", "), `${r.recipients.length} age, ${r.signing.length} ssh`, r.machine ? "–" : (r.secondFactor ?? "none"), r.active ? `yes${r.until !== null ? `, until ${r.until}` : ""}` : r.from !== null && r.from > on ? `from ${r.from}` : "no",
    ])];
    const widths = (table[0] as string[]).map((_, i) => Math.max(...table.map((r) => printable(r[i] as string).length)));
    const text = table.map((r, n) => { const line = r.map((c, i) => printable(c).padEnd(widths[i] as number)).join("  ").trimEnd(); return n === 0 ? p.bold(line) : line; }).join("\n");
    return Promise.resolve({ exit: 0, findings: peopleState(context.root, people, placesOf(context), on).map((f) => ({ ...f, severity: "warning" as const })), json: { people: rows }, text });
  },
});
