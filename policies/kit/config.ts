import { POLICY_CONFIG_FILE } from "../../schemas/layout.ts";
import { isThere, readDocument, type Document } from "../../lib/document.ts";
import type { Finding } from "../../lib/finding.ts";
import { nearest } from "../../lib/nearest.ts";
import { policyCodes } from "../codes.ts";
import { FIXED, type PolicySpec } from "../policy.ts";

/** The pack's configuration as `pulumi … --policy-pack-config` takes it: a level, or a map with `enforcementLevel` and settings; `all` for every rule. */
export const LEVELS = ["advisory", "mandatory", "disabled"] as const;
export type Level = (typeof LEVELS)[number];

export interface RuleConfig {
  readonly level?: Level | undefined;
  readonly settings: Readonly<Record<string, unknown>>;
}
export class PackConfig {
  private readonly byRule: ReadonlyMap<string, RuleConfig>;
  constructor(byRule: ReadonlyMap<string, RuleConfig> = new Map()) {
    this.byRule = byRule;
  }
  level(rule: PolicySpec): Level {
    if (FIXED.includes(rule.id)) return rule.level;
    return this.byRule.get(rule.id)?.level ?? this.byRule.get("all")?.level ?? rule.level;
  }
  settings(rule: PolicySpec): Readonly<Record<string, unknown>> {
    return this.byRule.get(rule.id)?.settings ?? {};
  }
}

/** Reads the pack's configuration. An unknown rule, level or setting is a finding; a rule that can't be read keeps its own level. */
export function readConfig(root: string, rules: readonly PolicySpec[], file = POLICY_CONFIG_FILE): { readonly config: PackConfig; readonly findings: readonly Finding[] } {
  if (!isThere(root, file)) return { config: new PackConfig(), findings: [] };
  const { document, findings } = readDocument(root, file);
  if (!document) return { config: new PackConfig(), findings };
  const out: Finding[] = [...findings];
  const byRule = new Map<string, RuleConfig>();
  const value = document.value;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return { config: new PackConfig(), findings: [...out, policyCodes.finding("POLICY_CONFIG", { message: "the configuration is a map from rules to levels", at: document.locate([]) })] };
  for (const [id, given] of Object.entries(value as Record<string, unknown>)) {
    const rule = rules.find((r) => r.id === id);
    if (!rule && id !== "all") {
      const near = nearest(id, rules.map((r) => r.id));
      out.push(policyCodes.finding("POLICY_UNKNOWN", { message: `no policy is named "${id}"`, at: document.locate([id], "key"), path: id, hint: near === null ? "stackseal policies lists them" : `did you mean ${near}?` }));
      continue;
    }
    byRule.set(id, ruleConfig(id, given, rule, document, out));
  }
  return { config: new PackConfig(byRule), findings: out };
}
function ruleConfig(id: string, given: unknown, rule: PolicySpec | undefined, doc: Document, out: Finding[]): RuleConfig {
  const { enforcementLevel, ...settings } = (typeof given === "string" ? { enforcementLevel: given } : typeof given === "object" && given !== null && !Array.isArray(given) ? given : { enforcementLevel: null }) as Record<string, unknown>;
  // `remediate` is one of Pulumi's levels; no rule of ours rewrites what somebody declared.
  const level = LEVELS.find((l) => l === enforcementLevel);
  if (enforcementLevel !== undefined && level === undefined) out.push(policyCodes.finding("POLICY_CONFIG", { message: `the level of ${id} must be one of ${LEVELS.join(", ")}`, at: doc.locate(typeof given === "object" ? [id, "enforcementLevel"] : [id]), path: id }));
  if (FIXED.includes(id) && level !== undefined && level !== rule?.level) out.push(policyCodes.finding("POLICY_CONFIG", { message: `${id} can't be lowered: the configuration itself hangs on it`, at: doc.locate([id]), path: id }));
  for (const key of Object.keys(settings)) if (rule?.config?.[key] === undefined) {
    const near = nearest(key, ["enforcementLevel", ...Object.keys(rule?.config ?? {})]);
    out.push(policyCodes.finding("POLICY_CONFIG", { message: `${id} has no setting "${key}"`, at: doc.locate([id, key], "key"), path: `${id}.${key}`, ...(near !== null && { hint: `did you mean ${near}?` }) }));
  }
  return { level, settings };
}
