import { FindingError, type Finding } from "../../lib/finding.ts";
import { readProject } from "../../stacks/read.ts";
import { exposureRank } from "../../schemas/exposure.ts";
import { isOpen } from "../../schemas/rotation-record.ts";
import type { LineState } from "../../rotation/departure.ts";
import { defineCommand } from "../command.ts";
import { painter, printable } from "../render/paint.ts";
import { begin, moveOn, once } from "../rotating.ts";
import { mustConfirm, rotatorOptions, withRotator } from "../rotator.ts";
import { knownEnvironments } from "./check.ts";

export default defineCommand({
  name: "rotate departure",
  summary: "Walk an exposure list: a line closes when another credential is in force and the exposed one is proven dead, or attested",
  wants: "any",
  options: [{ flags: "--exposure <file>", description: "a list of stackseal people remove, in stacks/exposures/" }, { flags: "--status", description: "only say how far it is: no key is needed" }, { flags: "--grace <duration>", description: "how long both live, such as 24h" }, ...rotatorOptions],
  examples: ["stackseal rotate departure --exposure stacks/exposures/2026-11-24-engineer-1.yaml --status", "stackseal rotate departure --exposure stacks/exposures/2026-11-24-engineer-1.yaml --env dev"],
  run: async (context, _args, options) => {
    const file = options["exposure"];
    if (typeof file !== "string") throw new FindingError({ code: "USAGE", severity: "error", message: "--exposure is missing", hint: "stackseal people remove writes one into stacks/exposures/" }, 2);
    if (context.envs.length) knownEnvironments(context);
    const [{ readExposure, lineState, openLine }, { readRecords }, { signersIn }, { signersOf }] = await Promise.all([import("../../rotation/departure.ts"), import("../../rotation/record.ts"), import("../../rotation/signers.ts"), import("../rotation-signers.ts")]);
    const exposure = readExposure(context.root, file);
    const findings: Finding[] = [];
    const states = (): LineState[] => {
      const project = readProject(context.root, { clock: context.clock });
      const records = new Map<string, ReturnType<typeof readRecords>>();
      return [...exposure.lines].filter((l) => context.envs.length === 0 || context.envs.includes(l.environment)).sort((a, b) => exposureRank(a.class, a.tier) - exposureRank(b.class, b.tier)).map((l) => {
        const d = project.environments.find((e) => e.name === l.environment) ?? null;
        const known = records.get(l.environment) ?? readRecords(context.root, l.environment, signersOf(context, l.environment, d?.tier ?? l.tier ?? "production"));
        records.set(l.environment, known);
        return lineState(l, exposure, d, known.records);
      });
    };
    let exit = 0;
    if (options["status"] !== true) {
      mustConfirm(context, `stackseal rotate departure --exposure ${file}`);
      for (const env of new Set(states().filter((s) => s.state === "open").map((s) => s.environment))) await withRotator(context, env, options, async (r) => {
        for (const line of states().filter((s) => s.environment === env && s.state === "open")) {
          if (context.signal.aborted) return;
          const open = readRecords(r.root, env, signersIn(r)).records.find((k) => k.record.path === line.path && isOpen(k.record))?.record;
          try {
            // What was replaced otherwise and lacks a proof can't be helped by rotating again.
            if (!open && line.why.startsWith("another one is in force")) continue;
            const m = await moveOn(r, open?.rotation ?? (await begin(r, { path: line.path, reason: exposure.reason, exposure: exposure.id })).rotation);
            findings.push(...m.findings);
            exit = Math.max(exit, m.exit);
          } catch (e) {
            if (!(e instanceof FindingError)) throw e;
            findings.push(...e.findings);
            exit = Math.max(exit, e.exit);
          }
        }
      });
    }
    const lines = states();
    const left = lines.filter((l) => l.state === "open");
    const p = painter(context.color);
    const width = Math.max(0, ...lines.map((l) => l.path.length));
    const text = [...lines.map((l) => `${l.state === "closed" ? p.green("✓") : p.red("✗")} ${l.environment.padEnd(8)}  ${printable(l.path).padEnd(width)}  ${l.state === "closed" ? (l.proof ?? "") : l.why}`), `${exposure.subject}: ${lines.length - left.length} of ${lines.length} lines closed`].join("\n");
    const said = new Set(findings.flatMap((f) => (f.code === "ROTATION_CLOCK_SKEW" ? [] : [f.path])));
    return { exit: Math.max(exit, left.length ? 1 : 0), findings: [...once(findings), ...left.filter((l) => !said.has(l.path)).map((l) => openLine(l, file))], json: { exposure: exposure.id, subject: exposure.subject, lines, closed: lines.length - left.length, open: left.length }, text };
  },
});
