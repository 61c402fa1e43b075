import { controlsText } from "../controls.ts";
import { rules } from "../index.ts";
import type { PolicySpec } from "../policy.ts";

/** What a rule looks at, in a word or two. */
export const judges = (r: PolicySpec): string => [...(r.resource ?? r.stack ? ["resources"] : []), ...(r.declared ?? r.codes ?? r.id === "exceptions-valid" ? ["declarations"] : [])].join(", ");

/** The table of all rules, as Markdown: `npm run generate` writes it to policies/README.md. */
export function policyTable(): string {
  const row = (cells: readonly string[]): string => `| ${cells.map((c) => c.replaceAll("|", "\\|")).join(" | ")} |`;
  return `# Policies

Generated from the rules in this folder (\`npm run generate\`). \`stackseal policies\` lists them; \`policies/config.json\` sets their levels;
\`policies/exceptions.yaml\` holds what is let through. A control marked unverified is from memory of the standard: its text was not at hand.

${row(["Rule", "What it wants", "Severity", "Level", "Judges", "Chapter", "PCI DSS 4.0.1", "SOC 2", "ISO 27001:2022"])}
${row(Array.from({ length: 9 }, () => "---"))}
${rules.map((r) => row([`\`${r.id}\``, r.title, r.severity, r.level, judges(r), r.chapter, controlsText(r.id, "PCI DSS 4.0.1"), controlsText(r.id, "SOC 2"), controlsText(r.id, "ISO 27001:2022")])).join("\n")}
`;
}
