import type { Finding } from "../../lib/finding.ts";
import type { Step } from "../../engine/index.ts";
import { changesOf, isChange, type PlanEnvironment } from "../../engine/plan.ts";
import { environmentOfStack } from "../../schemas/layout.ts";
import { changeCodes as c } from "./codes.ts";

/** What a plan's environment may become, once the plan was found to be what is declared and approved by whom it takes. */
export interface Held {
  readonly approved: PlanEnvironment;
  /** A Super Admin is among the approvers: without one no step of production's payments and foundation stacks is done. */
  readonly superAdmin: boolean;
}

/** Steps against the real state that the approved difference doesn't contain: a delete, a replacement, drift. A first deployment creates all there is. */
export function unapprovedSteps({ approved, superAdmin }: Held, steps: readonly Step[]): Finding[] {
  const real = changesOf(steps);
  const first = steps.every((s) => s.op === "create" || (s.op !== "same" && !isChange(s)));
  const unapproved = Object.entries(real).filter(([urn, op]) => !(first && op === "create") && approved.changes[urn] !== op).map(([urn, op]) =>
    c.finding("PLAN_STEP_UNAPPROVED", { message: `the state asks for ${op === "update" || op === "create" ? `${op}: it drifted from the base` : op}; the approved difference ${approved.changes[urn] === undefined ? "leaves it as it is" : `has ${approved.changes[urn] ?? ""}`}`, path: urn, hint: "stackseal preview --state F --save-plan F, and have that plan approved" }));
  // The plan's own word on what is sensitive depends on the base it was made against; the state's steps don't.
  const sensitive = approved.tier === "production" && !superAdmin ? [...new Set(Object.keys(real).map(partOf))].filter((part) => part !== "standard") : [];
  return [...unapproved, ...sensitive.map((part) => c.finding("APPROVAL_MISSING", { message: `the ${part} stack of ${approved.name} changes: a Super Admin must be among the approvers`, path: approved.name, hint: "stackseal approve PLAN, by a Super Admin" }))];
}
const partOf = (urn: string): string => environmentOfStack(urn.split("::")[0]?.slice("urn:pulumi:".length) ?? "").part;
