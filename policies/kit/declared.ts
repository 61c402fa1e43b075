import type { Finding, Position } from "../../lib/finding.ts";
import type { PolicySpec } from "../policy.ts";
import type { PackConfig } from "./config.ts";
import type { ExceptionBook } from "./exceptions.ts";
import type { Facts } from "./facts.ts";

/** A violation in a file. */
export interface DeclaredViolation {
  readonly rule: PolicySpec;
  readonly level: "advisory" | "mandatory";
  readonly message: string;
  readonly at: Position;
  readonly path?: string | undefined;
  readonly hint?: string | undefined;
  /** Null: it concerns every environment. */
  readonly environment: string | null;
  /** The finding of a room before this one that says the same. */
  readonly finding?: Finding | undefined;
}

/** Judges the declarations by every rule that does; what an exception lets through is noted in the book. Sorted by rule. */
export function judgeDeclarations(facts: Facts, rules: readonly PolicySpec[], config: PackConfig, book: ExceptionBook): DeclaredViolation[] {
  const out: DeclaredViolation[] = [];
  for (const rule of rules) {
    const level = config.level(rule);
    if (level === "disabled") continue;
    const add = (v: Omit<DeclaredViolation, "rule" | "level" | "environment">, advice = false): void => {
      if (!book.excuses(rule.id, { file: v.at.file, path: v.path })) out.push({ rule, level: advice ? "advisory" : level, environment: environmentOfFile(v.at.file), ...v });
    };
    for (const f of facts.findings) if (rule.codes?.includes(f.code) === true && f.at) add({ message: f.message, at: f.at, path: f.path, hint: f.hint, finding: f }, f.severity !== "error");
    rule.declared?.(facts, (message, place) => {
      add({ message, at: place.at ?? facts.locate(place.file, place.path ?? []), hint: place.hint ?? rule.remediation, ...(place.path && { path: place.path.join(".") }) }, place.advice);
    }, config.settings(rule));
  }
  return out;
}
export const environmentOfFile = (file: string): string | null => (file.startsWith(".stackseal/") ? "local" : (/^stacks\/([^/]+)\/[^/]+$/.exec(file)?.[1] ?? null));

/**
 * The findings as the policies weigh them: what an exception lets through is gone, what the configuration lowers is a warning or
 * gone, and what only a policy sees is added. `report`: the violations as findings.
 */
export function weigh(findings: readonly Finding[], violations: readonly DeclaredViolation[], rules: readonly PolicySpec[], config: PackConfig, report: (v: DeclaredViolation) => Finding): Finding[] {
  const key = (f: Finding): string => JSON.stringify([f.code, f.at, f.path, f.message]);
  const kept = new Set(violations.flatMap((v) => (v.finding ? [key(v.finding)] : [])));
  const judged = new Map(rules.flatMap((r) => (r.codes ?? []).map((c) => [c, r] as const)));
  const same = findings.flatMap((f): Finding[] => {
    const rule = f.at && judged.get(f.code);
    if (!rule) return [f];
    if (!kept.has(key(f))) return [];
    return config.level(rule) === "advisory" && rule.level === "mandatory" && f.severity === "error" ? [{ ...f, severity: "warning" }] : [f];
  });
  return [...same, ...violations.filter((v) => !v.finding).map(report)];
}
