import { painter, printable } from "../../render/paint.ts";

export interface FoundationStep {
  readonly step: string;
  readonly state: "done" | "todo" | "failed" | "skipped";
  readonly says: string;
}
const SIGN = { done: "✓", todo: "→", failed: "✗", skipped: "–" } as const;

/** Steps as they come; with `all`, what stands at the end. */
export function renderSteps(steps: readonly FoundationStep[], color: boolean, from: number, environment = "", dry = false, all: readonly FoundationStep[] = []): string {
  const p = painter(color);
  const paint = { done: p.green, todo: p.yellow, failed: p.red, skipped: p.dim } as const;
  if (environment !== "") {
    const count = (s: FoundationStep["state"]): number => all.filter((x) => x.state === s).length;
    return `${dry ? "Dry run: nothing was changed. " : ""}Foundation of ${environment}: ${count("done")} of ${all.length} steps done${count("todo") ? `, ${count("todo")} to do` : ""}${count("failed") ? `, ${count("failed")} failed` : ""}.\n`;
  }
  return steps.map((s, i) => `${String(from + i).padStart(2)} ${paint[s.state](SIGN[s.state])} ${s.step.padEnd(28)} ${printable(s.says)}\n`).join("");
}
