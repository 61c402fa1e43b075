import type { Tier } from "../schemas/access.ts";
import type { ExpectedSecret } from "../schemas/integrations/index.ts";
import { step, type StepResult } from "./step.ts";

/** Whether the value has the form of its kind: no stray spaces, no other provider's key. A value that hasn't is never sent to anybody. */
export function judgeShape(value: string, e: Pick<ExpectedSecret, "path" | "format" | "kind">, id: string): StepResult {
  const fits = e.format.pattern.test(value);
  if (value !== value.trim() || /[\r\n\u0000]/.test(value) || /^(["']).*\1$/.test(value) || (!fits && /\s/.test(value)))
    return step(id, "invalid", "SHAPE_STRAY_SPACE", "stray spaces, newlines or quotes around or in the value", `set the bare value: printf %s "$VALUE" | stackseal secret set ${e.path}`);
  if (value === "") return step(id, "invalid", "SHAPE_WRONG", "the value is empty", `stackseal secret set ${e.path}`);
  if (fits) return step(id, "valid", "SHAPE_FINE", `has the form of ${e.kind}, no stray spaces`);
  if (e.format.soft === true) return step(id, "valid", "SHAPE_UNUSUAL", `not of the form that ${e.kind} usually has: ${e.format.says}`, "compare it with the provider's dashboard where it is refused");
  return step(id, "invalid", "SHAPE_WRONG", `not of the form of ${e.kind}: ${e.format.says}`, `take the right one from the provider's dashboard, then stackseal secret set ${e.path}`);
}

/** A value that shows its mode, in the wrong tier. Null where it shows none or the right one. */
export function judgeMode(value: string, e: Pick<ExpectedSecret, "spec">, tier: Tier): StepResult | null {
  const mode = e.spec.modeOf?.(value) ?? null;
  if (mode === null || (mode === "live") === (tier === "production")) return null;
  return step("account", "invalid", "ENVIRONMENT_WRONG", `a ${mode} credential in tier ${tier}`, tier === "production" ? "use the provider's live credential here" : "use the provider's test credential here, and find out where the live one came from");
}
