import type { ResourceValidationArgs, StackValidationArgs } from "@pulumi/policy";

export interface PolicySample {
  /** The sentence a reader wants: "rejects a webhook URL on http". */
  readonly says: string;
  readonly resource: { readonly type: string; readonly name?: string; readonly stack?: string; readonly props: Record<string, unknown> };
}
export interface PolicySpec {
  readonly id: string;
  readonly title: string;
  readonly severity: "low" | "medium" | "high" | "critical";
  readonly level: "advisory" | "mandatory";
  readonly remediation: string;
  /** Chapter of the product documentation. */
  readonly chapter: string;
  readonly check: (resource: ResourceValidationArgs, report: (message: string) => void) => void;
  readonly checkStack?: (stack: StackValidationArgs, report: (message: string) => void) => void;
  readonly passes: readonly PolicySample[];
  readonly breaks: readonly PolicySample[];
}
/** Declares a policy as a plain object; one a file, listed in index.ts. A message never quotes a value. */
export const definePolicy = (spec: PolicySpec): PolicySpec => spec;
