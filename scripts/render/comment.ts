import type { Finding } from "../../lib/finding.ts";
import type { InForce, OpenExposure } from "../changes/in-force.ts";
import type { AccessChange } from "../changes/access.ts";
import type { CredentialChange } from "../changes/credentials.ts";
import { printable } from "./paint.ts";
import { nameOf, typeOf, verdict, type Summary } from "./plan.ts";

// The comment on a pull request. Every text that a file may have brought goes through `code`, which leaves nothing that Markdown, HTML or
// the code host could read as more than text; only the fields below can get here, and none of them is a value.

export interface CommentEnvironment {
  readonly name: string;
  readonly tier: string;
  readonly summary: Summary;
  readonly steps: readonly { readonly op: string; readonly urn: string; readonly diff: readonly string[] }[];
  readonly credentials: readonly CredentialChange[];
  readonly violations: readonly { readonly policy: string; readonly level: string; readonly urn: string; readonly message: string; readonly place: string }[];
}
export interface Comment {
  readonly ok: boolean;
  readonly compared: string;
  readonly environments: readonly CommentEnvironment[];
  readonly access: readonly AccessChange[];
  readonly findings: readonly Finding[];
  readonly exceptions: readonly InForce[];
  readonly exposures: readonly OpenExposure[];
  /** The plan's digest and what is approved of it. */
  readonly digest: string;
  readonly approval: string;
  readonly needsSuperAdmin: boolean;
  readonly reproduce: string;
}
/** The code host takes 65,536 characters. */
export const LIMIT = 65_536;
/** Whoever posts the comment looks for this line and changes that comment instead of writing a second one. */
export const MARKER = "<!-- stackseal:preview -->";

const LONGEST = 140;
/** Text of others as inline code that can't end early: every sign with a meaning becomes a character reference. */
export function code(text: string, longest = LONGEST): string {
  const flat = printable(text.length > 20_000 ? `${text.slice(0, 10_000)}${text.slice(-10_000)}` : text).replace(/\s+/g, " ").trim();
  const chars = Array.from(flat);
  const cut = chars.length > longest ? `${chars.slice(0, longest - 20).join("")}…${chars.slice(-19).join("")}` : flat;
  return `<code>${cut.replace(/[^A-Za-z0-9 /.\-\u00a1-\uffff]/gu, (c) => `&#${c.codePointAt(0) ?? 0xfffd};`).replace(/www\./gi, (w) => `${w.slice(0, 3)}&#46;`)}</code>`;
}
const days = (n: number): string => (n === 1 ? "1 day" : `${n} days`);
const SYMBOL: Readonly<Record<string, string>> = { create: "➕ create", update: "✏️ update", replace: "♻️ replace", delete: "🗑️ delete" };
/** Only the rows that are shown are made: there may be very many. */
const table = <T>(head: string, rows: readonly T[], row: (r: T) => string, most: number): string[] =>
  rows.length === 0 ? [] : [head, head.replace(/[^|]+/g, "---"), ...rows.slice(0, most).map(row), ...(rows.length > most ? ["", `… and ${rows.length - most} more: run the command below.`] : []), ""];
const folded = (title: string, lines: readonly string[], open = false): string[] => (lines.length ? [`<details${open ? " open" : ""}><summary>${title}</summary>`, "", ...lines, "</details>", ""] : []);
const place = (f: Finding): string => (f.at ? code(`${f.at.file}:${f.at.line}:${f.at.column}`) : f.path === undefined ? "" : code(f.path));

function body(c: Comment, most: number): string {
  const changed = (e: CommentEnvironment): boolean => e.steps.some((s) => s.op !== "same") || e.credentials.length > 0 || e.violations.some((v) => v.level === "mandatory");
  const concerned = c.environments.filter(changed);
  const quiet = c.environments.filter((e) => !changed(e));
  const errors = c.findings.filter((f) => f.severity === "error");
  return [
    MARKER,
    `## Stackseal preview: ${c.ok ? "✅ nothing stands against it" : `❌ ${errors.length === 1 ? "1 error" : `${errors.length} errors`}`}`, "",
    code(c.compared), "",
    ...table("| environment | create | update | replace | delete | credentials | policies |", concerned, (e) => `| **${code(e.name)}** (${code(e.tier)}) | ${e.summary.create} | ${e.summary.update} | ${e.summary.replace} | ${e.summary.delete} | ${e.credentials.length} | ${verdict(e.violations)} |`, 60),
    ...(quiet.length ? [`Not concerned: ${quiet.slice(0, 60).map((e) => code(e.name)).join(", ")}${quiet.length > 60 ? ` and ${quiet.length - 60} more` : ""}.`, ""] : []),
    ...(c.needsSuperAdmin ? ["**A payment credential or the access matrix changes: production needs a Super Admin among the approvers.**", ""] : []),
    ...folded(`Findings (${errors.length})`, table("| code | where | what |", errors, (f) => `| ${code(f.code)} | ${place(f)} | ${code(f.message)} |`, most), true),
    ...concerned.flatMap((e) => {
      const steps = e.steps.filter((s) => s.op !== "same");
      return folded(`${code(e.name)}: ${steps.length} resource changes`, table("| | resource | name | properties |", steps, (s) => `| ${Object.hasOwn(SYMBOL, s.op) ? SYMBOL[s.op] ?? "" : code(s.op)} | ${code(typeOf(s.urn))} | ${code(nameOf(s.urn))} | ${s.op === "update" || s.op === "replace" ? s.diff.slice(0, 12).map((d) => code(d)).join(", ") : ""} |`, most));
    }),
    ...folded(`Credentials (${concerned.reduce((n, e) => n + e.credentials.length, 0)})`, table("| environment | credential | change | kind | age |", concerned.flatMap((e) => e.credentials.map((x) => ({ e, x }))), ({ e, x }) => `| ${code(e.name)} | ${code(x.path)} | ${x.change} | ${code(x.kind)} | ${days(x.ageDays)} |`, most), true),
    ...folded(`Access (${c.access.length})`, table("| who | | tier | class | may |", c.access, (a) => `| ${code(a.who)} (${code(a.role)}) | **${a.change}** | ${a.tier} | ${a.class} | ${a.verbs.join(", ")} |`, most), true),
    ...folded(`Policies (${verdict(concerned.flatMap((e) => e.violations))})`, table("| rule | level | resource | where | what |", concerned.flatMap((e) => e.violations.map((v) => ({ e, v }))), ({ e, v }) => `| ${code(v.policy)} | ${code(v.level)} | ${code(`${e.name}: ${nameOf(v.urn)}`)} | ${code(v.place)} | ${code(v.message)} |`, most), true),
    ...folded(`Exceptions in force (${c.exceptions.length})`, table("| rule | where | owner | until |", c.exceptions, (e) => `| ${code(e.rule)} | ${code(e.where)} | ${code(e.owner)} | ${code(e.expires)} |`, most)),
    ...folded(`Open exposures (${c.exposures.length})`, table("| exposure | subject | environment | credential | due |", c.exposures, (x) => `| ${code(x.exposure)} | ${code(x.subject)} | ${code(x.environment)} | ${code(x.path)} | ${code(x.due)} |`, most)),
    `Plan ${code(c.digest)}, approval ${code(c.approval)}`, "",
    ...folded("How to reproduce", [`<pre>${code(c.reproduce, 2000).slice(6, -7)}</pre>`, "", "No key, account or network is needed."]),
    // Code hosts run no merge drivers: their own editor would break a mac.
    ...(concerned.some((e) => e.credentials.length > 0) ? folded("If the host reports a conflict in a sealed file", ["<pre>git fetch && git merge origin/main</pre>", "", "On a machine with an identity that opens it: the merge driver that <code>stackseal init</code> installs merges by key. What was merged by hand: <code>stackseal secret merge BASE OURS THEIRS</code>. Never in the host's editor."]) : []),
  ].join("\n");
}

/** The Markdown of the comment, always under the host's limit: tables are cut, longest first, and say what was left out. */
export function renderComment(c: Comment): string {
  for (const most of [400, 150, 60, 20, 8, 3, 0]) {
    const text = `${body(c, most)}\n`;
    if (text.length <= LIMIT - 512) return text;
  }
  return `${MARKER}\n## Stackseal preview: ${c.ok ? "✅" : "❌"}\n\nThe change is too large for a comment. Plan ${code(c.digest)}\n`;
}
