import { isUnknown } from "../../policies/kit/unknown.ts";
import type { Level } from "./policy.ts";

type Report = (message: string, urn?: string) => void;
type Validate = (args: object, report: Report) => unknown;
/** A policy as @pulumi/policy takes it. */
export interface Judging {
  readonly name: string;
  readonly description?: string;
  readonly enforcementLevel?: Level;
  readonly severity?: string;
  readonly validateResource?: Validate;
  readonly validateStack?: Validate;
}
/** What the SDK's `report` takes besides a text (without a type there): a violation of a policy of another name. tests/engine/together.test.ts fails when that changes. */
type ReportOf = (violation: { readonly name: string; readonly message: string; readonly description?: string | undefined; readonly enforcementLevel?: Level | undefined; readonly severity?: string | undefined; readonly urn?: string | undefined }) => void;

/**
 * Policies that change nothing of what they are shown, as one for resources and one for stacks: @pulumi/policy reads every resource anew for each
 * policy that it is given, which takes longer than judging it. Each still reports under its own name, at its own level; none is left out for another's unknown.
 */
export function together(policies: readonly Judging[]): readonly object[] {
  const fold = (of: (p: Judging) => Validate | undefined): { readonly judge: (args: object, report: unknown) => Promise<void> } | null => {
    const all = policies.filter((p) => p.enforcementLevel !== "disabled" && of(p));
    return all.length === 0 ? null : { judge: async (args, report) => {
      for (const p of all) {
        const { name, description = "", severity, enforcementLevel = "advisory" } = p;
        const say = (message: string, level: Level, urn?: string): void => { (report as ReportOf)({ name, message, description, severity, enforcementLevel: level === "remediate" ? "mandatory" : level, urn }); };
        try {
          const judged = of(p)?.(args, (message, urn) => { say(message ? `${description}\n${message}` : description, enforcementLevel, urn); });
          if (judged instanceof Promise) await judged;
        } catch (e) {
          if (!isUnknown(e)) throw e instanceof Error ? new Error(`policy '${name}': ${e.message}`, { cause: e }) : e;
          say(`can't run policy '${name}' during preview: ${e.message}`, "advisory");
        }
      }
    } };
  };
  const resource = fold((p) => p.validateResource), stack = fold((p) => p.validateStack), common = { description: "the pack's policies", enforcementLevel: "mandatory" };
  return [...(resource ? [{ name: "resources", ...common, validateResource: resource.judge }] : []), ...(stack ? [{ name: "stack", ...common, validateStack: stack.judge }] : [])];
}
