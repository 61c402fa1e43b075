import { jsonIn } from "../../lib/json.ts";
import type { Plan } from "../../engine/plan.ts";
import type { CommentDocument } from "../../schemas/comment.ts";
import { commentSchema } from "../../schemas/comment.ts";
import type { Preview } from "./preview-all.ts";
import type { Context } from "../command.ts";
import { describeAgainst } from "./against.ts";
import { exceptionsInForce, openExposures } from "./in-force.ts";

const LONGEST = 2_000, MOST = 20_000;
const short = (t: string): string => (t.length > LONGEST ? `${t.slice(0, LONGEST / 2)}…${t.slice(1 - LONGEST / 2)}` : t);

/** What of a preview the comment shows: these fields alone, none of them a value. */
export function commentData(context: Context, r: Preview, plan: Plan): CommentDocument {
  const envs = context.envs.map((e) => ` --env ${e}`).join("");
  const compare = r.against.kind === "base" ? ` --base ${r.against.base.commit}` : "";
  const whole: CommentDocument = {
    version: 1, ok: r.ok, compared: `Key-less preview, ${describeAgainst(r.against).replace(/, cached$/, "")}`,
    environments: r.done.map((x) => ({
      name: x.environment.name, tier: x.tier, summary: { ...x.environment.summary }, steps: x.environment.steps.filter((s) => s.op !== "same").map((s) => ({ op: s.op as CommentDocument["environments"][number]["steps"][number]["op"], urn: s.urn, diff: s.diff.slice(0, 1000) })),
      credentials: [...x.environment.credentials],
      violations: x.environment.violations.map((v) => {
        const at = v.at ?? x.findings.find((f) => f.path === v.urn && f.message === `${v.policy}: ${v.message}`)?.at;
        return { policy: v.policy, level: v.level, urn: v.urn, message: v.message, place: at ? `${at.file}:${at.line}:${at.column}` : "" };
      }),
    })),
    access: r.access.map((a) => ({ ...a, verbs: [...a.verbs] })) as CommentDocument["access"],
    findings: r.findings.map(({ code, severity, message, at, path, hint }) => ({ code, severity, message, ...(at && { at: { file: at.file, line: at.line, column: at.column } }), ...(path !== undefined && { path }), ...(hint !== undefined && { hint }) })),
    exceptions: exceptionsInForce(context.root, context.clock.now()), exposures: openExposures(context.root, r.declared), digest: plan.digest, approval: plan.approval,
    needsSuperAdmin: plan.access || plan.environments.some((e) => e.tier === "production" && e.payments), reproduce: `stackseal preview${envs}${compare} --format markdown`,
  };
  return shortened(whole) as CommentDocument;
}
const shortened = (v: unknown): unknown => (typeof v === "string" ? short(v) : Array.isArray(v) ? v.slice(0, MOST).map(shortened) : typeof v === "object" && v !== null ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, shortened(x)])) : v);

/** A document of another job; null where it is none. */
export const readComment = (text: string): CommentDocument | null => commentSchema.safeParse(jsonIn(text)).data ?? null;
