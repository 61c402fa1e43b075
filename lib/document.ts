import { closeSync, fstatSync, lstatSync, openSync, readSync, realpathSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments, type Document as YamlDocument, type Node, type Pair, type ParsedNode } from "yaml";
import { parseBlockYaml } from "./block-yaml.ts";
import { documentCodes } from "./codes.ts";
import type { Finding, Position } from "./finding.ts";

export type Path = readonly (string | number)[];

/** A YAML file that has been read: its plain value, and where each part of it stands. */
export interface Document {
  /** Relative to the project's root. */
  readonly file: string;
  readonly text: string;
  /** Plain maps, lists and scalars; maps have no prototype of their own to pollute. */
  readonly value: unknown;
  /** The place of a value, or of its key; of the nearest existing parent where there is none. Never throws. */
  locate(path: Path, target?: "key" | "value"): Position;
}
export interface ReadResult {
  readonly document: Document | null;
  readonly findings: readonly Finding[];
}

const MAX_BYTES = 1 << 20;
const MAX_DEPTH = 32;
const FORBIDDEN = new Set(["__proto__", "constructor", "prototype"]);

/** Whether anything of that name is there, a link that leads nowhere too: what is there and can't be read must be said, not passed over. */
export const isThere = (root: string, file: string): boolean => lstatSync(join(root, file), { throwIfNoEntry: false }) !== undefined;

/** Reads a text file of the project with every hostile shape as a finding; `text` is null then. Links that lead out of the project are refused. */
export function readText(root: string, file: string, maxBytes = MAX_BYTES): { readonly text: string | null; readonly findings: readonly Finding[] } {
  const at: Position = { file, line: 1, column: 1 };
  const fail = (f: Finding): { text: null; findings: Finding[] } => ({ text: null, findings: [f] });
  const path = isAbsolute(file) ? file : join(root, file);
  let fd: number;
  try {
    const out = relative(realpathSync(root), realpathSync(path));
    if (!isAbsolute(file) && (out.startsWith("..") || isAbsolute(out))) return fail(documentCodes.finding("FILE_NOT_A_FILE", { message: `${file} leads out of the project`, at }));
    if (!lstatSync(realpathSync(path)).isFile()) return fail(documentCodes.finding("FILE_NOT_A_FILE", { message: `${file} is no ordinary file`, at }));
    fd = openSync(path, "r");
  } catch (e) {
    const code = (e as NodeJS.ErrnoException).code ?? "";
    if (code === "ENOENT" || code === "ENOTDIR") return fail(documentCodes.finding("FILE_MISSING", { message: `${file} is missing`, at }));
    return fail(documentCodes.finding("FILE_UNREADABLE", { message: `${file} can't be read (${code})`, at }));
  }
  try {
    const size = fstatSync(fd).size;
    if (size > maxBytes) return fail(documentCodes.finding("FILE_TOO_LARGE", { message: `${file} has ${size} bytes; at most ${maxBytes} are read`, at }));
    const bytes = Buffer.alloc(size);
    let n = 0;
    while (n < size) {
      const got = readSync(fd, bytes, n, size - n, n);
      if (got === 0) break;
      n += got;
    }
    return decode(file, bytes.subarray(0, n));
  } finally {
    closeSync(fd);
  }
}

function decode(file: string, bytes: Buffer): { readonly text: string | null; readonly findings: readonly Finding[] } {
  const at: Position = { file, line: 1, column: 1 };
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf)
    return { text: null, findings: [documentCodes.finding("FILE_BOM", { message: "the file begins with a byte order mark", at, hint: "save it as UTF-8 without BOM" })] };
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return { text: null, findings: [documentCodes.finding("FILE_NOT_UTF8", { message: "the file is not UTF-8 text", at, hint: "save it as UTF-8" })] };
  }
  const cr = text.indexOf("\r");
  if (cr < 0) return { text, findings: [] };
  const line = text.slice(0, cr).split("\n").length;
  return { text, findings: [documentCodes.finding("FILE_CRLF", { message: "the file has Windows line ends", at: { file, line, column: cr - text.lastIndexOf("\n", cr - 1) }, hint: "git config core.autocrlf input, then save with LF" })] };
}

/** What the last texts said, by file and text: a deployment reads an environment's file for its declarations, its policies and each of its stacks. */
const parsed = new Map<string, ReadResult>();
const KEPT = 16;

/** Reads and parses a declaration. `document` is null where nothing further can be said of it; its value is frozen. */
export function readDocument(root: string, file: string, options: { readonly maxBytes?: number } = {}): ReadResult {
  const { text, findings } = readText(root, file, options.maxBytes);
  if (text === null) return { document: null, findings };
  const key = `${file}\n${text}`, of = parsed.get(key) ?? parseDocument(text, file);
  freeze(of.document?.value);
  parsed.delete(key);
  parsed.set(key, of);
  for (const oldest of parsed.keys()) if (parsed.size > KEPT) parsed.delete(oldest);
  return { document: of.document, findings: [...findings, ...of.findings] };
}
function freeze(v: unknown): void {
  if (typeof v !== "object" || v === null || Object.isFrozen(v)) return;
  Object.freeze(v);
  for (const e of Object.values(v)) freeze(e);
}

/** Parses YAML text into plain values with places. All findings at once; `document` is null where one of them is an error. */
export function parseDocument(text: string, file: string): ReadResult {
  let whole: ReadResult | undefined;
  const plain = parseBlockYaml(text, file, () => (whole ??= parseYaml(text, file)).document);
  return plain ? { document: plain, findings: [] } : parseYaml(text, file);
}
/** The same by the full parser, for any YAML. */
export function parseYaml(text: string, file: string): ReadResult {
  const lines = new LineCounter();
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const all = parseAllDocuments(text, { lineCounter: lines, strict: true, uniqueKeys: true, version: "1.2", merge: false, prettyErrors: false });
  if (!Array.isArray(all) || all.length === 0 || all[0]?.contents === null)
    return { document: null, findings: [documentCodes.finding("YAML_EMPTY", { message: "the file holds no document", at: position(0) })] };
  const doc = all[0] as YamlDocument.Parsed;
  const findings: Finding[] = doc.errors.map((e) => {
    const at = position(e.pos[0]);
    if (e.code === "DUPLICATE_KEY") return documentCodes.finding("YAML_DUPLICATE_KEY", { message: "this key stands twice in one map", at });
    if (e.code === "TAB_AS_INDENT" || text[e.pos[0]] === "\t") return documentCodes.finding("YAML_TAB", { message: "a tab stands where YAML wants spaces", at, hint: "indent with four spaces" });
    // The parser's message may quote the text, and the text may be a value: only its code is said.
    return documentCodes.finding("YAML_SYNTAX", { message: `not valid YAML (${e.code.toLowerCase().replaceAll("_", " ")})`, at });
  });
  const second = all[1];
  if (second) findings.push(documentCodes.finding("YAML_SEVERAL_DOCUMENTS", { message: "the file holds more than one document", at: position(second.range[0]) }));
  const value = findings.length === 0 ? plain(doc.contents, position, findings, 0) : undefined;
  if (findings.length > 0) return { document: null, findings };
  const contents = doc.contents;
  return { document: { file, text, value, locate: (path, target = "value") => position(offsetOf(contents, path, target)) }, findings };
}

function plain(node: Node | null, position: (o: number) => Position, findings: Finding[], depth: number): unknown {
  if (node === null) return null;
  const at = (n: unknown): Position => position((n as Node | null)?.range?.[0] ?? 0);
  if (depth > MAX_DEPTH) {
    findings.push(documentCodes.finding("YAML_TOO_DEEP", { message: `nested deeper than ${MAX_DEPTH} levels`, at: at(node) }));
    return null;
  }
  if (isAlias(node) || (node as { anchor?: string }).anchor !== undefined) {
    findings.push(documentCodes.finding("YAML_ALIAS", { message: "anchors and aliases are not read here", at: at(node), hint: "write the value out" }));
    return null;
  }
  if (isScalar(node)) return typeof node.value === "bigint" ? Number(node.value) : node.value;
  if (isSeq(node)) return node.items.map((i) => plain(i as Node, position, findings, depth + 1));
  if (!isMap(node)) return null;
  const out: Record<string, unknown> = {};
  for (const pair of node.items) {
    const key = keyOf(pair);
    if (key === null) findings.push(documentCodes.finding("YAML_KEY_NOT_TEXT", { message: "this key is no text", at: at(pair.key) }));
    else if (FORBIDDEN.has(key)) findings.push(documentCodes.finding("YAML_KEY_FORBIDDEN", { message: `${key} can't be a key`, at: at(pair.key) }));
    else out[key] = plain(pair.value as Node | null, position, findings, depth + 1);
  }
  return out;
}
const keyOf = (pair: Pair): string | null => (isScalar(pair.key) && (typeof pair.key.value === "string" || typeof pair.key.value === "number") ? String(pair.key.value) : null);

function offsetOf(root: ParsedNode | null, path: Path, target: "key" | "value"): number {
  let node: Node | null = root;
  let offset = root?.range[0] ?? 0;
  for (const [i, step] of path.entries()) {
    let next: Node | null = null;
    let found = false;
    if (isMap(node)) {
      const pair = node.items.find((p) => keyOf(p) === String(step));
      if (pair) {
        found = true;
        next = pair.value as Node | null;
        const key = (pair.key as Node).range?.[0] ?? offset;
        offset = (i === path.length - 1 && target === "key") || !next?.range ? key : next.range[0];
        // A block map's own offset is its first key's: the parent's key is the better place for "something is missing here".
        if (i === path.length - 1 && target === "value" && (isMap(next) || isSeq(next))) offset = key;
        else if (i < path.length - 1) offset = key;
      }
    } else if (isSeq(node) && typeof step === "number") {
      next = (node.items[step] as Node | undefined) ?? null;
      found = next !== null;
      offset = next?.range?.[0] ?? offset;
    }
    if (!found) return offset;
    node = next;
  }
  return offset;
}
