import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { isoDate } from "../../lib/clock.ts";
import { writeAtomic } from "../../lib/atomic.ts";
import { FindingError, type Finding } from "../../lib/finding.ts";
import { digestsOf, NOT_KNOWN_YET } from "../../engine/plan.ts";
import { graphOfDeployment, type Graph } from "../../engine/graph.ts";
import { readPeople } from "../../seal/deploy.ts";
import { signStaged, stagedFile } from "../changes/attest.ts";
import { changeCodes as c } from "../changes/codes.ts";
import { loadPlan } from "../changes/hold.ts";
import { defineCommand, type Context } from "../command.ts";
import { signerOf } from "../signer.ts";

const json = (context: Context, file: string): unknown => {
  try {
    return JSON.parse(readFileSync(resolve(context.root, file), "utf8"));
  } catch {
    return null;
  }
};
/** What it found before is of an older deployment. */
const FRESH_HOURS = 24;
/** What `doctor --json` found. Findings tell why it doesn't count. */
function verdicts(document: unknown, environment: string, now: Date): { readonly valid: number; readonly inconclusive: number; readonly findings: Finding[] } {
  const d = document as { command?: unknown; environment?: unknown; at?: unknown; sandbox?: unknown; results?: { verdict?: unknown; integration?: unknown; code?: unknown }[] } | null;
  const not = (message: string): { valid: number; inconclusive: number; findings: Finding[] } => ({ valid: 0, inconclusive: 0, findings: [c.finding("STAGING_NOT_VALID", { message, hint: "stackseal doctor --env staging --json > doctor.json" })] });
  if (d?.command !== "doctor" || !Array.isArray(d.results)) return not("--doctor wants what `stackseal doctor --json` printed");
  if (d.environment !== environment) return not(`the doctor looked at ${typeof d.environment === "string" ? d.environment : "no environment that it names"}, not at ${environment}`);
  if (d.sandbox === true) return not("the doctor looked at the sandbox, not at the providers");
  const hours = (now.getTime() - Date.parse(typeof d.at === "string" ? d.at : "")) / 3_600_000;
  if (!(hours >= -24 && hours <= FRESH_HOURS)) return not(`the doctor looked ${typeof d.at === "string" ? `on ${d.at}` : "on a day that it doesn't tell"}: what it found counts for ${FRESH_HOURS} hours`);
  const count = (v: string): number => d.results?.filter((r) => r.verdict === v).length ?? 0;
  if (count("invalid")) return not(`the doctor found ${count("invalid")} invalid`);
  return count("valid") === 0 ? not("the doctor found nothing valid") : { valid: count("valid"), inconclusive: count("inconclusive"), findings: [] };
}

export default defineCommand({
  name: "staged",
  summary: "Sign that a plan is what staging has, and that it was found valid there: production asks for it",
  wants: "one",
  args: [{ name: "<plan>", description: "the file that `preview --save-plan` wrote; it covers staging and production" }],
  options: [
    { flags: "--state <file>", description: "an export of each stack of the environment", many: true },
    { flags: "--doctor <file>", description: "what `stackseal doctor --json` printed after the deployment; may be repeated", many: true },
  ],
  examples: ["stackseal staged plan.json --env staging --state staging.json --state staging-payments.json --doctor doctor.json"],
  run: (context, args, options) => {
    const { file, plan } = loadPlan(context, args[0] ?? "");
    const name = context.envs[0] ?? "";
    const env = plan.environments.find((e) => e.name === name);
    if (!env) throw new FindingError(c.finding("PLAN_ENVIRONMENT", { message: `the plan doesn't cover ${name}` }), 2);
    const graphs = ((options["state"] ?? []) as string[]).map((f): Graph => {
      const g = graphOfDeployment(json(context, f));
      if (!g) throw new FindingError(c.finding("STATE_UNREADABLE", { message: `${f} is no stack export` }), 2);
      return g;
    });
    const real = digestsOf(graphs.flat());
    const wrong: Finding[] = [];
    const here = (urn: string): boolean => !urn.includes("::pulumi:providers:");
    for (const urn of [...new Set([...Object.keys(env.resources), ...Object.keys(real)])].filter(here)) {
      const [a, b] = [env.resources[urn], real[urn]];
      const differ = a && b ? Object.keys(a).filter((k) => k !== "" && a[k] !== NOT_KNOWN_YET && b[k] !== NOT_KNOWN_YET && a[k] !== b[k]) : [];
      if (!a || !b || differ.length) wrong.push(c.finding("STAGING_NOT_VALID", { message: !b ? "isn't deployed" : !a ? "is deployed and not in the plan" : `is deployed otherwise: ${differ.join(", ")}`, path: urn, hint: `stackseal up --env ${name} --plan ${args[0] ?? "PLAN"}` }));
    }
    const all = ((options["doctor"] as string[] | undefined) ?? [""]).map((f) => verdicts(json(context, f), name, context.clock.now()));
    const v = { valid: all.reduce((n, x) => n + x.valid, 0), inconclusive: all.reduce((n, x) => n + x.inconclusive, 0), findings: all.flatMap((x) => x.findings) };
    if (wrong.length + v.findings.length) throw new FindingError([...wrong.slice(0, 20), ...v.findings]);
    const signer = signerOf(context, name, readPeople(context.root, name));
    const s = signStaged({ digest: plan.digest, environment: name, checks: { valid: v.valid, inconclusive: v.inconclusive } }, signer, isoDate(context.clock.now()));
    writeAtomic(stagedFile(file, name), `${JSON.stringify(s, null, 2)}\n`);
    return Promise.resolve({ exit: 0, json: { staged: s }, text: `${signer.name}: ${name} has plan ${plan.digest.slice(0, 16)}; ${v.valid} checks valid, ${v.inconclusive} inconclusive\nWritten beside the plan: ${stagedFile(args[0] ?? "", name)}` });
  },
});
