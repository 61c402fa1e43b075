import { join } from "node:path";
import { stringify } from "yaml";
import { writeAtomic } from "../../lib/atomic.ts";
import { FindingError, type Finding } from "../../lib/finding.ts";
import { alertRules } from "../../schemas/alerts.ts";
import { alertsDigest, CANARY_RULE, canaryFile, canarySchema, type Canary } from "../../schemas/canary.ts";
import { placeOf } from "../../stacks/access/place.ts";
import { canaryCodes } from "../canary/state.ts";
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
    const waitMs = (durationOf(options, "wait") ?? 900) * 1000;
    const no = await confirm(context, `Try to read ${secret} and raise the alert that goes with it?`, `stackseal canary --env ${d.name}`);
    if (no) return { exit: 2, findings: [no] };
    const { hearCanary } = await import("../canary/listen.ts");
    const regions = alertRules(p).find((r) => r.name === CANARY_RULE)?.regions ?? [p.region];
    context.progress(`${d.name}: waiting for the alert, at most ${waitMs / 60_000} minutes`);
    const all = await Promise.all(regions.map(async (region) => ({ region, heard: await hearCanary({ place: p, at: store, env: context.env, region, secret, waitMs, signal: context.signal }) })));
    context.progress(null);
    if (context.signal.aborted) return { exit: 130 };
    const heard = all.flatMap((x) => x.heard ?? []);
    const lost = all.filter((x) => x.heard === null).map((x): Finding => canaryCodes.finding("CANARY_LOST", { message: `the alert of ${x.region} didn't come within ${waitMs / 60_000} minutes`, path: x.region, hint: `stackseal drift --env ${d.name} looks at trail, rules, targets and topics; a trail's events may take 15 minutes` }));
    const written = lost.length === 0 ? canaryFile(d.name) : null;
    if (written !== null) {
      const record: Canary = canarySchema.parse({ environment: d.name, alerts: alertsDigest(p), heard });
      writeAtomic(join(context.root, written), `# That a read of a payment secret was heard of: stackseal canary writes it.\n${stringify(record, { indent: 4, lineWidth: 0 })}`);
    }
    return {
      exit: lost.length ? 1 : 0, findings: [...about, ...lost], json: { environment: d.name, heard, written },
      text: `${heard.map((h) => `${h.region}: heard after ${h.seconds} s, on ${h.topic}\n`).join("")}${written === null ? "" : `wrote ${written}: commit it\n`}`,
    };
  },
});
