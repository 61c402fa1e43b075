import type { Tier } from "../schemas/access.ts";
import type { ProbeFact, ProbeLimit } from "../schemas/probe.ts";
import { setting, type Kept } from "./call.ts";
import { step, type StepResult } from "./step.ts";

export interface Judged {
  readonly steps: readonly StepResult[];
  /** In words, what is as it should be: `account type Full`. */
  readonly good: readonly string[];
  /** Names the account; null where the answer doesn't. */
  readonly account: string | null;
}
const plain = (v: unknown): string | null => (typeof v === "string" && /^[\w .:@+-]{1,80}$/.test(v) ? v : typeof v === "number" || typeof v === "boolean" ? String(v) : null);

const CHANGED = "the provider may have changed its API: look at its changelog";
/** Compares what an answer tells with the declaration and the environment. */
export function judgeFacts(facts: readonly ProbeFact[], got: Kept, settings: Readonly<Record<string, unknown>>, env: { readonly name: string; readonly tier: Tier }, title: string): Judged {
  const steps: StepResult[] = [];
  const good: string[] = [];
  let account: string | null = null;
  const untold = (field: string): void => { steps.push(step("account", "inconclusive", "FACT_NOT_TOLD", `${title}'s answer doesn't tell "${field}"`, CHANGED)); };
  for (const f of facts) {
    const raw = got.fields.get(f.field);
    const said = plain(raw);
    switch (f.kind) {
      case "account": account = said ?? account; break;
      case "standing":
        if (f.productionOnly === true && env.tier !== "production") break;
        if (said === null) untold(f.field);
        else if (f.good.some((g) => g === raw)) good.push("account active");
        else steps.push(step("account", "invalid", "ACCOUNT_SUSPENDED", `the account is not in good standing (${f.field}: ${said})`, `open ${title}'s dashboard: billing and account status say why`));
        break;
      case "above":
        if (said === null || !Number.isFinite(Number(said))) untold(f.field);
        else if (Number(said) > f.than) good.push(`${f.what} above ${f.than}`);
        else steps.push(step("account", "inconclusive", "BALANCE_EMPTY", `the ${f.what} is used up; a postpaid account works all the same`, `top it up at ${title}, unless it is postpaid`));
        break;
      case "setting": {
        const wanted = setting(settings, f.setting);
        if (said === null) untold(f.field);
        else if (wanted === said) good.push(`${f.what} as declared`);
        else steps.push(step("account", "invalid", "ACCOUNT_WRONG", `the credential belongs to another ${f.what} than ${f.setting} declares`, `compare ${f.setting} in stacks/${env.name} with ${title}; one of the two is of another environment`));
        break;
      }
      case "tier": {
        const wanted = env.tier === "production" ? f.production : f.others;
        if (said === null) untold(f.field);
        else if (!wanted || wanted.some((w) => w === raw)) good.push(`${f.what} ${said}`);
        else steps.push(step("account", "invalid", "ENVIRONMENT_WRONG", `a working credential of the wrong environment: ${f.what} is ${said} in tier ${env.tier}`, env.tier === "production" ? `use ${title}'s production account here` : `use a test or sandbox account of ${title} here, and find out where the live credential came from`));
        break;
      }
      case "includes": {
        if (!Array.isArray(raw)) {
          steps.push(step("permissions", "inconclusive", "FACT_NOT_TOLD", `${title}'s answer doesn't tell "${f.field}"`, CHANGED));
          break;
        }
        const list: readonly unknown[] = raw;
        const missing = f.wants.filter((w) => !list.includes(w));
        steps.push(missing.length ? step("permissions", "invalid", "PERMISSION_MISSING", `the ${f.what} ${missing.join(", ")} is missing`, `give it the ${f.what} ${missing.join(", ")}`) : step("permissions", "valid", "PERMISSION_PROVEN", `has the ${f.what} ${f.wants.join(", ")}${list.length > f.wants.length + 8 ? `, and ${list.length - f.wants.length} more than needed` : ""}`, list.length > f.wants.length + 8 ? "least privilege: make a key with what is needed alone" : ""));
        break;
      }
    }
  }
  return { steps, good, account };
}

/** Usage as the answer's headers or fields tell it. */
export function judgeLimits(limits: readonly ProbeLimit[], got: Kept): StepResult[] {
  return limits.flatMap((l) => {
    const number = (from: string | undefined): number | null => {
      const raw = from === undefined ? undefined : from.startsWith("field:") ? got.fields.get(from.slice(6)) : got.headers[from];
      return (typeof raw === "string" || typeof raw === "number") && /^\d{1,15}$/.test(String(raw)) ? Number(raw) : null;
    };
    const [left, of] = [number(l.remaining), number(l.limit)];
    if (left === null) return [];
    const share = of !== null && of > 0 ? left / of : 1;
    const said = `${left}${of === null ? "" : ` of ${of}`} ${l.what} left`;
    if (left === 0) return [step("limits", "invalid", "LIMIT_EXCEEDED", said, "wait for the limit's reset; find out who uses it up, or raise the plan")];
    return [share < 0.1 ? step("limits", "valid", "LIMIT_NEAR", said, "find out who uses the limit up, or raise the plan") : step("limits", "valid", "LIMITS_FINE", said)];
  });
}
