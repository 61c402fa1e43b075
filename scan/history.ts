import type { Blob } from "./blobs.ts";
import { scanCodes } from "./codes.ts";
import type { Git } from "../lib/git.ts";
import type { Judge, Judged } from "./judge.ts";

// `git log -p` of every ref as one stream: each commit's message, and of each file's change the lines that it adds, among the
// lines around them. Merges are shown as what differs from every parent: a line that came in with the merge itself.

const LOG = ["log", "--all", "--full-history", "-p", "--cc", "-U3", "--no-renames", "--no-color", "--no-ext-diff", "--no-textconv", "--no-show-signature", "--no-notes", "--full-index", "--submodule=short", "--ignore-submodules=all", "--src-prefix=a/", "--dst-prefix=b/", "--diff-algorithm=myers", "--no-indent-heuristic", "--irreversible-delete", "--encoding=UTF-8", "--format=%x00%H%n%B%x00"];
/** A change of one file is judged when it reaches this many bytes, and anew from there. */
const LARGEST = 8 * 1024 * 1024;
/** Of a cut line the next piece sees so much again. */
const OVERLAP = 64 * 1024;
/** Lines of a cut change that the next piece sees again. */
const AGAIN = 4;

export interface HistoryScan {
  readonly judged: Judged;
  /** Blobs whose change git doesn't show as text: to be looked at themselves. */
  readonly binary: Blob[];
  readonly commits: number;
  /** Of files that any commit brought. */
  readonly names: ReadonlySet<string>;
}

/** Judges every line that any commit on any ref brought. */
export async function judgeHistory(git: Git, judge: Judge, progress: (commits: number) => void): Promise<HistoryScan> {
  const reader = new LogReader(judge, progress);
  let rest = "";
  const held: string[] = [];
  let size = 0;
  for await (const chunk of git.stream(LOG)) {
    const text = chunk.toString("latin1");
    const last = text.lastIndexOf("\n");
    if (last === -1) {
      held.push(text);
      size += text.length;
      if (size > LARGEST) {
        rest = reader.readPart(rest + held.join(""));
        held.length = size = 0;
      }
      continue;
    }
    size = 0;
    const whole = held.length || rest ? rest + held.join("") + text : text;
    held.length = 0;
    const end = whole.length - (text.length - last) + 1;
    reader.read(whole, end);
    rest = whole.slice(end);
  }
  rest += held.join("");
  if (rest) reader.read(`${rest}\n`, rest.length + 1);
  reader.end();
  return { judged: reader.judged, binary: reader.binary, commits: reader.commits, names: reader.names };
}

class LogReader {
  readonly judged: Judged = { matches: [], findings: [] };
  readonly binary: Blob[] = [];
  readonly names = new Set<string>();
  commits = 0;
  private readonly judge: Judge;
  private readonly progress: (commits: number) => void;
  private state: "commit" | "message" | "header" | "hunk" = "commit";
  private commit = "";
  private file = "";
  private blob = "";
  private parents = 1;
  private line = 0;
  private parts: string[] = [];
  private lines: number[] = [];
  private size = 0;
  private long = "";

  constructor(judge: Judge, progress: (commits: number) => void) {
    this.judge = judge;
    this.progress = progress;
  }

  /** Reads the whole lines of text[0, end). */
  read(text: string, end: number): void {
    for (let start = 0; start < end; ) {
      const stop = text.indexOf("\n", start);
      this.take(text, start, stop);
      start = stop + 1;
    }
  }
  end(): void {
    this.flush();
  }
  /** Judges the beginning of a line that doesn't end for long; answers what the rest of it must begin with. */
  readPart(text: string): string {
    if (this.state === "header" || this.state === "commit") return text.slice(0, 4096);
    const marks = this.state === "hunk" ? text.slice(0, this.parents) : "";
    const line = this.line;
    this.take(`${text}\n`, 0, text.length);
    // The next part is of the same line, and sees the end of this one again.
    this.line = line;
    if (this.long !== this.file) this.judged.findings.push(scanCodes.finding("SCAN_LONG_LINE", { message: `a line that commit ${this.commit.slice(0, 12)} brought is longer than ${LARGEST >> 20} megabytes: it was scanned in pieces`, at: { file: this.file, line: Math.max(1, line), column: 1 } }));
    this.long = this.file;
    this.flush();
    return marks + text.slice(-OVERLAP);
  }

  private take(text: string, start: number, stop: number): void {
    const first = text.charCodeAt(start);
    if (this.state === "message") {
      const close = text.slice(start, stop).indexOf("\0");
      this.add(text.slice(start, close === -1 ? stop : start + close), this.lines.length + 1);
      if (close !== -1) {
        this.flush();
        this.state = "header";
      }
    } else if (first === 0) this.begin(text.slice(start + 1, stop));
    else if (this.state === "hunk") this.hunkLine(text, start, stop, first);
    else this.headerLine(text, start, stop);
  }
  private begin(id: string): void {
    this.flush();
    this.commit = id;
    this.file = "(commit message)";
    this.state = "message";
    if (++this.commits % 500 === 0) this.progress(this.commits);
  }
  private headerLine(text: string, start: number, stop: number): void {
    if (text.startsWith("@@", start)) this.startHunk(text.slice(start, stop));
    else if (text.startsWith("diff ", start)) {
      this.flush();
      this.file = "";
      this.blob = "";
    } else if (text.startsWith("index ", start)) this.blob = /\.\.([0-9a-f]{40,64})/.exec(text.slice(start, stop))?.[1] ?? "";
    else if (text.startsWith("+++ ", start)) this.names.add((this.file = pathOf(text.slice(start + 4, stop))));
    else if (text.startsWith("Binary files ", start)) {
      const file = /^Binary files .* and (.*) differ$/.exec(text.slice(start, stop))?.[1];
      if (file !== undefined && this.blob && !/^0+$/.test(this.blob)) this.binary.push({ id: this.blob, file: pathOf(file), commit: this.commit });
    }
  }
  private startHunk(header: string): void {
    const at = /^(@@+) .*?\+(\d+)(?:,\d+)? @@/.exec(header);
    this.parents = (at?.[1]?.length ?? 2) - 1;
    this.line = Number(at?.[2] ?? "1");
    this.state = "hunk";
    // Hunks of one file are judged together; the gap between them is an empty line of no place.
    if (this.parts.length) this.add("", 0);
  }
  private hunkLine(text: string, start: number, stop: number, first: number): void {
    if (first === 32 || first === 43) {
      const marks = text.slice(start, start + this.parents);
      if (marks.includes("-")) return;
      // Of a merge only what no parent has is new.
      this.add(text.slice(start + this.parents, stop), /^\++$/.test(marks) ? this.line : 0);
      this.line++;
    } else if (first !== 45 && first !== 92) {
      // An empty line ends a commit's changes; anything else is a header.
      this.state = "header";
      if (stop > start) this.headerLine(text, start, stop);
    }
  }
  private add(line: string, number: number): void {
    this.parts.push(line);
    this.lines.push(number);
    this.size += line.length + 1;
    if (this.size > LARGEST) this.flush(AGAIN);
  }
  private flush(again = 0): void {
    if (this.lines.some((n) => n > 0)) {
      const j = this.judge(this.parts.join("\n"), { file: this.file, commit: this.commit, lines: this.lines });
      // What stands where two parts of a line overlap was said with the first of them.
      const again = this.long === this.file ? new Set(this.judged.matches.filter((m) => m.file === this.file && m.commit === this.commit).map((m) => `${m.line} ${m.digest}`)) : null;
      const twice = again ? new Set(j.matches.filter((m) => again.has(`${m.line} ${m.digest}`)).map((m) => m.digest)) : null;
      for (const m of j.matches) if (!twice?.has(m.digest)) this.judged.matches.push(m);
      for (const f of j.findings) if (!twice || ![...twice].some((d) => f.message.includes(d))) this.judged.findings.push(f);
    }
    const short = again > 0 && this.parts.slice(-again).every((p) => p.length < 4096) ? again : 0;
    // What is seen again is context: it has been judged.
    this.parts = short ? this.parts.slice(-short) : [];
    this.lines = short ? new Array<number>(short).fill(0) : [];
    this.size = this.parts.reduce((n, p) => n + p.length + 1, 0);
  }
}

/** `b/path`, or git's quoted form of a path with control characters or quotes. */
function pathOf(shown: string): string {
  const bare = shown.replace(/\t$/, "");
  const plain = bare.startsWith("\"") ? unquote(bare.slice(1, -1)) : bare;
  return Buffer.from(plain.replace(/^b\//, ""), "latin1").toString("utf8");
}
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", a: "\u0007", b: "\b", f: "\f", v: "\v" };
const unquote = (text: string): string => text.replace(/\\([0-7]{3}|.)/g, (_all, c: string) => (c.length === 3 ? String.fromCharCode(parseInt(c, 8)) : (ESCAPES[c] ?? c)));
