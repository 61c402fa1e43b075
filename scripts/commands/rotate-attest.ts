import { FindingError } from "../../lib/finding.ts";
import { writeAtomic } from "../../lib/atomic.ts";
import { readPeople } from "../../seal/deploy.ts";
import { readProject } from "../../stacks/read.ts";
import { defineCommand } from "../command.ts";
import { renderRotations } from "../render/rotations.ts";
import { signerOf } from "../signer.ts";
import { knownEnvironments } from "./check.ts";

export default defineCommand({
  name: "rotate attest",
  summary: "Vouch, as a Super Admin who took no part in it, that an old credential is dead where no probe can tell",
  wants: "one",
  args: [{ name: "<rotation>", description: "its id, such as r20261124-0123456789" }],
  options: [{ flags: "--evidence <text>", description: "what shows it: a ticket, a screenshot's place; never a value" }],
  examples: ["stackseal rotate attest r20261124-0123456789 --env prod --evidence \"OPS-412: old Zap deleted, seen in Zapier's history\""],
  run: async (context, [id = ""], options) => {
    const [env = ""] = knownEnvironments(context);
    const evidence = options["evidence"];
    if (typeof evidence !== "string" || evidence.trim() === "" || evidence.length > 500) throw new FindingError({ code: "USAGE", severity: "error", message: "--evidence is missing, or longer than 500 characters" }, 2);
    const project = readProject(context.root, { clock: context.clock });
    const declared = project.environments.find((e) => e.name === env);
    if (!declared) throw new FindingError(project.findings, 2);
    const people = readPeople(context.root, env);
    const [{ attest }, { signersOf }] = await Promise.all([import("../../rotation/attest.ts"), import("../rotation-signers.ts")]);
    const { once } = signersOf(context, env, declared.tier, people);
    const { reported } = await import("../../rotation/report.ts");
    const record = await attest({ root: context.root, declared, people, ...(once && { once }), signer: signerOf(context, env, people), clock: context.clock, write: writeAtomic }, id, evidence.trim());
    return { exit: 0, ...renderRotations(context, env, [{ ...reported(record), waiting: null }]) };
  },
});
