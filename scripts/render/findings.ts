import type { Finding } from "../../lib/finding.ts";
import { printable, type Painter } from "./paint.ts";

/** A file's name may hold a line break too, which would look like another finding. */
const name = (text: string): string => printable(text).replace(/[\n\t]/g, "\ufffd");
/** `file:line:column: severity CODE message`, then the hint; a count at the end. */
export function renderFindings(findings: readonly Finding[], p: Painter): string {
  const paint = { error: p.red, warning: p.yellow, info: p.blue };
  const lines = findings.map((f) => {
    const place = f.at ? `${f.at.file}:${String(f.at.line)}:${String(f.at.column)}: ` : "";
    const path = f.path !== undefined ? p.dim(` (${name(f.path)})`) : "";
    return `${p.bold(name(place))}${paint[f.severity](f.severity)} ${p.bold(f.code)} ${printable(f.message)}${path}\n${f.hint ? `    ${p.dim("→")} ${printable(f.hint)}\n` : ""}`;
  });
  const count = (s: Finding["severity"], word: string): string[] => {
    const n = findings.filter((f) => f.severity === s).length;
    return n ? [paint[s](`${n} ${word}${n > 1 && s !== "info" ? "s" : ""}`)] : [];
  };
  return `${lines.join("")}${[...count("error", "error"), ...count("warning", "warning"), ...count("info", "info")].join(", ")}\n`;
}
