import type { CodeTable, Finding } from "../lib/finding.ts";
import { scanRules } from "../schemas/scan-rules.ts";
import { scanCodes } from "./codes.ts";
import type { Match } from "./judge.ts";

const LEVEL = { error: "error", warning: "warning", info: "note" } as const;
const uri = (file: string): string => file.split("/").map(encodeURIComponent).join("/");

/** GitHub takes no more results of a run, and refuses a file of which one has no place. */
const MOST = 25_000;
const NOWHERE = { file: "Pulumi.yaml", line: 1, column: 1 };
const WEIGHT = { error: 0, warning: 1, info: 2 } as const;
const weightiest = (all: readonly Finding[]): readonly Finding[] => (all.length <= MOST ? all : [...all].sort((a, b) => WEIGHT[a.severity] - WEIGHT[b.severity]).slice(0, MOST));

/** A SARIF 2.1.0 log: credentials under their rules, everything else under its code (`codes` brings their titles). No value, no snippet. */
export function sarifOf(findings: readonly Finding[], matches: readonly Match[], tool = "stackseal scan", codes: CodeTable = scanCodes.table): string {
  const place = (m: { file: string; line: number; column: number }, rule: string): string => `${m.file}\u0000${m.line}\u0000${m.column}\u0000${rule}`;
  const byPlace = new Map(matches.map((m) => [place(m, m.rule), m]));
  const results = weightiest(findings).map((f) => {
    const at = f.at ?? NOWHERE;
    const credential = f.code === "SCAN_CREDENTIAL" || f.code === "SCAN_LIKELY_CREDENTIAL";
    const m = f.at && credential ? byPlace.get(place(f.at, f.path ?? "")) : undefined;
    return {
      ruleId: credential ? (f.path ?? f.code) : f.code,
      level: LEVEL[f.severity],
      message: { text: f.hint === undefined ? f.message : `${f.message}\n${f.hint}` },
      locations: [{ physicalLocation: { artifactLocation: { uri: uri(at.file), uriBaseId: "%SRCROOT%" }, region: { startLine: at.line, startColumn: at.column, ...(m && { endColumn: m.endColumn }) } } }],
      ...(m && { properties: { code: f.code, length: m.length, digest: m.digest, ...(m.commit !== undefined && { commit: m.commit }) } }),
    };
  });
  const used = new Set(results.map((r) => r.ruleId));
  const rules = [
    ...scanRules.map((r) => ({ id: r.id, shortDescription: { text: r.title } })),
    ...Object.entries(codes).map(([id, c]) => ({ id, shortDescription: { text: c.title } })),
  ].filter((r) => used.has(r.id));
  return `${JSON.stringify({ $schema: "https://json.schemastore.org/sarif-2.1.0.json", version: "2.1.0", runs: [{ tool: { driver: { name: tool, rules } }, columnKind: "utf16CodeUnits", results }] }, null, 2)}\n`;
}
