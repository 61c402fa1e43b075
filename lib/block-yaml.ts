import type { Position } from "./finding.ts";
import type { Document, Path } from "./document.ts";

// The YAML that stackseal and sops write for sealed files, read line by line: block maps, plain words, whole numbers, double quotes without
// escapes, literal blocks, comments of whole lines. Anything else is null here and goes to the full parser, so that both always agree.

const KEY = /^( *)(?:- )?([A-Za-z_][A-Za-z0-9_-]*|"[A-Za-z_][A-Za-z0-9_ .-]*"):(?: (\S.*))?$/;
const WORD = /^(?:[A-Za-z^_/](?:[A-Za-z0-9_+/=.@$,[\]-]|:(?=[A-Za-z0-9_+/=.@,[-]))*|\d+\.\d+\.\d+|0[A-DF-Z][0-9A-Z]*)$/;
const NUMBER = /^(?:0|[1-9]\d{0,8})$/;
const QUOTED = /^"[^"\\\u0000-\u001f]*"$/;
const RESERVED = /^(?:true|false|null|True|False|Null|TRUE|FALSE|NULL)$/;

interface Spot {
  readonly line: number;
  readonly key: number;
  readonly value: number;
}
/** The document, or null where the text isn't of this plain style; `full` answers for places inside lists; `read` makes values of plain and quoted scalars. */
export function parseBlockYaml(text: string, file: string, full: () => Document | null, read: (raw: string) => unknown = scalarOf): Document | null {
  if (!text.endsWith("\n") || /[^\n\u0020-\u007e]/.test(text)) return null;
  const lines = text.split("\n");
  lines.pop();
  const spots = new Map<string, Spot>();
  let at = 0;
  const skip = (): void => {
    while (at < lines.length && /^ *#/.test(lines[at] as string)) at++;
  };
  const indentOf = (line: string): number => line.length - line.trimStart().length;

  function literal(parent: number): string | null {
    const indent = at < lines.length ? indentOf(lines[at] as string) : 0;
    if (indent <= parent) return null;
    const out: string[] = [];
    for (; at < lines.length && indentOf(lines[at] as string) >= indent; at++) {
      const line = (lines[at] as string).slice(indent);
      if (line === "" || line.trimEnd() !== line) return null;
      out.push(line);
    }
    return at < lines.length && lines[at] === "" ? null : `${out.join("\n")}\n`;
  }
  /** A map at this indentation; `dash` when its first key follows a list's dash. Undefined where the style is another one. */
  function map(indent: number, path: string, dash: boolean): Record<string, unknown> | undefined {
    const out = Object.create(null) as Record<string, unknown>;
    for (let first = true; ; first = false) {
      skip();
      const line = lines[at];
      if (line === undefined) return first ? undefined : out;
      const m = KEY.exec(line);
      const own = dash && first ? indentOf(line) + 2 : indentOf(line);
      if (own < indent || (line.trimStart().startsWith("- ") && !(dash && first))) return first ? undefined : out;
      if (!m || own > indent) return undefined;
      const [, , raw = "", rest] = m;
      const key = raw.startsWith('"') ? raw.slice(1, -1) : raw;
      if (key in out || key === "constructor" || key === "prototype" || key === "__proto__" || (RESERVED.test(raw) && !raw.startsWith('"'))) return undefined;
      const where = path === "" ? key : `${path}\0${key}`;
      const number = at + 1;
      at++;
      const value = rest === undefined ? nested(indent, where) : rest === "|" ? literal(indent) : WORD.test(rest) || NUMBER.test(rest) || QUOTED.test(rest) ? read(rest) : undefined;
      if (value === undefined || value === null) return undefined;
      spots.set(where, { line: number, key: own + 1, value: rest === undefined ? own + 1 : line.length - rest.length + 1 });
      out[key] = value;
    }
  }
  function nested(parent: number, path: string): unknown {
    skip();
    const line = lines[at];
    if (line === undefined) return undefined;
    const indent = indentOf(line);
    if (line.trimStart().startsWith("- ")) return indent < parent ? undefined : list(indent, path);
    return indent <= parent ? undefined : map(indent, path, false);
  }
  function list(indent: number, path: string): unknown[] | undefined {
    const out: unknown[] = [];
    for (;;) {
      skip();
      const line = lines[at];
      if (line === undefined || indentOf(line) < indent) return out;
      if (indentOf(line) > indent) return undefined;
      if (!line.trimStart().startsWith("- ")) return out;
      const value = map(indent + 2, `${path}\0${out.length}`, true);
      if (value === undefined) return undefined;
      out.push(value);
    }
  }
  const value = map(0, "", false);
  if (value === undefined || at < lines.length) return null;
  const first = lines.findIndex((l) => !/^ *#/.test(l)) + 1;
  return {
    file, text, value,
    locate: (path: Path, target: "key" | "value" = "value"): Position => {
      if (path.some((s) => typeof s === "number")) return full()?.locate(path, target) ?? { file, line: 1, column: 1 };
      for (let n = path.length; n > 0; n--) {
        const spot = spots.get(path.slice(0, n).join("\0"));
        if (spot) return { file, line: spot.line, column: n === path.length && target === "value" ? spot.value : spot.key };
      }
      return { file, line: first, column: 1 };
    },
  };
}
function scalarOf(text: string): string | number | undefined {
  if (NUMBER.test(text)) return Number(text);
  if (QUOTED.test(text)) return text.slice(1, -1);
  return WORD.test(text) && !RESERVED.test(text) && !/\.(?:inf|nan)$/i.test(text) ? text : undefined;
}
