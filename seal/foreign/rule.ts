import type { Position } from "../../lib/finding.ts";
import { FindingError } from "../../lib/finding.ts";
import { sealCodes } from "../codes.ts";

export type RuleKind = "unencrypted_suffix" | "encrypted_suffix" | "unencrypted_regex" | "encrypted_regex" | "unencrypted_comment_regex" | "encrypted_comment_regex";
export const RULES: readonly RuleKind[] = ["unencrypted_suffix", "encrypted_suffix", "unencrypted_regex", "encrypted_regex", "unencrypted_comment_regex", "encrypted_comment_regex"];
export interface Rule {
  readonly kind: RuleKind;
  readonly text: string;
}
/** Whether the value (or comment) at that path, under those comments, is encrypted: the innermost comments last, a comment's own text last of all. */
export type Decide = (path: readonly string[], comments: readonly (readonly string[])[], isComment: boolean) => boolean;

/** sops's own decision by a file's rule. Throws FindingError SEAL_UNSUPPORTED for a pattern that isn't judged here. */
export function decider(rule: Rule, at: Position): Decide {
  const { kind, text } = rule;
  if (kind === "unencrypted_suffix") return (path) => !path.some((p) => p.endsWith(text));
  if (kind === "encrypted_suffix") return (path) => path.some((p) => p.endsWith(text));
  const pattern = fromGo(text, at);
  const match = (s: string): boolean => pattern.test(s);
  if (kind === "unencrypted_regex") return (path) => !path.some(match);
  if (kind === "encrypted_regex") return (path) => path.some(match);
  if (kind === "unencrypted_comment_regex") return (_path, comments) => !comments.some((c) => c.some(match));
  // The comment that asks for encryption stays clear itself.
  return (_path, comments, isComment) => comments.some((c, i) => c.some((s, j) => !(isComment && i === comments.length - 1 && j === c.length - 1) && match(s)));
}
const CLASSES: Readonly<Record<string, string>> = { alpha: "A-Za-z", digit: "0-9", alnum: "A-Za-z0-9", upper: "A-Z", lower: "a-z", space: "\\s", word: "\\w", xdigit: "0-9A-Fa-f", punct: "!-/:-@\\[-`{-~" };

/**
 * Go's RE2 pattern as a JavaScript one: flags in front, named groups, \A, \z and POSIX classes are translated. Repeated groups that repeat or
 * choose inside are refused: RE2 takes linear time for them, JavaScript doesn't, and the file isn't ours.
 */
function fromGo(source: string, at: Position): RegExp {
  const refuse = (why: string): FindingError => new FindingError(sealCodes.finding("SEAL_UNSUPPORTED", { message: `the file's pattern can't be judged here: ${why}`, at, hint: "decrypt it with sops, or give the file a simpler pattern" }), 2);
  if (source.length > 500) throw refuse("it is longer than 500 characters");
  const flags = /^\(\?([imsU]+)\)/.exec(source);
  const body = (flags ? source.slice(flags[0].length) : source).replace(/\(\?P</g, "(?<").replace(/\\A/g, "^").replace(/\\z/g, "$").replace(/\[:(\w+):\]/g, (all, name: string) => CLASSES[name] ?? all);
  if (flags?.[1]?.includes("U") || /\(\?[imsU-]+[:)]|\\[QECpP]|\[\[?[:^]\w+:|\\[1-9]|\(\?(?:=|!|<=|<!)/.test(body)) throw refuse("it uses what only RE2 has, or what RE2 hasn't");
  if (repeatsInside(body)) throw refuse("a repeated group repeats or chooses inside");
  try {
    return new RegExp(body, (flags?.[1] ?? "").replace("U", ""));
  } catch {
    throw refuse("it is no regular expression");
  }
}
function repeatsInside(body: string): boolean {
  const open: { risky: boolean }[] = [];
  let inClass = false;
  for (let i = 0; i < body.length; i++) {
    const c = body[i] as string;
    if (c === "\\") i++;
    else if (inClass) inClass = c !== "]";
    else if (c === "[") inClass = true;
    else if (c === "(") open.push({ risky: false });
    else if (c === ")") {
      const group = open.pop();
      const next = body[i + 1];
      const repeated = next === "*" || next === "+" || next === "{";
      if (group?.risky && repeated) return true;
      const outer = open.at(-1);
      if (outer && group?.risky) outer.risky = true;
    } else if (c === "*" || c === "+" || c === "{" || c === "|") {
      const group = open.at(-1);
      if (group) group.risky = true;
    }
  }
  return false;
}
