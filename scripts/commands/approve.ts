import { isoDate } from "../../lib/clock.ts";
import { writeAtomic } from "../../lib/atomic.ts";
import { FindingError } from "../../lib/finding.ts";
import { readPeople } from "../../seal/deploy.ts";
import { approvalFile, signApproval } from "../changes/attest.ts";
import { gitOf } from "../changes/base.ts";
import { changeCodes } from "../changes/codes.ts";
import { loadPlan } from "../changes/hold.ts";
import { defineCommand } from "../command.ts";
import { signerOf } from "../signer.ts";

export default defineCommand({
  name: "approve",
  summary: "Sign that a saved plan may be deployed: written beside it",
  wants: "none",
  args: [{ name: "<plan>", description: "the file that `preview --save-plan` wrote" }],
  examples: ["stackseal approve plan.json", "stackseal up --env prod --plan plan.json"],
  run: (context, args) => {
    const { file, plan } = loadPlan(context, args[0] ?? "");
    if (!context.yes && !context.interactive) throw new FindingError({ code: "NOT_CONFIRMED", severity: "error", message: "nothing was signed: without a terminal, --yes is needed", hint: `stackseal approve ${args[0] ?? "PLAN"} --yes` }, 2);
    const signer = signerOf(context, "", readPeople(context.root, ""));
    const mandatory = plan.environments.flatMap((e) => e.policies.filter((p) => p.level === "mandatory").map((p) => changeCodes.finding("PLAN_DIFFERS", { severity: "warning", message: `${e.name} violates ${p.policy}: the deployment will refuse it`, path: p.urn })));
    const a = signApproval(plan.approval, signer, isoDate(context.clock.now()), gitOf(context).state.head);
    writeAtomic(approvalFile(file, signer.name), `${JSON.stringify(a, null, 2)}\n`);
    const does = plan.environments.map((e) => `${e.name}: ${Object.keys(e.changes).length} changes`).join(", ");
    return Promise.resolve({ exit: 0, findings: mandatory, json: { approval: a }, text: `${signer.name} approves ${plan.approval}\n${does}\nWritten beside the plan: ${approvalFile(args[0] ?? "", signer.name)}` });
  },
});
