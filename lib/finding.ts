/** Errors weigh on the exit code; warnings and infos are only said. */
export type Severity = "error" | "warning" | "info";

/** A place in a file: path relative to the project's root, line and column from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One thing found. A finding never carries a secret value: place, name, kind and length class at most. */
export interface Finding {
  /** Stable and set by hand (`SEAL_MAC_MISMATCH`); callers branch on it, never on the message. */
  readonly code: string;
  readonly severity: Severity;
  /** What is wrong, in a sentence. */
  readonly message: string;
  readonly at?: Position | undefined;
  /** Dotted path of the key or the name of the resource concerned. */
  readonly path?: string | undefined;
  /** What to do next; where there is a command, the command. */
  readonly hint?: string | undefined;
}

export interface CodeSpec {
  readonly severity: Severity;
  /** What the code means, for the docs page. */
  readonly title: string;
}
export type CodeTable = Readonly<Record<string, CodeSpec>>;

type Details = Omit<Finding, "code" | "severity"> & { readonly severity?: Severity };

/** Declares a room's codes. A room keeps its table in `codes.ts`; the docs page and a uniqueness test read all of them. */
export function defineCodes<const T extends CodeTable>(table: T): { readonly table: T; readonly finding: (code: keyof T & string, details: Details) => Finding } {
  return {
    table,
    finding: (code, details) => ({ code, severity: details.severity ?? (table[code] as CodeSpec).severity, message: details.message, ...pick(details) }),
  };
}

function pick(d: Details): Pick<Finding, "at" | "path" | "hint"> {
  return { ...(d.at && { at: d.at }), ...(d.path !== undefined && { path: d.path }), ...(d.hint !== undefined && { hint: d.hint }) };
}

/** Carries findings out of a place that can't go on. `exit` is the exit code that a command ends with (INTERFACES: 1 findings, 2 unusable input, 3 no answer, 130 broken off). */
export class FindingError extends Error {
  readonly findings: readonly Finding[];
  readonly exit: 1 | 2 | 3 | 130;
  constructor(findings: Finding | readonly Finding[], exit: 1 | 2 | 3 | 130 = 1) {
    const list = Array.isArray(findings) ? (findings as readonly Finding[]) : [findings as Finding];
    super(list.map((f) => `${f.code}: ${f.message}`).join("\n"));
    this.name = "FindingError";
    this.findings = list;
    this.exit = exit;
  }
}

/** Sorted by file, line, column, code; identical findings once. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  const key = (f: Finding): string => JSON.stringify([f.at?.file ?? "", f.at?.line ?? 0, f.at?.column ?? 0, f.code, f.path ?? "", f.message]);
  const seen = new Map(findings.map((f) => [key(f), f]));
  return [...seen.values()].sort(
    (a, b) =>
      compare(a.at?.file ?? "", b.at?.file ?? "") ||
      (a.at?.line ?? 0) - (b.at?.line ?? 0) ||
      (a.at?.column ?? 0) - (b.at?.column ?? 0) ||
      compare(a.code, b.code) ||
      compare(a.path ?? "", b.path ?? ""),
  );
}
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export const hasErrors = (findings: readonly Finding[]): boolean => findings.some((f) => f.severity === "error");
