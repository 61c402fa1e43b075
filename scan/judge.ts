import { createHmac, randomBytes } from "node:crypto";
import type { Finding, Position } from "../lib/finding.ts";
import { scanCodes } from "./codes.ts";
import { findCredentials, type Hit } from "./find.ts";
import { compileRules, type RuleSet } from "./rules.ts";

/** A credential in its place; never the value: its length, and a digest under a salt that lives as long as this scan. */
export interface Match {
  readonly rule: string;
  readonly title: string;
  readonly likely: boolean;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endColumn: number;
  /** Characters. */
  readonly length: number;
  /** Equal within one scan means equal values. */
  readonly digest: string;
  /** The commit that brought it, in a scan of the history. */
  readonly commit?: string;
  /** How the value is written, where it isn't as it is: length and digest are of what stands there. */
  readonly encoding?: NonNullable<Hit["encoding"]>;
}
export interface Judged {
  readonly matches: Match[];
  readonly findings: Finding[];
}

/** Where a piece of text stands in its file: the line of its first byte, the byte column of it, and the lines that count. */
export interface Place {
  readonly file: string;
  readonly commit?: string;
  /** Line number of each line of the text; absent: counted from `firstLine`. Zero: shown for context only, not judged. */
  readonly lines?: readonly number[];
  readonly firstLine?: number;
  /** Bytes of the first line that stand before the text. */
  readonly offset?: number;
  /** Only hits that begin in [from, to) count: the others are judged with the piece before or after. */
  readonly from?: number;
  readonly to?: number;
}
export type Judge = (text: string, place: Place) => Judged;

const LFS = "version https://git-lfs.github.com/spec/v1\noid ";
const ALLOW = /stackseal:allow(?![\w-])(.{0,400})/;
/** A reason ends with its comment; quotes and the like are none. */
const reasonIn = (rest: string): boolean => /[A-Za-z]{3,}/.test((rest.split(/\*\/|-->/, 1)[0] as string).replace(/["'`#;,]/g, " "));

/** Makes a judge with its own salt: digests of one scan compare with each other alone. */
export function judge(set: RuleSet = compileRules()): Judge {
  const salt = randomBytes(32);
  return (text, place) => {
    const matches: Match[] = [];
    const findings: Finding[] = [];
    if (text.startsWith(LFS) && (place.lines?.[0] ?? place.firstLine ?? 1) === 1) findings.push(scanCodes.finding("SCAN_LFS_LEFT_OUT", { message: "git LFS keeps this file elsewhere: only its pointer was scanned", at: { file: place.file, line: 1, column: 1 }, hint: "git lfs pull, then name the file to stackseal scan" }));
    const hits = findCredentials(text, set);
    if (!hits.length) return { matches, findings };
    const lines = lineCounter(text);
    for (const h of hits) {
      if (h.start < (place.from ?? 0) || h.start >= (place.to ?? Infinity)) continue;
      const { index, start } = lines(h.start);
      const line = place.lines ? (place.lines[index] ?? 0) : (place.firstLine ?? 1) + index;
      if (line === 0) continue;
      const column = (index === 0 ? (place.offset ?? 0) : 0) + width(text, start, h.start) + 1;
      const at: Position = { file: place.file, line, column };
      const allowed = allowance(text, start, h);
      if (allowed === "reason") continue;
      if (allowed === "bare") findings.push(scanCodes.finding("SCAN_ALLOW_NO_REASON", { message: "this line allows a credential and doesn't say why", at, path: h.rule.id, hint: "write the reason after it: stackseal:allow sample of the public documentation" }));
      const m = matchOf(text, h, salt, at, place.commit);
      matches.push(m);
      findings.push(findingOf(m, at));
    }
    return { matches, findings };
  };
}

function matchOf(text: string, h: Hit, salt: Buffer, at: Position, commit: string | undefined): Match {
  const bytes = Buffer.from(text.slice(h.start, h.end), "latin1");
  const length = bytes.toString("utf8").length;
  const firstLine = text.slice(h.start, h.end).split("\n", 1)[0] as string;
  return {
    rule: h.rule.id, title: h.rule.title, likely: h.rule.likely === true, ...at, endColumn: at.column + characters(firstLine), length,
    digest: createHmac("sha256", salt).update(bytes).digest("hex").slice(0, 16), ...(commit !== undefined && { commit }), ...(h.encoding !== undefined && { encoding: h.encoding }),
  };
}

function findingOf(m: Match, at: Position): Finding {
  const how = m.encoding === undefined ? "in clear text" : m.encoding === "escapes" ? "in escapes" : m.encoding === "percent" ? "percent-encoded" : `in ${m.encoding}`;
  const where = m.commit === undefined ? `stands here ${how}` : `came ${how} with commit ${m.commit.slice(0, 12)}`;
  return scanCodes.finding(m.likely ? "SCAN_LIKELY_CREDENTIAL" : "SCAN_CREDENTIAL", {
    message: `${m.title} ${where} (${m.length} characters, digest ${m.digest})`,
    at, path: m.rule,
    hint: m.commit === undefined
      ? "seal it (stackseal secret set) and replace the value at its provider if it was ever committed; a sample is marked on its line: stackseal:allow REASON"
      : "whoever has the history has the value: replace it at its provider (stackseal rotate start --reason compromise)",
  });
}

/** Characters between two bytes; on very long lines the bytes do. */
const width = (text: string, from: number, to: number): number => (to - from > 20_000 ? to - from : characters(text.slice(from, to)));
const characters = (latin1: string): number => Buffer.from(latin1, "latin1").toString("utf8").length;

/** Line index and start of a byte; offsets must be asked in rising order. */
function lineCounter(text: string): (offset: number) => { index: number; start: number } {
  let index = 0;
  let start = 0;
  return (offset) => {
    for (let next = text.indexOf("\n", start); next !== -1 && next < offset; next = text.indexOf("\n", start)) {
      index++;
      start = next + 1;
    }
    return { index, start };
  };
}

/** An allowance on the line of the value, or alone in a comment on the line before. Of one that stands before the value on its line the reason ends where the value begins. */
function allowance(text: string, lineStart: number, h: Hit): "none" | "bare" | "reason" {
  const own = ALLOW.exec(text.slice(h.end, h.end + 4000).split("\n", 1)[0] as string) ?? ALLOW.exec(text.slice(Math.max(lineStart, h.start - 4000), h.start));
  const above = own || lineStart === 0 ? null : /^[ \t+]*(?:#|\/\/|\/\*|<!--|--|;)[ \t]*stackseal:allow(?![\w-])(.{0,400})$/.exec(text.slice(Math.max(0, text.lastIndexOf("\n", lineStart - 2) + 1, lineStart - 500), lineStart - 1).replace(/\r$/, ""));
  const found = own ?? above;
  return found === null ? "none" : reasonIn(found[1] as string) ? "reason" : "bare";
}
