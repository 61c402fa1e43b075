import { FindingError } from "../../lib/finding.ts";
import { nearest } from "../../lib/nearest.ts";
import { duration, inOrder, plan, targets } from "../../rotation/plan.ts";
import { ROTATION_REASONS, type RotationReason } from "../../schemas/rotation-record.ts";
import { readProject } from "../../stacks/read.ts";
import { defineCommand } from "../command.ts";
import { painter } from "../render/paint.ts";
import { knownEnvironments } from "./check.ts";

export default defineCommand({
  name: "rotate plan",
  summary: "Show a rotation's steps, its overlap, who must act and what is interrupted; all of an environment in order of danger",
  wants: "one",
  args: [{ name: "[path]", description: "such as twilio.authToken; all without it" }],
  options: [
    { flags: "--kind <kind>", description: "such as outbound-webhooks.signingSecret" },
    { flags: "--reason <reason>", description: "why", choices: ROTATION_REASONS, default: "scheduled" },
    { flags: "--all", description: "every credential of the environment" },
  ],
  examples: ["stackseal rotate plan twilio.authToken --env prod", "stackseal rotate plan --env prod --all --reason compromise"],
  run: (context, [path], options) => {
    const [env = ""] = knownEnvironments(context);
    const project = readProject(context.root, { only: [env], clock: context.clock });
    const d = project.environments[0];
    if (!d) throw new FindingError(project.findings, 2);
    const all = targets(d);
    const kind = options["kind"] as string | undefined;
    const chosen = all.filter((t) => (path === undefined || t.path === path) && (kind === undefined || t.kind === kind));
    if (chosen.length === 0) {
      const near = nearest(path ?? kind ?? "", all.map((t) => (path !== undefined ? t.path : t.kind)));
      throw new FindingError({ code: "CREDENTIAL_UNKNOWN", severity: "error", message: `${env} has nothing to rotate called "${path ?? kind ?? ""}"`, hint: near !== null ? `did you mean ${near}?` : `stackseal secret list --env ${env}` }, 2);
    }
    const reason = options["reason"] as RotationReason;
    const planned = inOrder(chosen).map((t, i) => plan(d, t, i + 1, reason));
    const p = painter(context.color);
    const text = planned.map((x) => [
      `${p.bold(`${x.order}. ${x.path}`)}  ${x.strategy}, ${x.class}, ${x.owner}${x.unattended ? ", may go unattended" : ""}`,
      `   overlap: ${x.overlap}${x.graceSeconds > 0 ? ` (${duration(x.graceSeconds)} by default)` : ""}`,
      `   ${x.interrupts === null ? "interrupts nothing" : p.red(`interrupts: ${x.interrupts}`)}`,
      ...x.steps.map((s) => `   ${s.who === "person" ? p.yellow("you ") : s.who === "wait" ? p.dim("wait") : p.dim("tool")} ${s.step.padEnd(8)} ${s.says}`),
    ].join("\n")).join("\n\n");
    return Promise.resolve({ exit: 0, json: { environment: env, reason, plan: planned }, text });
  },
});
