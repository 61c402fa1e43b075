import type { Finding } from "../lib/finding.ts";
import { scanCodes } from "./codes.ts";
import type { Judge, Match } from "./judge.ts";

export interface Names {
  readonly matches: readonly Match[];
  readonly findings: readonly Finding[];
  /** A name as it may be shown: what is a credential in it replaced by its rule. */
  readonly mask: (name: string) => string;
}
/** Credentials that names of files are, or hold: by their own shape alone, as a name has no name before it that would make a value likely. */
export function judgeNames(names: Iterable<string>, judge: Judge): Names {
  // A name may hold a line break: each is one line here.
  const all = [...new Set(names)].map((name) => ({ name, line: Buffer.from(name.replaceAll("\n", " "), "utf8").toString("latin1") }));
  const byLine = new Map<number, Match[]>();
  for (const m of judge(all.map((n) => n.line).join("\n"), { file: "" }).matches) if (!m.likely) byLine.set(m.line, [...(byLine.get(m.line) ?? []), m]);
  const masked = new Map<string, string>();
  const matches: Match[] = [];
  const findings: Finding[] = [];
  for (const [line, found] of byLine) {
    const { name } = all[line - 1] as (typeof all)[number];
    const file = found.reduceRight((text, m) => `${text.slice(0, m.column - 1)}[${m.rule}]${text.slice(m.endColumn - 1)}`, name);
    masked.set(name, file);
    for (const m of found) {
      matches.push({ ...m, file, line: 1 });
      findings.push(scanCodes.finding("SCAN_CREDENTIAL", { message: `${m.title} stands in the name of a file (${m.length} characters, digest ${m.digest})`, at: { file, line: 1, column: m.column }, path: m.rule, hint: "name the file otherwise, and replace the value at its provider if it was ever committed" }));
    }
  }
  return { matches, findings, mask: (name) => masked.get(name) ?? name };
}
