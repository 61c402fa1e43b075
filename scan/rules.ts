import { DOCUMENTED, PLACEHOLDERS, scanRules, type ScanRule } from "../schemas/scan-rules.ts";

// The rules of schemas/scan-rules, made ready to run.

export interface CompiledRule {
  readonly rule: ScanRule;
  readonly pattern: RegExp;
  readonly notValue: readonly RegExp[];
  readonly notAfter: readonly RegExp[];
}
export interface RuleSet {
  readonly rules: readonly CompiledRule[];
  /** Finds every keyword of every rule; null where no rule has one. */
  readonly keywords: RegExp | null;
  /** Keyword in small letters → positions in `rules`. A longer keyword wakes the rules of those within it too. */
  readonly wakes: ReadonlyMap<string, readonly number[]>;
  readonly always: readonly number[];
  readonly placeholders: readonly RegExp[];
  readonly documented: ReadonlySet<string>;
}

/** `(?i)` in front is RE2's; here it is a flag. */
const regex = (source: string): RegExp => (source.startsWith("(?i)") ? new RegExp(source.slice(4), "i") : new RegExp(source));
const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

export function compileRules(rules: readonly ScanRule[] = scanRules): RuleSet {
  const words = [...new Set(rules.flatMap((r) => r.keywords))].sort((a, b) => b.length - a.length);
  return {
    rules: rules.map((rule) => ({
      rule,
      pattern: new RegExp(rule.pattern, rule.ignoreCase ? "gim" : "gm"),
      notValue: (rule.notValue ?? []).map(regex),
      notAfter: (rule.notAfter ?? []).map((s) => regex(`(?:${s})$`)),
    })),
    keywords: words.length ? new RegExp(words.map(escape).join("|"), "gi") : null,
    wakes: new Map(words.map((w) => [w, rules.flatMap((r, i) => (r.keywords.some((k) => w.includes(k)) ? [i] : []))])),
    always: rules.flatMap((r, i) => (r.keywords.length ? [] : [i])),
    placeholders: PLACEHOLDERS.map(regex),
    documented: new Set(DOCUMENTED),
  };
}
