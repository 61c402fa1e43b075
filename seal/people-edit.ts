import { isMap, isScalar, isSeq, parseDocument, type Pair, type Scalar, type YAMLSeq } from "yaml";
import { endOf, lineEnd, lineStart, offset, pairOf, splice, type Block, type Splice } from "../lib/yaml-splice.ts";
import type { Machine, Person } from "../schemas/people.ts";
import { scalar } from "./write.ts";

/** What changes in `people.yaml`. In `change` a field that is undefined goes away. */
export type PeopleEdit =
  | { readonly op: "add"; readonly group: "people" | "machines"; readonly name: string; readonly entry: Partial<Person> | Partial<Machine> }
  | { readonly op: "remove"; readonly name: string }
  | { readonly op: "change"; readonly name: string; readonly fields: Readonly<Record<string, unknown>> };

const GROUPS = ["people", "machines"] as const;

/** `people.yaml` with one entry added, removed or changed; every other line, comments and order too, stays byte for byte. Throws RangeError where the entry isn't there. */
export function editPeople(text: string, edit: PeopleEdit): string {
  const doc = parseDocument(text, { version: "1.2", uniqueKeys: true });
  if (doc.errors.length || !isMap(doc.contents)) throw new RangeError("people.yaml is no map");
  const root = doc.contents as unknown as Block;
  if (edit.op === "add") return added(text, root, edit.group, edit.name, edit.entry);
  const found = entryOf(root, edit.name);
  if (!found) throw new RangeError(`no entry ${edit.name}`);
  return edit.op === "remove" ? removed(text, found.group, found.pair) : changed(text, found.pair, edit.fields);
}
function entryOf(root: Block, name: string): { group: Block; pair: Pair<Scalar<string>> } | null {
  for (const g of GROUPS) {
    const group = pairOf(root, g)?.value;
    const pair = isMap(group) ? pairOf(group as unknown as Block, name) : undefined;
    if (pair) return { group: group as Block, pair };
  }
  return null;
}
const QUOTED = new Set(["from", "until", "attestedAt", "evidence", "signature"]);
function flow(key: string, v: unknown): string {
  if (Array.isArray(v)) return `[${v.map((x) => flow(key, x)).join(", ")}]`;
  if (typeof v === "object" && v !== null) return `{ ${Object.entries(v).filter(([, x]) => x !== undefined).map(([k, x]) => `${k}: ${flow(k, x)}`).join(", ")} }`;
  return typeof v === "string" && (QUOTED.has(key) || key === "signing") ? JSON.stringify(v) : scalar(String(v));
}
const fieldLines = (entry: object): string[] => Object.entries(entry).filter(([, v]) => v !== undefined).map(([k, v]) => `${k}: ${flow(k, v)}`);

function added(text: string, root: Block, group: string, name: string, entry: object): string {
  const end = text.endsWith("\n") ? text : `${text}\n`;
  const at = pairOf(root, group);
  const unit = unitOf(text, root);
  const lines = (column: string): string => [`${column}${scalar(name)}:`, ...fieldLines(entry).map((l) => `${column}${unit}${l}`)].map((l) => `${l}\n`).join("");
  if (!at) return `${end}${group}:\n${lines(unit)}`;
  const map = at.value;
  if (!isMap(map) || map.items.length === 0) {
    const start = at.key.range?.[1] ?? 0;
    return splice(end, [{ start, end: Math.max(start, lineEnd(end, endOf(map) || start)), text: `:\n${lines(unit)}` }]);
  }
  if (map.flow) {
    const last = endOf(map.items.at(-1)?.value);
    return splice(end, [{ start: last, end: last, text: `, ${scalar(name)}: ${flow("", entry)}` }]);
  }
  const first = map.items[0] as unknown as Pair<Scalar<string>>;
  const column = " ".repeat(offset(first) - lineStart(end, offset(first)));
  const stop = lineEnd(end, endOf(map));
  return splice(end, [{ start: stop, end: stop, text: lines(column) }]);
}
function unitOf(text: string, root: Block): string {
  for (const p of root.items) if (isMap(p.value) && !p.value.flow && p.value.items[0]) {
    const first = p.value.items[0] as unknown as Pair<Scalar<string>>;
    return " ".repeat(offset(first) - lineStart(text, offset(first)));
  }
  return "    ";
}
function removed(text: string, group: Block, pair: Pair<Scalar<string>>): string {
  if (group.flow) {
    const i = group.items.indexOf(pair);
    const next = group.items[i + 1], before = group.items[i - 1];
    return next ? splice(text, [{ start: offset(pair), end: offset(next), text: "" }]) : splice(text, [{ start: before ? endOf(before.value) : offset(pair), end: endOf(pair.value), text: "" }]);
  }
  let start = lineStart(text, offset(pair));
  const column = text.slice(start, offset(pair));
  // Comments right above an entry, in its column, are that entry's.
  if (group.items[0] !== pair) while (start > 0 && text.slice(lineStart(text, start - 1), start).startsWith(`${column}#`)) start = lineStart(text, start - 1);
  const out = splice(text, [{ start, end: lineEnd(text, endOf(pair.value)), text: "" }]);
  if (group.items.length > 1) return out;
  // The last one of its group: an empty map must stay a map.
  return out.slice(0, start).replace(/:([^\S\n]*(#[^\n]*)?)\n$/, ": {}$1\n") + out.slice(start);
}
function changed(text: string, pair: Pair<Scalar<string>>, fields: Readonly<Record<string, unknown>>): string {
  const map = pair.value;
  if (!isMap(map)) throw new RangeError("the entry is no map");
  if (map.flow) {
    const now = map.toJSON() as Record<string, unknown>;
    return splice(text, [{ start: map.range?.[0] ?? 0, end: map.range?.[1] ?? 0, text: flow("", { ...now, ...fields }) }]);
  }
  const own = map as unknown as Block;
  const splices: Splice[] = [];
  const fresh: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    const field = pairOf(own, name);
    if (!field) {
      if (value !== undefined) fresh.push(`${name}: ${flow(name, value)}`);
    } else if (value === undefined) splices.push({ start: lineStart(text, offset(field)), end: lineEnd(text, endOf(field.value)), text: "" });
    else if (isSeq(field.value) && !field.value.flow && Array.isArray(value) && value.length) splices.push(listSplice(text, name, field.value, value));
    else splices.push({ start: field.key.range?.[1] ?? 0, end: endOf(field.value) || (field.key.range?.[1] ?? 0) + 1, text: `: ${flow(name, value)}` });
  }
  if (fresh.length) {
    const first = own.items[0] as Pair<Scalar<string>>;
    const column = " ".repeat(offset(first) - lineStart(text, offset(first)));
    const at = lineEnd(text, endOf(own));
    splices.push({ start: at, end: at, text: `${text[at - 1] === "\n" ? "" : "\n"}${fresh.map((l) => `${column}${l}\n`).join("")}` });
  }
  return splice(text, splices);
}
/** A block list in the order wanted: what stays keeps its line, and takes the comments right above along; before the first item they are the list's. */
function listSplice(text: string, name: string, seq: YAMLSeq, wanted: readonly unknown[]): Splice {
  const start = lineStart(text, (seq.items[0] as Scalar).range?.[0] ?? 0);
  const dash = /^\s*-\s+/.exec(text.slice(start))?.[0] ?? "    - ";
  const lines = new Map<unknown, string>();
  let end = start;
  for (const item of seq.items) {
    const from = end;
    end = lineEnd(text, endOf(item));
    if (isScalar(item)) lines.set(item.value, text.slice(from, end).replace(/\n?$/, "\n"));
  }
  return { start, end, text: wanted.map((w) => lines.get(w) ?? `${dash}${flow(name, w)}\n`).join("") };
}
