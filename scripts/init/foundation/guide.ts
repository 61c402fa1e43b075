import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { FindingError, hasErrors, type Finding } from "../../../lib/finding.ts";
import { embedded, type Engine } from "../../../engine/index.ts";
import { loopback } from "../../../schemas/fields.ts";
import { bucketName, type Place } from "../../../schemas/iam/place.ts";
import { stackName } from "../../../schemas/layout.ts";
import { placeOf } from "../../../stacks/access/place.ts";
import type { Declared } from "../../../stacks/read.ts";
import type { Context, Result } from "../../command.ts";
import { firstCanary } from "../../canary/first.ts";
import { confirm } from "../../confirm.ts";
import { deploy } from "../../deploy.ts";
import { projectName } from "../../deployment.ts";
import { pulumiCli } from "../../engine-choice.ts";
import { declarationOf } from "../../identity/declaration.ts";
import { PLACEHOLDER } from "../plan.ts";
import { callerOf, type Caller } from "./caller.ts";
import { foundationCodes as c } from "./codes.ts";
import { handOver } from "./identities.ts";
import { stateBucket } from "./bucket.ts";
import { renderSteps, type FoundationStep } from "./render.ts";

/**
 * `init --foundation`: what has to be there before the first deployment, step by step. Each step looks at the world before it does anything,
 * so that a run that was cut off is finished by the next one.
 */
export async function guideFoundation(context: Context, options: Readonly<Record<string, unknown>>): Promise<Result> {
  const d = declarationOf(context);
  const dry = options["dryRun"] === true;
  const steps: FoundationStep[] = [];
  const findings: Finding[] = [];
  const note = (step: string, state: FoundationStep["state"], says: string): void => {
    steps.push({ step, state, says });
    context.progress(null);
    context.say(renderSteps([{ step, state, says }], context.color, steps.length));
  };
  const done = (exit: Result["exit"]): Result => ({ exit, findings, json: { foundation: { environment: d.name, dryRun: dry, steps } }, text: renderSteps([], context.color, 0, d.name, dry, steps) });
  const fail = (step: string, e: unknown): Result => {
    if (!(e instanceof FindingError)) throw e;
    note(step, "failed", e.findings[0]?.message ?? "");
    findings.push(...e.findings);
    return done(e.exit);
  };

  let p: Place, caller: Caller, bucketThere: boolean;
  try {
    p = declared(d, projectName(context.root));
  } catch (e) { return fail("declaration", e); }
  const s = d.environment.store as Extract<Declared["environment"]["store"], { kind: "aws" }>;
  if (!p.deployment) findings.push(c.finding("FOUNDATION_NO_DEPLOYMENT", { message: `${d.name} declares no deployment.repository: no job may take a deployer's role`, path: d.name, hint: `add to stacks/${d.name}/environment.yaml:  deployment: { repository: OWNER/NAME }` }));
  note("declaration", "done", `account ${s.accountId}, ${s.region}${p.deployment ? `, deployed from ${p.deployment.repository}` : ""}${s.endpoint === undefined ? "" : `, on the emulator at ${s.endpoint}`}`);

  try {
    caller = await callerOf(context, d, p, options["mfaSerial"] as string | undefined);
  } catch (e) { return fail("who you are", e); }
  findings.push(...caller.findings);
  note("who you are", "done", `${caller.arn}; second factor: ${caller.proof ?? "not told"}`);
  const as: Context = { ...context, env: caller.env };

  try {
    bucketThere = await stateBucket(s, bucketName(p, "state"), caller.env);
  } catch (e) { return fail("state bucket", e); }
  note("state bucket", bucketThere ? "done" : "todo", `${bucketName(p, "state")} ${bucketThere ? "is there" : "isn't there yet: the foundation makes it"}`);

  const here = s.endpoint !== undefined && loopback(new URL(s.endpoint).hostname);
  const backend = here ? null : backendOf(as, p, bucketThere);
  let engine: Engine;
  try {
    engine = here ? await embedded(as) : await pulumiCli({ ...as, env: { ...as.env, PULUMI_BACKEND_URL: backend?.first, PULUMI_CONFIG_PASSPHRASE: as.env["PULUMI_CONFIG_PASSPHRASE"] ?? "" } });
    const plan = await deploy(as, engine, d, { part: "foundation", dryRun: true });
    context.progress(null);
    if (!plan.ok) throw new FindingError(plan.findings);
    if (plan.changed === 0) note("foundation stack", "done", "nothing to change");
    else if (dry) note("foundation stack", "todo", `${plan.changed} resources to change`);
    else {
      context.say(`${plan.text}\n`);
      const no = await confirm(context, `Deploy ${stackName(d.name, "foundation")} into account ${s.accountId}?`, `stackseal init --foundation --env ${d.name}`);
      if (no) { findings.push(no); note("foundation stack", "todo", `${plan.changed} resources to change`); return done(2); }
      const r = await deploy(as, engine, d, { part: "foundation", message: "init --foundation" });
      context.progress(null);
      if (!r.ok) { findings.push(...r.findings); note("foundation stack", "failed", "what was done is kept: run again"); return done(r.cancelled ? 130 : 1); }
      note("foundation stack", "done", `${r.changed} resources changed`);
      const at = steps.findIndex((x) => x.step === "state bucket");
      steps[at] = { step: "state bucket", state: "done", says: `${bucketName(p, "state")} is there` };
    }
    if (!dry && backend !== null && backend.then !== backend.first) {
      await moveState(as, engine, stackName(d.name, "foundation"), backend.then);
      note("state", "done", `moved to ${backend.then}`);
    }
  } catch (e) { return fail("foundation stack", e); }

  if (!dry) {
    const { awsDrift } = await import("../../drift/aws.ts");
    // Schedules are the other stacks' and come with their first deployment.
    const differs = (await awsDrift(p, d, s, caller.env, [])).filter((x) => x.kind !== "schedule");
    findings.push(...differs.map((x) => c.finding("FOUNDATION_DIFFERS", { message: `${x.kind} ${x.name}: expected ${x.expected}, found ${x.found}`, path: x.name, hint: `stackseal init --foundation --env ${d.name}` })));
    note("as declared", differs.length ? "failed" : "done", differs.length ? `${differs.length} differ` : "policies, keys, alerts, topics and the trail are what the access matrix gives");
  }
  try {
    // Who makes the account's first foundation may listen as super-admin does.
    const canary = await firstCanary(as, d, { name: caller.arn, role: "super-admin" }, dry ? { canaryWait: "0s" } : options);
    if (!dry) findings.push(...(canary?.findings ?? []));
    const state = canary ? ({ heard: "done", recorded: "done", untried: "todo", lost: "failed" } as const)[canary.state] : "skipped";
    note("canary", state, canary ? canary.text.trim().replaceAll("\n", "; ") || (canary.findings[0]?.message ?? "an alert was seen to arrive, of the alerts as they are declared") : "no payment secret is declared");
  } catch (e) { return fail("canary", e); }
  const keys = join(context.env["XDG_CONFIG_HOME"] ?? join(context.env["HOME"] ?? homedir(), ".config"), "stackseal", projectName(context.root));
  if (p.deployment) for (const h of await handOver(as, d, keys, dry)) {
    findings.push(...h.findings);
    note(`identity of ${h.role}`, h.state, h.says);
  }
  note("code host", "todo", "stackseal access reviewers --format gh | sh, as who administers the repository; then: stackseal workflows --write, and commit");
  return done(hasErrors(findings) ? 1 : 0);
}
/** Throws FindingError FOUNDATION_DECLARATION with everything that isn't declared yet. */
function declared(d: Declared, project: string): Place {
  const at = { file: `stacks/${d.name}/environment.yaml`, line: 1, column: 1 };
  const wrong = (message: string, hint: string): FindingError => new FindingError(c.finding("FOUNDATION_DECLARATION", { message, at, hint }), 2);
  const s = d.environment.store;
  const p = placeOf(d, project);
  if (!p || s.kind !== "aws") throw wrong(`${d.name} keeps its values in ${s.kind === "vault" ? "Vault" : "files"}: there is no account to prepare`, s.kind === "vault" ? `stackseal up --env ${d.name} --part foundation builds Vault's policies and audit` : "store: { kind: aws, accountId: …, region: … }");
  if (s.accountId.startsWith(PLACEHOLDER)) throw wrong(`store.accountId of ${d.name} is init's placeholder`, "AWS console, top right: the account's 12 digits, one account an environment");
  return p;
}
interface Backend { readonly first: string; readonly then: string }
/** Where the state is: in the bucket that the foundation makes, and until it is there in a folder beside the keys. */
function backendOf(context: Context, p: Place, bucketThere: boolean): Backend {
  const own = context.env["PULUMI_BACKEND_URL"];
  const s3 = `s3://${bucketName(p, "state")}?region=${p.region}`;
  if (own !== undefined && own !== "") return { first: own, then: own };
  if (bucketThere) return { first: s3, then: s3 };
  const dir = join(context.env["HOME"] ?? homedir(), ".config", "stackseal", p.project, "bootstrap");
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  return { first: `file://${dir}`, then: s3 };
}
async function moveState(context: Context, from: Engine, stack: string, to: string): Promise<void> {
  const exported = await from.export(stack);
  if (!exported) return;
  const target = await pulumiCli({ ...context, env: { ...context.env, PULUMI_BACKEND_URL: to, PULUMI_CONFIG_PASSPHRASE: context.env["PULUMI_CONFIG_PASSPHRASE"] ?? "" } });
  if ((await target.export(stack).catch(() => null)) === null) await target.import(stack, exported);
}
