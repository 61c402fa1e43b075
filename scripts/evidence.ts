import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { FindingError } from "../lib/finding.ts";
import { auditCodes } from "../audit/codes.ts";
import { Deployments } from "../audit/deployments.ts";
import type { Parts } from "../audit/bundle/git-parts.ts";
import { concerns, openLog } from "../audit/log.ts";
import type { GraphResource } from "../policies/kit/graph.ts";
import { WORK_DIR } from "../schemas/layout.ts";
import type { Context, OptionSpec } from "./command.ts";

// What git doesn't hold, as it is given to an evidence bundle.

/** Throws FindingError BUNDLE_INPUT. */
export function fileGiven(context: Context, file: string): Buffer {
  try {
    return readFileSync(resolve(context.root, file));
  } catch (e) {
    throw new FindingError(auditCodes.finding("BUNDLE_INPUT", { message: `${file} can't be read (${(e as NodeJS.ErrnoException).code ?? "unknown"})` }), 2);
  }
}
export interface GivenDeployments { readonly states: readonly string[]; readonly updates: readonly string[] }
export const DEPLOYMENT_OPTIONS: readonly OptionSpec[] = [
  { flags: "--state <file>", description: "a stack export, or a former bundle's recorded/store.jsonl: which store version carried what; may be repeated", many: true },
  { flags: "--updates <file>", description: "what stackseal history --json printed: which update carried what; may be repeated", many: true },
];
export const deploymentsGiven = (options: Readonly<Record<string, unknown>>): GivenDeployments => ({ states: (options["state"] ?? []) as string[], updates: (options["updates"] ?? []) as string[] });
/** What is known of deployments: the files given, and the histories of stacks that this machine deployed. Throws FindingError BUNDLE_INPUT or STATE_UNREADABLE. */
export async function deploymentsKnown(context: Context, given: GivenDeployments): Promise<Deployments> {
  const d = new Deployments();
  for (const f of given.states) await d.addState(fileGiven(context, f).toString("utf8"), f);
  for (const f of given.updates) d.addHistory(fileGiven(context, f).toString("utf8"), f, basename(f).replace(/\.[^.]*$/, ""));
  const here = join(context.root, WORK_DIR, "state", "history");
  const stacks = existsSync(here) ? readdirSync(here).filter((s) => !/^local(-|$)/.test(s)) : [];
  if (stacks.length > 0) {
    const { StateStore } = await import("../engine/state/store.ts");
    for (const stack of stacks) d.addUpdates(stack, new StateStore(context.root, stack, undefined).history());
  }
  return d;
}
export interface Given extends GivenDeployments { readonly doctors: readonly string[]; readonly policies: readonly string[] }

/** What git doesn't hold: the stores' versions and alert rules out of stack exports, deployments, the doctor's and the policies' documents. Throws FindingError BUNDLE_INPUT or STATE_UNREADABLE. */
export async function recordedParts(context: Context, given: Given, environments: readonly string[]): Promise<Parts> {
  const parts: Parts = new Map();
  const { graphOfExport } = await import("../policies/kit/state.ts");
  const states = given.states.filter((f) => !f.endsWith(".jsonl")).map((f) => graphOfExport(fileGiven(context, f).toString("utf8"), f));
  if (states.length > 0) {
    parts.set("recorded/store.jsonl", Buffer.from(states.flatMap(lineage).join("")));
    parts.set("recorded/alerts.jsonl", Buffer.from(states.flatMap(alerts).join("")));
  }
  for (const [n, f] of given.doctors.entries()) parts.set(`recorded/doctor-${n + 1}.json`, document(context, f, "doctor", "stackseal doctor --env prod --json > doctor.json"));
  for (const [n, f] of given.policies.entries()) parts.set(`recorded/policies-${n + 1}.json`, document(context, f, "policies", "stackseal policies --json > policies.json"));
  const carried = await deployments(context, given, environments);
  if (carried.length > 0) parts.set("recorded/deployments.jsonl", Buffer.from(carried.join("")));
  return parts;
}
/** Which update and store version carried each change, as far as it was told. */
async function deployments(context: Context, given: Given, environments: readonly string[]): Promise<string[]> {
  const known = await deploymentsKnown(context, given);
  const out: string[] = [];
  const log = openLog({ root: context.root, env: context.env, signal: context.signal, deployments: known });
  for await (const page of log.changes)
    for (const { commit, environment, path, issueId, deployment: d } of page)
      if (d && (d.update !== null || d.storeVersion !== null) && concerns({ environment }, environments)) out.push(`${JSON.stringify({ commit, environment, path, issueId, ...d })}\n`);
  return out;
}
/** References only, never the whole state: which version of a secret carries which issues. */
function lineage(graph: readonly GraphResource[]): string[] {
  return graph.filter((r) => r.type === "stackseal:index:SealedVersion").map((r) => {
    const values = Array.isArray(r.inputs["values"]) ? (r.inputs["values"] as Readonly<Record<string, unknown>>[]) : [];
    const said = (v: unknown): string | null => (typeof v === "string" ? v.slice(0, 200) : null);
    return `${JSON.stringify({ urn: r.urn, secret: said(r.outputs["secretId"]), versionId: said(r.outputs["versionId"]), values: values.map((v) => ({ key: said(v["key"]), variable: said(v["variable"]), issueId: said(v["issueId"]) })) })}\n`;
  });
}
const ALERTS: ReadonlySet<string> = new Set(["aws:cloudwatch/eventRule:EventRule", "aws:sns/topicSubscription:TopicSubscription", "aws:sns/topic:Topic", "aws:scheduler/schedule:Schedule"]);
const SAID = ["name", "description", "state", "eventPattern", "protocol", "endpoint", "topic", "scheduleExpression", "region"];
/** Alert rules and who hears them, as deployed. */
function alerts(graph: readonly GraphResource[]): string[] {
  return graph.filter((r) => ALERTS.has(r.type)).map((r) => `${JSON.stringify({ urn: r.urn, type: r.type, ...Object.fromEntries(SAID.flatMap((k) => (typeof r.inputs[k] === "string" ? [[k, r.inputs[k].slice(0, 4000)]] : []))) })}\n`);
}
function document(context: Context, file: string, command: string, how: string): Buffer {
  const bytes = fileGiven(context, file);
  let said: unknown;
  try {
    said = JSON.parse(bytes.toString("utf8"));
  } catch {
    said = null;
  }
  if ((said as { command?: unknown } | null)?.command !== command) throw new FindingError(auditCodes.finding("BUNDLE_INPUT", { message: `${file} isn't what stackseal ${command} --json printed`, hint: how }), 2);
  return bytes;
}
export const absentOf = (given: Given): string[] => [
  ...(given.states.length === 0 ? ["the store's lineage and the alert rules as deployed: no stack export was given (--state)"] : []),
  ...(given.updates.length === 0 ? ["the updates that carried the changes: none were given (--updates)"] : []),
  ...(given.doctors.length === 0 ? ["the doctor's verdicts: none were given (--doctor)"] : []),
  "the cloud's own logs: access review --cloudtrail reads them where they are kept",
];
