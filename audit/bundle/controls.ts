import { CONTROLS, type Control } from "../../policies/controls.ts";
import type { Parts } from "./git-parts.ts";
import { POLICIES } from "./recorded.ts";

/** Which files speak of which rules, besides the verdicts at each merge, which speak of all. By the beginning of their names. */
const SPEAKS: Readonly<Record<string, readonly string[]>> = {
  "git/log.jsonl": ["known-writer", "people-signed", "staging-first", "exceptions-valid", "no-leaver-recipients", "payments-super-admin-only", "credential-age", "strong-passwords"],
  "git/recipients.jsonl": ["no-leaver-recipients", "payments-super-admin-only"],
  "git/files/stacks/*/environment.yaml": ["alerts-on-payments", "smtp-encryption", "test-live-mode"],
  "recorded/alerts.jsonl": ["alerts-on-payments"],
  "recorded/policies-": ["exceptions-valid"],
  "git/files/stacks/*/rotations/": ["credential-age", "credential-overdue", "open-exposures"],
  "git/files/stacks/people.yaml": ["second-factor", "people-signed", "no-leaver-recipients", "payments-super-admin-only"],
  "git/files/schemas/access.ts": ["payments-super-admin-only", "deployer-bound"],
  "git/files/stacks/attestations.yaml": ["second-factor", "attestation-age", "reviews-current", "staging-first"],
  "git/files/stacks/reviews/": ["reviews-current"],
  "git/files/stacks/exposures/": ["open-exposures", "no-leaver-recipients"],
  "git/files/policies/exceptions.yaml": ["exceptions-valid"],
  "recorded/store.jsonl": ["known-writer", "environment-separation"],
  "recorded/doctor": ["test-live-mode", "staging-sandbox-accounts", "production-live-accounts", "smtp-encryption"],
};
const begins = (file: string, start: string): boolean => new RegExp(`^${start.replaceAll(".", "\\.").replaceAll("*", "[^/]+")}`).test(file);
export interface ControlRow { readonly framework: Control["framework"]; readonly control: string; readonly source: string; readonly rules: readonly string[]; readonly evidence: readonly string[] }

/** One row a control: the rules that stand for it, and the files of this bundle that speak of them. */
export function controlRows(files: readonly string[], verdicts: number): ControlRow[] {
  const rows = new Map<string, { framework: Control["framework"]; control: string; source: string; rules: string[] }>();
  for (const [rule, controls] of Object.entries(CONTROLS))
    for (const c of controls) {
      const key = `${c.framework} ${c.control}`;
      const row = rows.get(key) ?? { framework: c.framework, control: c.control, source: c.source ?? "unverified", rules: [] };
      row.rules.push(rule);
      rows.set(key, row);
    }
  const speaking = (rules: readonly string[]): string[] =>
    [...(verdicts > 0 ? [POLICIES] : []), ...Object.entries(SPEAKS).filter(([file, of]) => of.some((r) => rules.includes(r)) && files.some((f) => begins(f, file))).map(([file]) => file)];
  return [...rows.values()].map((r) => ({ ...r, evidence: speaking(r.rules) })).sort((a, b) => (a.framework < b.framework ? -1 : a.framework > b.framework ? 1 : a.control.localeCompare(b.control, "en", { numeric: true })));
}
const CAUTION = [
  "Nobody's auditor has confirmed this table. \"unverified\": the mapping is from memory of the standard, its text wasn't read.",
  "A control is answered in part at most: by what is declared and changed here. Who does it, how it is supervised, and everything outside this repository is not covered.",
  "Every control of the three standards that has no row here is not covered at all.",
  "Verdicts and doctor results are recorded; that alerts fired and that the cloud's own log is whole is not shown by anything here.",
];
/** `controls.json` and `controls.md`. */
export function controlsParts(files: readonly string[], verdicts: number): Parts {
  const rows = controlRows(files, verdicts);
  const cell = (list: readonly string[], none: string): string => (list.length ? list.map((x) => `\`${x}\``).join(", ") : none);
  const table = (framework: string): string => `## ${framework}\n\n| Control | Rules that stand for it | Evidence in this bundle | Control's text read in |\n| --- | --- | --- | --- |\n${rows.filter((r) => r.framework === framework).map((r) => `| ${r.control} | ${cell(r.rules, "–")} | ${cell(r.evidence, "**none in this bundle**")} | ${r.source} |\n`).join("")}`;
  const none = rows.filter((r) => r.evidence.length === 0).map((r) => `${r.framework} ${r.control}`);
  const unmapped = Object.entries(CONTROLS).filter(([, c]) => c.length === 0).map(([rule]) => rule);
  const md = `# Which evidence answers which control\n\n${CAUTION.map((c) => `- ${c}\n`).join("")}\n${[...new Set(rows.map((r) => r.framework))].map(table).join("\n")}\n## Not covered\n\n- Mapped, but nothing in this bundle speaks of it: ${none.join(", ") || "–"}.\n- Rules for which no control is claimed: ${cell(unmapped, "–")}.\n- All other controls of the three standards.\n`;
  return new Map([["controls.json", Buffer.from(`${JSON.stringify({ caution: CAUTION, controls: rows, nothingHere: none, rulesWithoutControl: unmapped }, null, 2)}\n`)], ["controls.md", Buffer.from(md)]]);
}
