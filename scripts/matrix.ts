import { allows, CLASSES, ROLES, TIERS, VERBS, type Role, type Tier } from "../schemas/access.ts";

// The access matrix as people read it: one table a tier, roles down, classes across, the verbs in the cells.

export const verbsOf = (role: Role, cls: (typeof CLASSES)[number], tier: Tier): string[] => VERBS.filter((v) => allows(role, cls, tier, v));
const cell = (verbs: readonly string[]): string => (verbs.length === VERBS.length ? "all" : verbs.join(", ") || "–");
const WORDS: Readonly<Record<(typeof VERBS)[number], string>> = {
  open: "decrypt the sealed file in git", seal: "change a sealed value in git", read: "read from the run-time store", write: "write to the store", list: "see names and dates", delete: "delete from the store", permit: "change who may do any of these",
};
interface Table {
  readonly tier: Tier;
  readonly rows: readonly (readonly string[])[];
}
const tables = (tiers: readonly Tier[]): Table[] => tiers.map((tier) => ({ tier, rows: ROLES.map((r) => [r, ...CLASSES.map((c) => cell(verbsOf(r, c, tier)))]) }));
const HEAD = ["Role", ...CLASSES];

export function matrixJson(): { role: Role; tier: Tier; class: string; verbs: string[] }[] {
  return ROLES.flatMap((role) => TIERS.flatMap((tier) => CLASSES.map((cls) => ({ role, tier, class: cls, verbs: verbsOf(role, cls, tier) }))));
}
/** `columns`: how wide the terminal is; where the tables are wider, each role has its classes below each other. */
export function matrixText(bold: (t: string) => string, columns = Infinity): string {
  const all = tables(TIERS);
  const words = VERBS.map((v) => `${v.padEnd(7)} ${WORDS[v]}`);
  const classes = Math.max(...CLASSES.map((c) => c.length));
  const widths = HEAD.map((h, i) => Math.max(h.length, ...all.flatMap((t) => t.rows.map((r) => (r[i] as string).length))));
  const line = (r: readonly string[]): string => r.map((c, i) => c.padEnd(widths[i] as number)).join("  ").trimEnd();
  const listed = (r: readonly string[]): string => [r[0], ...CLASSES.map((c, i) => `  ${c.padEnd(classes)} ${r[i + 1] ?? ""}`)].join("\n");
  if (widths.reduce((a, b) => a + b + 2, -2) > columns) return [...all.map((t) => `${bold(t.tier)}\n${t.rows.map(listed).join("\n")}\n`), ...words].join("\n");
  return [...all.map((t) => `${bold(t.tier)}\n${[HEAD, ...t.rows].map(line).join("\n")}\n`), ...words].join("\n");
}
export function matrixMarkdown(): string {
  const line = (r: readonly string[]): string => `| ${r.join(" | ")} |`;
  return `# Access matrix\n\n${tables(TIERS).map((t) => `## ${t.tier}\n\n${[HEAD, HEAD.map(() => "---"), ...t.rows].map(line).join("\n")}\n`).join("\n")}\n${VERBS.map((v) => `- \`${v}\`: ${WORDS[v]}`).join("\n")}\n`;
}
const escape = (t: string): string => t.replace(/[&<>"]/g, (c) => `&#${String(c.charCodeAt(0))};`);
/** One self-contained page: no script, nothing from the network. */
export function matrixHtml(): string {
  const table = (t: Table): string => `<section><h2>${t.tier}</h2><table><thead><tr>${HEAD.map((h) => `<th scope="col">${escape(h)}</th>`).join("")}</tr></thead><tbody>${t.rows.map((r) => `<tr>${r.map((c, i) => (i === 0 ? `<th scope="row">${escape(c)}</th>` : `<td${c === "–" ? ' class="no"' : c === "all" ? ' class="all"' : ""}>${escape(c)}</td>`)).join("")}</tr>`).join("")}</tbody></table></section>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>Access matrix</title>
<style>:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem}table{border-collapse:collapse;width:100%}th,td{border:1px solid;border-color:color-mix(in srgb,currentColor 25%,transparent);padding:.35rem .6rem;text-align:left;vertical-align:top}.no{opacity:.7}.all{font-weight:600}@media print{section{break-inside:avoid}}</style></head>
<body><main><h1>Access matrix</h1>${tables(TIERS).map(table).join("\n")}<h2>Words</h2><dl>${VERBS.map((v) => `<dt><code>${v}</code></dt><dd>${WORDS[v]}</dd>`).join("")}</dl></main></body></html>
`;
}
