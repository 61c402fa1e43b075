import type { Diagnosis } from "../../doctor/diagnose.ts";
import { printable, type Painter } from "./paint.ts";

const MARK: Readonly<Record<Diagnosis["verdict"], string>> = { valid: "✓", invalid: "✗", inconclusive: "?", skipped: "–" };

/** One line a step, with what to do next below it; a count at the end. */
export function renderDiagnosis(results: readonly Diagnosis[], titles: ReadonlyMap<string, string>, p: Painter): string {
  const paint = { valid: p.green, invalid: p.red, inconclusive: p.yellow, skipped: p.dim };
  const width = Math.max(0, ...results.map((r) => r.step.length));
  const groups = [...new Set(results.map((r) => r.integration))].map((id) => {
    const lines = results.filter((r) => r.integration === id).map((r) => `  ${paint[r.verdict](MARK[r.verdict])} ${r.step.padEnd(width)}  ${r.verdict === "skipped" ? p.dim(printable(r.message)) : printable(r.message)}${r.verdict === "invalid" || r.verdict === "inconclusive" ? p.dim(`  ${r.code}`) : ""}\n${r.next === "" || r.verdict === "skipped" ? "" : `    ${" ".repeat(width)}${p.dim("→")} ${printable(r.next)}\n`}`);
    return `${p.bold(titles.get(id) ?? id)}\n${lines.join("")}`;
  });
  return `${groups.join("\n")}\n${count(results)}\n`;
}
export function count(results: readonly Diagnosis[]): string {
  const n = (v: Diagnosis["verdict"]): number => results.filter((r) => r.verdict === v).length;
  return (["valid", "invalid", "inconclusive", "skipped"] as const).filter((v) => n(v) > 0).map((v) => `${n(v)} ${v}`).join(", ");
}
/** For an incident's ticket: a table for each integration. */
export function diagnosisMarkdown(environment: string, at: Date, results: readonly Diagnosis[], titles: ReadonlyMap<string, string>): string {
  const cell = (t: string): string => printable(t).replaceAll("|", "\\|").replace(/[<>]/g, (c) => (c === "<" ? "&lt;" : "&gt;"));
  const tables = [...new Set(results.map((r) => r.integration))].map((id) => `### ${titles.get(id) ?? id}\n\n| | step | found | next |\n|---|---|---|---|\n${results.filter((r) => r.integration === id).map((r) => `| ${MARK[r.verdict]} ${r.verdict} | ${r.step} | ${cell(r.message)} (\`${r.code}\`) | ${cell(r.next)} |`).join("\n")}\n`);
  return `## Doctor: ${environment}, ${at.toISOString()}\n\n${count(results)}\n\n${tables.join("\n")}`;
}
