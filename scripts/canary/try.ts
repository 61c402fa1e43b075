import { join } from "node:path";
import { stringify } from "yaml";
import { writeAtomic } from "../../lib/atomic.ts";
import type { Finding } from "../../lib/finding.ts";
import { alertRules } from "../../schemas/alerts.ts";
import { alertsDigest, CANARY_RULE, canaryFile, canarySchema, type Canary } from "../../schemas/canary.ts";
import type { Place } from "../../schemas/iam/place.ts";
import type { AwsPlace } from "../../providers/aws/connect.ts";
import type { Context } from "../command.ts";
import { canaryCodes } from "./state.ts";

export interface Tried {
  readonly heard: Canary["heard"];
  /** CANARY_LOST for each region whose alert didn't come. */
  readonly findings: readonly Finding[];
  /** The record, relative to the project; null where an alert was lost. */
  readonly written: string | null;
  readonly text: string;
}
/** How long an alert may take: a trail's events may take 15 minutes. */
export const CANARY_WAIT_MS = 900_000;

/** Makes the canary read in every region that has a rule for it, and records it where every alert arrived. Throws FindingError. */
export async function tryCanary(context: Context, p: Place, at: AwsPlace, secret: string, waitMs: number): Promise<Tried> {
  const { hearCanary } = await import("./listen.ts");
  const regions = alertRules(p).find((r) => r.name === CANARY_RULE)?.regions ?? [p.region];
  const minutes = `${String(Math.round(waitMs / 6000) / 10)} minutes`;
  context.progress(`${p.environment}: waiting for the canary's alert, at most ${minutes}`);
  const all = await Promise.all(regions.map(async (region) => ({ region, heard: await hearCanary({ place: p, at, env: context.env, region, secret, waitMs, signal: context.signal }) })));
  context.progress(null);
  const heard = all.flatMap((x) => x.heard ?? []);
  const findings = all.filter((x) => x.heard === null).map((x) => canaryCodes.finding("CANARY_LOST", { message: `the alert of ${x.region} didn't come within ${minutes}`, path: x.region, hint: `stackseal drift --env ${p.environment} looks at trail, rules, targets and topics; then: stackseal canary --env ${p.environment}` }));
  const written = findings.length === 0 && !context.signal.aborted ? canaryFile(p.environment) : null;
  if (written !== null) {
    const record: Canary = canarySchema.parse({ environment: p.environment, alerts: alertsDigest(p), heard });
    writeAtomic(join(context.root, written), `# That a read of a payment secret was heard of: stackseal canary writes it.\n${stringify(record, { indent: 4, lineWidth: 0 })}`);
  }
  return { heard, findings, written, text: `${heard.map((h) => `canary in ${h.region}: heard after ${h.seconds} s, on ${h.topic}\n`).join("")}${written === null ? "" : `wrote ${written}: commit it\n`}` };
}
