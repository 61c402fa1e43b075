import { unflatten } from "./metadata.ts";
import { entryOf, malformed, type Branch, type Comment, type Entry, type Parsed, type Scalar } from "./tree.ts";

// As gopkg.in/ini.v1 reads it for sops: sections in order (an unnamed first one), `=` or `:`, comments from `#` or `;`, quotes, a backslash that continues a line.

interface Section {
  readonly entry: Entry;
  readonly items: (Entry | Comment)[];
}
/** Reads an INI file as sops does. Throws FindingError SEAL_FORMAT. */
export function readIni(text: string, file: string): Parsed {
  const lines = text.split(/(?<=\n)/);
  const sections: Section[] = [];
  let remarks = "";
  const open = (name: string, line: number): Section => {
    const at = { file, line, column: 1 };
    const items: (Entry | Comment)[] = [];
    const section: Section = { items, entry: { kind: "entry", key: name, at, value: { kind: "map", items, at } } };
    sections.push(section);
    return section;
  };
  const flush = (line: number): Comment[] => {
    const said = strip(remarks.trim());
    remarks = "";
    return said === "" ? [] : [{ kind: "comment", text: said, at: { file, line, column: 1 } }];
  };
  let section = open("DEFAULT", 1);
  for (let n = 0; n < lines.length; n++) {
    const line = (lines[n] as string).trimStart();
    const at = { file, line: n + 1, column: 1 };
    if (line === "") continue;
    if (line.startsWith("#") || line.startsWith(";")) {
      remarks += line;
      continue;
    }
    if (line.startsWith("[")) {
      const close = line.lastIndexOf("]");
      if (close < 0) throw malformed("a section that isn't closed", at);
      section = open(line.slice(1, close), n + 1);
      remarks += /[#;].*/s.exec(line.slice(close + 1))?.[0] ?? "";
      section.items.push(...flush(n + 1));
      continue;
    }
    const { key, rest } = keyOf(line, at);
    const read = valueOf(rest, () => lines[++n], at);
    remarks += read.remark;
    const value: Scalar = { kind: "scalar", type: "str", text: read.value, at };
    const known = section.items.findIndex((i) => i.kind === "entry" && i.key === key);
    if (known >= 0) section.items[known] = { kind: "entry", key, value, at };
    else section.items.push({ kind: "entry", key, value, at });
    section.items.push(...flush(n + 1));
  }
  const start = { file, line: 1, column: 1 };
  const root: Branch = { kind: "map", at: start, items: sections.map((s) => s.entry) };
  const own = entryOf(root, "sops");
  const flat = own?.value.kind === "map" ? own.value.items.flatMap((i) => (i.kind === "entry" && i.value.kind === "scalar" ? [{ key: i.key, value: { ...i.value, text: i.value.text.replaceAll("\\n", "\n") } }] : [])) : [];
  return { branches: [{ ...root, items: root.items.filter((i) => i !== own) }], sops: unflatten(flat, own?.at ?? start) };
}
const strip = (comment: string): string => (comment.startsWith(";") ? comment.replace(/^[; ]+/, "") : comment.startsWith("#") ? comment.replace(/^[# ]+/, "") : comment);

function keyOf(line: string, at: Entry["at"]): { readonly key: string; readonly rest: string } {
  const quote = line.startsWith('"""') && line.length > 6 ? '"""' : line.startsWith('"') ? '"' : line.startsWith("`") ? "`" : "";
  const end = quote ? line.indexOf(quote, quote.length) : 0;
  const delimiter = end < 0 ? -1 : line.slice(end).search(/[=:]/);
  if (delimiter < 0 || (!quote && delimiter === 0)) throw malformed("a line that is no key with a value", at);
  return { key: (quote ? line.slice(quote.length, end) : line.slice(0, delimiter)).trim(), rest: line.slice(end + delimiter + 1) };
}
function valueOf(text: string, next: () => string | undefined, at: Entry["at"]): { readonly value: string; readonly remark: string } {
  const line = text.trimStart();
  if (line === "") return { value: "", remark: "" };
  const quote = line.startsWith('"""') && line.length > 3 ? '"""' : line.startsWith("`") ? "`" : "";
  if (quote) {
    const inside = line.slice(quote.length);
    const end = inside.lastIndexOf(quote);
    if (end >= 0) return { value: inside.slice(0, end), remark: "" };
    let value = inside;
    for (let more = next(); more !== undefined; more = next()) {
      const close = more.lastIndexOf(quote);
      if (close >= 0) return { value: value + more.slice(0, close), remark: /[#;].*/s.exec(more.slice(close))?.[0].trim() ?? "" };
      value += more;
    }
    throw malformed("a quote that isn't closed", at);
  }
  let value = line.trim();
  if (value.endsWith("\\")) {
    value = value.slice(0, -1);
    for (let more = next()?.trim(); more !== undefined && more !== ""; more = next()?.trim()) {
      value += more;
      if (!value.endsWith("\\")) break;
      value = value.slice(0, -1);
    }
    return { value, remark: "" };
  }
  const hash = value.search(/[#;]/);
  const remark = hash < 0 ? "" : value.slice(hash);
  if (hash >= 0) value = value.slice(0, hash).trim();
  for (const q of ["'", '"']) if (value.length >= 2 && value.startsWith(q) && value.indexOf(q, 1) === value.length - 1) return { value: value.slice(1, -1), remark };
  return { value, remark };
}
