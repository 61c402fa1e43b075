import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, Parser, Composer, type Document, type Node as YamlNode, type Pair } from "yaml";
import type { Position } from "../../lib/finding.ts";
import { parseBlockYaml } from "../../lib/block-yaml.ts";
import type { Document as PlainDocument } from "../../lib/document.ts";
import { resolvePlain, type Resolved } from "./go-scalar.ts";
import { malformed, MAX_DEPTH, MAX_NODES, split, type Branch, type Comment, type Entry, type List, type Node, type Parsed, type Scalar } from "./tree.ts";

interface Remark {
  readonly offset: number;
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

/** Reads YAML as sops does: every document, scalars typed as go-yaml types them, aliases expanded, comments in their places. Throws FindingError SEAL_FORMAT. */
export function readYaml(text: string, file: string): Parsed {
  const plain = /^ *#/m.test(text) ? null : parseBlockYaml(text, file, () => null, (raw) => (raw.startsWith('"') ? { type: "str", text: raw.slice(1, -1) } : resolvePlain(raw)) ?? undefined);
  return plain ? split([branchOfPlain(plain, plain.value, [])]) : readWhole(text, file);
}
/** A document of the plain style as the tree that the full reader makes of it. */
function branchOfPlain(document: PlainDocument, value: unknown, path: readonly string[]): Branch {
  const at = document.locate(path);
  return { kind: "map", at, items: Object.entries(value as Record<string, unknown>).map(([key, v]): Entry => ({ kind: "entry", key, at: document.locate([...path, key], "key"), value: nodeOfPlain(document, v, [...path, key]) })) };
}
function nodeOfPlain(document: PlainDocument, v: unknown, path: readonly string[]): Node {
  const at = document.locate(path);
  if (typeof v === "string") return { kind: "scalar", type: "str", text: v, at };
  if (Array.isArray(v)) return { kind: "list", at, items: v.map((x) => nodeOfPlain(document, x, path)) };
  const known = v as { type?: unknown; text?: unknown };
  if (typeof known.type === "string" && typeof known.text === "string") return { kind: "scalar", ...(v as Resolved), at };
  return branchOfPlain(document, v, path);
}
function readWhole(text: string, file: string): Parsed {
  const lines = new LineCounter();
  const remarks: Remark[] = [];
  const place = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const documents: Document.Parsed[] = [];
  const parser = new Parser(lines.addNewLine);
  const composer = new Composer({ schema: "failsafe", strict: true, uniqueKeys: true, merge: false, logLevel: "silent", lineCounter: lines, prettyErrors: false });
  for (const token of parser.parse(text)) {
    gather(token, remarks);
    for (const d of composer.next(token)) documents.push(d);
  }
  for (const d of composer.end()) documents.push(d);
  const wrong = documents.flatMap((d) => d.errors)[0];
  if (wrong) throw malformed(`not valid YAML (${wrong.code.toLowerCase().replaceAll("_", " ")})`, place(wrong.pos[0]));
  remarks.sort((a, b) => a.offset - b.offset);
  const comments = remarks.map((r): Remark => {
    const { line, col } = lines.linePos(r.offset);
    return { ...r, line, column: col };
  });
  return split(new Walker(comments, place).documents(documents));
}
function gather(token: unknown, out: Remark[]): void {
  const stack: unknown[] = [token];
  while (stack.length > 0) {
    const t = stack.pop();
    if (Array.isArray(t)) stack.push(...(t as unknown[]));
    else if (typeof t === "object" && t !== null) {
      const { type, source, offset } = t as { type?: unknown; source?: unknown; offset?: unknown };
      if (type === "comment" && typeof source === "string" && typeof offset === "number") out.push({ offset, text: source.slice(1), line: 0, column: 0 });
      else stack.push(...(Object.values(t) as unknown[]));
    }
  }
}

class Walker {
  private next = 0;
  private nodes = 0;
  private readonly remarks: readonly Remark[];
  private readonly place: (offset: number) => Position;
  private document: Document.Parsed | null = null;
  constructor(remarks: readonly Remark[], place: (offset: number) => Position) {
    this.remarks = remarks;
    this.place = place;
  }
  documents(all: readonly Document.Parsed[]): Branch[] {
    return all.flatMap((d, i): Branch[] => {
      this.document = d;
      const end = all[i + 1]?.range[0] ?? Infinity;
      const contents: YamlNode | null = d.contents;
      if (contents === null || (isScalar(contents) && contents.value === "")) return [{ kind: "map", at: this.place(d.range[0]), items: this.take(end, 0) }];
      if (!isMap(contents)) throw malformed("the document is no map", this.place(d.range[0]), "sops takes maps alone");
      const node = this.node(contents, end, 0, false) as Branch;
      return [{ ...node, items: [...node.items, ...this.take(end, 0)] }];
    });
  }
  /** The comments up to an offset that stand at this column or deeper. */
  private take(until: number, column: number): Comment[] {
    const out: Comment[] = [];
    for (let r = this.remarks[this.next]; r !== undefined && r.offset < until && r.column >= column; r = this.remarks[++this.next]) out.push({ kind: "comment", text: r.text, at: this.place(r.offset) });
    return out;
  }
  private inline(end: number): Comment[] {
    const line = this.place(Math.max(0, end)).line;
    const out: Comment[] = [];
    for (let r = this.remarks[this.next]; r?.line === line; r = this.remarks[++this.next]) out.push({ kind: "comment", text: r.text, at: this.place(r.offset) });
    return out;
  }
  private node(n: unknown, limit: number, depth: number, expanded: boolean): Node {
    const offset = (n as YamlNode | null)?.range?.[0] ?? 0;
    const at = this.place(offset);
    if (++this.nodes > MAX_NODES) throw malformed("the file has too many parts", at);
    if (depth > MAX_DEPTH) throw malformed(`nested deeper than ${MAX_DEPTH} levels`, at);
    if (isAlias(n)) {
      const target = this.document && n.resolve(this.document);
      if (!target) throw malformed("an alias without its anchor", at);
      return this.node(target, limit, depth + 1, true);
    }
    if (isMap(n)) return this.map(n.items, at, limit, depth, expanded);
    if (isSeq(n)) return this.list(n.items as YamlNode[], at, limit, depth, expanded);
    return this.scalar(n, at);
  }
  private map(pairs: readonly Pair[], at: Position, limit: number, depth: number, expanded: boolean): Branch {
    const items: (Entry | Comment)[] = [];
    const column = pairs[0] ? this.place((pairs[0].key as YamlNode).range?.[0] ?? 0).column : at.column;
    for (const [i, p] of pairs.entries()) {
      const key = p.key as YamlNode;
      const start = key.range?.[0] ?? 0;
      if (!expanded) items.push(...this.take(start, 0));
      const entry: Entry = { kind: "entry", key: this.key(key), at: this.place(start), value: this.value(p.value, () => ((pairs[i + 1]?.key as YamlNode | undefined)?.range?.[0] ?? limit), depth, expanded, items) };
      items.push(entry);
    }
    if (!expanded) items.push(...this.take(limit, column));
    return { kind: "map", items, at };
  }
  private list(nodes: readonly YamlNode[], at: Position, limit: number, depth: number, expanded: boolean): List {
    const items: (Node | Comment)[] = [];
    const column = at.column;
    for (const [i, n] of nodes.entries()) {
      if (!expanded) items.push(...this.take(n.range?.[0] ?? 0, 0));
      const value = this.value(n, () => (nodes[i + 1]?.range?.[0] ?? limit), depth, expanded, items);
      items.push(value);
    }
    if (!expanded) items.push(...this.take(limit, column));
    return { kind: "list", items, at };
  }
  /** A value and, before it, the comment on a scalar's own line. */
  private value(v: unknown, limit: () => number, depth: number, expanded: boolean, items: (Node | Comment | Entry)[]): Node {
    const node = v === null ? { kind: "scalar" as const, type: "null" as const, text: "", at: this.place(0) } : this.node(v, limit(), depth + 1, expanded);
    if (!expanded && (v === null || isScalar(v) || isAlias(v))) items.push(...this.inline(((v as YamlNode | null)?.range?.[1] ?? 1) - 1));
    return node;
  }
  private key(n: YamlNode): string {
    const at = this.place(n.range?.[0] ?? 0);
    const target: unknown = isAlias(n) && this.document ? n.resolve(this.document) : n;
    if (isScalar(target)) {
      if (target.type === "PLAIN" && target.tag === undefined && target.value === "<<") return "<<";
      if (target.tag?.endsWith(":merge")) return "<<";
      const s = this.scalar(target, at);
      if (s.type === "str") return s.text;
    }
    throw malformed("a key is no text", at, "sops takes keys of text alone: put it in quotes");
  }
  private scalar(n: unknown, at: Position): Scalar {
    if (!isScalar(n) || isPair(n)) throw malformed("a part that sops doesn't take", at);
    const text = typeof n.value === "string" ? n.value : "";
    const tag = n.tag?.replace(/^tag:yaml\.org,2002:/, "!!");
    const plain = n.type === "PLAIN" || n.type === undefined;
    if (tag === "!!binary") {
      const bytes = Buffer.from(text.replace(/\s/g, ""), "base64");
      return { kind: "scalar", type: "str", text: bytes.toString("utf8"), bytes, at };
    }
    if (tag === "!!str" || (tag === undefined && !plain) || (tag !== undefined && !/^!!(?:int|float|bool|null|timestamp)$/.test(tag))) return { kind: "scalar", type: "str", text, at };
    const r = resolvePlain(text);
    if (r === null) throw malformed("a whole number beyond 64 bits", at, "put it in quotes");
    return { kind: "scalar", ...(tag === "!!float" && r.type === "int" ? { type: "float" as const, text: r.text } : r), at };
  }
}
