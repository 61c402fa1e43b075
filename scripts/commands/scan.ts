import { FindingError, hasErrors, type Finding } from "../../lib/finding.ts";
import { annotationsOf } from "../../scan/annotations.ts";
import { gitleaksConfig } from "../../scan/gitleaks.ts";
import { scanHistory, scanInput, scanStaged, scanTree, type ScanOptions, type ScanResult } from "../../scan/index.ts";
import { sarifOf } from "../../scan/sarif.ts";
import { defineCommand, type Context, type Result } from "../command.ts";

const usage = (message: string): FindingError => new FindingError({ code: "USAGE", severity: "error", message }, 2);

export default defineCommand({
  name: "scan",
  summary: "Look for credentials in the tree, in what is staged, in the history or in standard input",
  args: [{ name: "[paths...]", description: "files and folders; - is standard input; none means the whole tree" }],
  options: [
    { flags: "--staged", description: "what the next commit would hold" },
    { flags: "--history", description: "every line that any commit on any ref brought" },
    { flags: "--emit <format>", description: "write the rules for another scanner instead", choices: ["gitleaks"] },
    { flags: "--format <format>", description: "how findings are written", choices: ["text", "sarif", "github"], default: "text" },
  ],
  examples: ["stackseal scan", "stackseal scan --staged", "stackseal scan --history --format sarif > scan.sarif", "git diff | stackseal scan -", "stackseal scan --emit gitleaks > .gitleaks.toml"],
  wants: "any",
  async run(context, args, options) {
    const paths = args.flatMap((a) => a as string | string[]);
    if (options["emit"] === "gitleaks") return { exit: 0, text: gitleaksConfig(), json: { config: gitleaksConfig() } };
    const ways = [options["staged"] === true, options["history"] === true, paths.length > 0].filter(Boolean).length;
    if (ways > 1) throw usage("scan takes paths, --staged or --history: one of them");
    if (paths.includes("-") && paths.length > 1) throw usage("standard input (-) is scanned alone");
    const result = await scan(context, paths, options);
    return written(context, result, options["format"]);
  },
});

async function scan(context: Context, paths: readonly string[], options: Readonly<Record<string, unknown>>): Promise<ScanResult> {
  const o: ScanOptions = { root: context.root, env: context.env, signal: context.signal, progress: context.progress };
  if (options["staged"] === true) return scanStaged(o);
  if (options["history"] === true) return scanHistory(o);
  if (paths[0] === "-") return scanInput(o, context.stdin as AsyncIterable<Buffer | string>);
  return scanTree(o, paths);
}

function written(context: Context, r: ScanResult, format: unknown): Result {
  const exit = r.findings.some((f) => f.code === "SCAN_NO_SUCH_PATH") ? 2 : hasErrors(r.findings) ? 1 : 0;
  const json = { scanned: r.scanned, matches: r.matches, leftOut: r.leftOut };
  // A machine reads these from standard output: they aren't said again on standard error.
  if (!context.json && format === "sarif") return { exit, text: sarifOf(r.findings, r.matches) };
  if (!context.json && format === "github") return { exit, text: annotationsOf(r.findings) };
  return { exit, findings: r.findings, json, text: summary(r, r.findings) };
}

const many = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;
function summary(r: ScanResult, findings: readonly Finding[]): string {
  const what = [...(r.scanned.commits ? [many(r.scanned.commits, "commit")] : []), ...(r.scanned.files || !r.scanned.commits ? [many(r.scanned.files, "file")] : [])].join(" and ");
  const places = r.matches.length === 0 ? "no credentials" : many(r.matches.length, "credential");
  return `${what} scanned: ${places}${r.leftOut.length ? `, ${r.leftOut.length} left out` : ""}${findings.some((f) => f.code === "SCAN_HISTORY_SHALLOW") ? ", older history not seen" : ""}`;
}
