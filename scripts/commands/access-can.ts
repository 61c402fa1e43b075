import { isoDate } from "../../lib/clock.ts";
import { FindingError } from "../../lib/finding.ts";
import { readPeople } from "../../seal/deploy.ts";
import { activeOn } from "../../schemas/people.ts";
import { defineCommand } from "../command.ts";
import { memberOf } from "../people.ts";
import { mayOf, opensOf } from "../review.ts";

export default defineCommand({
  name: "access can",
  summary: "What a person or a machine may do, and which sealed files they are recipients of now",
  wants: "none",
  options: [{ flags: "--person <name>", description: "a name in people.yaml" }],
  examples: ["stackseal access can --person engineer-1", "stackseal access can --person deployer-prod --json"],
  run: (context, args, options) => {
    const name = (options["person"] as string | undefined) ?? args[0];
    if (name === undefined) throw new FindingError({ code: "USAGE", severity: "error", message: "who? --person NAME", hint: "stackseal people list" }, 2);
    const m = memberOf(readPeople(context.root, ""), name);
    const active = activeOn(m, isoDate(context.clock.now()));
    const may = active ? mayOf(m) : [];
    const opens = opensOf(context.root, m);
    return Promise.resolve({
      exit: 0, json: { person: name, role: m.entry.role, tiers: m.entry.tiers, active, may, opens },
      text: `${name}: ${m.entry.role} in ${m.entry.tiers.join(", ")}${active ? "" : " (not active)"}\n${may.map((l) => `  ${l}`).join("\n")}\nrecipient of:\n${opens.map((f) => `  ${f}`).join("\n") || "  nothing"}`,
    });
  },
});
