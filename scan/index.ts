import { sortFindings, type Finding } from "../lib/finding.ts";
import { judgeBlobs, type Blob } from "./blobs.ts";
import { scanCodes } from "./codes.ts";
import { Git } from "../lib/git.ts";
import { judgeHistory } from "./history.ts";
import { judge, type Judge, type Match } from "./judge.ts";
import { judgeNames } from "./names.ts";
import { judgeFile, judgeStream } from "./read.ts";
import { stagedBlobs } from "./staged.ts";
import { filesOf, shown, unreadable } from "./tree.ts";

export interface ScanOptions {
  readonly root: string;
  /** What git is started with. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
  readonly progress?: (text: string | null) => void;
}
export interface ScanResult {
  readonly findings: Finding[];
  readonly matches: Match[];
  /** How many files, blobs or commits were looked at. */
  readonly scanned: { readonly files: number; readonly commits: number };
  /** What was not looked at, and the code that says why. */
  readonly leftOut: { readonly file: string; readonly code: string }[];
}

/** Files of the tree, or those below `paths`. */
export function scanTree(o: ScanOptions, paths: readonly string[]): ScanResult {
  const run = new Run(o);
  const found = filesOf(o.root, paths, new Git(o.root, o.env));
  run.findings.push(...found.findings);
  for (const l of found.links) run.text(l.target, shown(o.root, l.path));
  for (const path of found.files) {
    if (o.signal?.aborted) break;
    const file = shown(o.root, path);
    try {
      run.add(judgeFile(path, file, run.judge), file);
    } catch (e) {
      run.findings.push(unreadable(o.root, path, e));
    }
    run.tick();
  }
  return run.result();
}

/** Standard input as one text, as it comes. */
export async function scanInput(o: ScanOptions, chunks: AsyncIterable<Buffer | string>, name = "(standard input)"): Promise<ScanResult> {
  const run = new Run(o);
  run.add(await judgeStream(chunks, name, run.judge), name);
  return run.result();
}

/** What the next commit would bring. */
export async function scanStaged(o: ScanOptions): Promise<ScanResult> {
  const run = new Run(o);
  const git = new Git(o.root, o.env);
  const { blobs, submodules } = stagedBlobs(git);
  for (const file of submodules) run.findings.push(scanCodes.finding("SCAN_SUBMODULE_LEFT_OUT", { message: "a submodule is left out", at: { file, line: 1, column: 1 } }));
  await run.blobs(git, blobs);
  return run.result();
}

/** Every line that any commit on any ref brought, and the messages of commits and tags. */
export async function scanHistory(o: ScanOptions): Promise<ScanResult> {
  const run = new Run(o);
  const git = new Git(o.root, o.env);
  if (git.text(["rev-parse", "--is-shallow-repository"]) === "true") run.findings.push(scanCodes.finding("SCAN_HISTORY_SHALLOW", { message: "this clone is shallow: what came before its oldest commit wasn't seen", hint: "git fetch --unshallow, then scan again" }));
  const h = await judgeHistory(git, run.judge, (n) => o.progress?.(`scanning the history: ${n} commits`));
  for (const n of h.names) run.names.add(n);
  run.commits = h.commits;
  run.matches.push(...h.judged.matches);
  run.findings.push(...h.judged.findings);
  for (const t of (git.try(["for-each-ref", "--format=%(objecttype) %(refname:short)%0a%(contents)%00", "refs/tags"]) ?? "").toString().split("\0\n")) {
    const [, tag, message = ""] = /^tag (.*)\n([^]*)$/.exec(t) ?? [];
    if (tag !== undefined) run.text(message, `(message of the tag ${tag})`);
  }
  // Once each: a blob keeps its content in every commit.
  await run.blobs(git, [...new Map(h.binary.map((b) => [`${b.id} ${b.file}`, b])).values()]);
  return run.result();
}

class Run {
  readonly judge: Judge = judge();
  readonly findings: Finding[] = [];
  readonly matches: Match[] = [];
  /** Of all that was looked at. */
  readonly names = new Set<string>();
  commits = 0;
  private files = 0;
  private readonly options: ScanOptions;
  constructor(options: ScanOptions) {
    this.options = options;
  }
  /** What git keeps beside files. */
  text(text: string, file: string): void {
    this.names.add(file);
    const judged = this.judge(Buffer.from(text, "utf8").toString("latin1"), { file });
    this.matches.push(...judged.matches);
    this.findings.push(...judged.findings);
  }
  add(judged: { readonly matches: readonly Match[]; readonly findings: readonly Finding[] } | null, file: string, commit?: string): void {
    this.names.add(file);
    if (judged) {
      this.files++;
      for (const m of judged.matches) this.matches.push(m);
      for (const f of judged.findings) this.findings.push(f);
    } else this.findings.push(scanCodes.finding("SCAN_BINARY_LEFT_OUT", { message: `a binary file${commit === undefined ? "" : ` of commit ${commit.slice(0, 12)}`} is left out`, at: { file, line: 1, column: 1 } }));
  }
  async blobs(git: Git, blobs: readonly Blob[]): Promise<void> {
    for await (const { blob, judged } of judgeBlobs(git, blobs, this.judge)) {
      if (this.options.signal?.aborted) break;
      this.add(judged, blob.file, blob.commit);
      this.tick();
    }
  }
  tick(): void {
    if (this.files % 200 === 0) this.options.progress?.(`scanning: ${this.files} files`);
  }
  result(): ScanResult {
    for (const f of this.findings) if (f.at) this.names.add(f.at.file);
    const names = judgeNames(this.names, this.judge);
    const masked = this.findings.map((f): Finding => {
      const file = f.at && names.mask(f.at.file);
      return !f.at || file === undefined || file === f.at.file ? f : { ...f, at: { ...f.at, file }, message: f.message.replaceAll(f.at.file, file), ...(f.hint !== undefined && { hint: f.hint.replaceAll(f.at.file, file) }) };
    });
    const findings = [...masked, ...names.findings];
    const leftOut = findings.flatMap((f) => (f.at && LEFT_OUT.has(f.code) ? [{ file: f.at.file, code: f.code }] : []));
    return { findings: fold(sortFindings(findings)), matches: [...this.matches.map((m) => ({ ...m, file: names.mask(m.file) })), ...names.matches], scanned: { files: this.files, commits: this.commits }, leftOut };
  }
}

const LEFT_OUT = new Set(["SCAN_UNREADABLE", "SCAN_LINK_LOOP", "SCAN_LINK_LEFT_OUT", "SCAN_BINARY_LEFT_OUT", "SCAN_SUBMODULE_LEFT_OUT", "SCAN_LFS_LEFT_OUT", "SCAN_NOT_A_FILE"]);
const SHOWN = 20;
/** Of infos the first twenty of a code, and a count: all of them are in `leftOut`. */
function fold(findings: readonly Finding[]): Finding[] {
  const seen = new Map<string, number>();
  const kept = findings.filter((f) => {
    const n = (seen.get(f.code) ?? 0) + 1;
    seen.set(f.code, n);
    return f.severity !== "info" || n <= SHOWN;
  });
  const more = [...seen].filter(([code, n]) => n > SHOWN && findings.some((f) => f.code === code && f.severity === "info"));
  return [...kept, ...more.map(([code, n]) => scanCodes.finding("SCAN_MORE_LEFT_OUT", { message: `${n - SHOWN} more of ${code}: --json lists all of them under leftOut` }))];
}
