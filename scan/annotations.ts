import type { Finding } from "../lib/finding.ts";

const COMMAND = { error: "error", warning: "warning", info: "notice" } as const;
const data = (text: string): string => text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
const property = (text: string): string => data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");

/** Workflow commands that a code host shows at the lines of a change. */
export function annotationsOf(findings: readonly Finding[]): string {
  return findings
    .map((f) => {
      const at = f.at ? `file=${property(f.at.file)},line=${f.at.line},col=${f.at.column},` : "";
      return `::${COMMAND[f.severity]} ${at}title=${property(f.code)}::${data(f.hint === undefined ? f.message : `${f.message} (${f.hint})`)}\n`;
    })
    .join("");
}
