import { FindingError, type Finding } from "../../lib/finding.ts";
import { parseDate } from "../../lib/clock.ts";
import { ROTATION_REASONS, type RotationReason } from "../../schemas/rotation-record.ts";
import { defineCommand } from "../command.ts";
import { renderRotations, type Moved } from "../render/rotations.ts";
import { durationOf, mustConfirm, rotatorOptions, withRotator } from "../rotator.ts";
import { begin, moveOn, once } from "../rotating.ts";
import { knownEnvironments } from "./check.ts";

const usage = (message: string, hint?: string): FindingError => new FindingError({ code: "USAGE", severity: "error", message, hint }, 2);

export default defineCommand({
  name: "rotate start",
  summary: "Rotate a credential, or all after a compromise: both live through the overlap, the old one is proven dead, every step is recorded",
  wants: "one",
  args: [{ name: "[path]", description: "such as twilio.authToken" }],
  options: [
    { flags: "--reason <reason>", description: "why", choices: ROTATION_REASONS },
    { flags: "--all", description: "every credential of the environment, the most dangerous first" },
    { flags: "--grace <duration>", description: "how long both live, such as 24h; 0s: until the new one is in force" },
    { flags: "--reported-at <instant>", description: "when a compromise was reported, as 2026-11-24T10:30:00Z: the time to the last revocation is measured from then" },
    ...rotatorOptions,
  ],
  examples: ["stackseal rotate start twilio.authToken --env prod --reason scheduled", "stackseal rotate start stripe.secretKey --env prod --reason scheduled", "stackseal rotate start --all --env prod --reason compromise --reported-at 2026-11-24T10:30:00Z"],
  run: async (context, [path], options) => {
    const [env = ""] = knownEnvironments(context);
    const all = options["all"] === true;
    if (all === (path !== undefined)) throw usage("name one credential, or --all", `stackseal rotate plan --env ${env}`);
    const reason = options["reason"] as RotationReason | undefined;
    if (reason === undefined) throw usage(`--reason is missing: ${ROTATION_REASONS.join(", ")}`);
    durationOf(options, "grace");
    const at = options["reportedAt"] as string | undefined;
    const reportedAt = at === undefined ? (reason === "compromise" ? context.clock.now() : undefined) : parseDate(at) ?? undefined;
    if (at !== undefined && reportedAt === undefined) throw usage(`--reported-at wants an instant as 2026-11-24T10:30:00Z, not "${at}"`);
    mustConfirm(context, `stackseal rotate start ${path ?? "--all"} --env ${env} --reason ${reason}`);
    return withRotator(context, env, options, async (r) => {
      const [{ inOrder, targets }, { readRecords }, { signersIn }, { isOpen }] = await Promise.all([import("../../rotation/plan.ts"), import("../../rotation/record.ts"), import("../../rotation/signers.ts"), import("../../schemas/rotation-record.ts")]);
      const moved: Moved[] = [];
      const findings: Finding[] = [];
      let exit = 0;
      for (const t of all ? inOrder(targets(r.declared)) : [{ path: path as string }]) {
        if (context.signal.aborted) return { exit: 130 };
        if (all) context.progress(`${env}: ${t.path}`);
        try {
          // Of all, what is on its way already goes on; one alone is refused with its id.
          const open = all ? readRecords(r.root, env, signersIn(r)).records.find((k) => k.record.path === t.path && isOpen(k.record))?.record : undefined;
          const record = open ?? (await begin(r, { path: t.path, reason, ...(reportedAt && { reportedAt }) }));
          const m = await moveOn(r, record.rotation);
          moved.push(m.moved);
          findings.push(...m.findings);
          exit = Math.max(exit, m.exit);
        } catch (e) {
          if (!(e instanceof FindingError) || !all) throw e;
          findings.push(...e.findings);
          exit = Math.max(exit, e.exit);
        }
      }
      return { exit, findings: once(findings), ...renderRotations(context, env, moved) };
    });
  },
});
