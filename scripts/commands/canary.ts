import { FindingError } from "../../lib/finding.ts";
import { placeOf } from "../../stacks/access/place.ts";
import { canaryCodes } from "../canary/state.ts";
import { CANARY_WAIT_MS, tryCanary } from "../canary/try.ts";
import { defineCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { declaredOne } from "../deploy.ts";
import { projectName } from "../deployment.ts";
import { durationOf } from "../rotator.ts";

export default defineCommand({
  name: "canary",
  summary: "Try to read a payment secret's version that doesn't exist, wait until the alert arrives, and record that it did",
  wants: "one",
  options: [{ flags: "--wait <duration>", description: "how long the alert may take (15m)" }],
  examples: ["stackseal canary --env prod --yes", "stackseal canary --env staging --wait 30m --yes --json"],
  run: async (context, _args, options) => {
    const { d, findings: about } = declaredOne(context);
    const p = placeOf(d, projectName(context.root));
    const store = d.environment.store;
    const secret = p?.secrets.payments[0];
    if (!p || store.kind !== "aws") throw new FindingError(canaryCodes.finding("CANARY_NOT_AWS", { message: `${d.name} delivers to ${store.kind}: there are no rules of EventBridge to try`, path: d.name, hint: "a Vault's audit is its own log" }), 2);
    if (secret === undefined) throw new FindingError(canaryCodes.finding("CANARY_NOT_AWS", { message: `${d.name} has no payment secret to read`, path: d.name, hint: "declare stripe in payments.yaml first" }), 2);
    const wait = durationOf(options, "wait"), waitMs = wait === undefined ? CANARY_WAIT_MS : wait * 1000;
    const no = await confirm(context, `Try to read ${secret} and raise the alert that goes with it?`, `stackseal canary --env ${d.name}`);
    if (no) return { exit: 2, findings: [no] };
    const tried = await tryCanary(context, p, store, secret, waitMs);
    if (context.signal.aborted) return { exit: 130 };
    return { exit: tried.findings.length ? 1 : 0, findings: [...about, ...tried.findings], json: { environment: d.name, heard: tried.heard, written: tried.written }, text: tried.text };
  },
});
