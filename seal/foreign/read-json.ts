import type { Position } from "../../lib/finding.ts";
import { floatText } from "./go-scalar.ts";
import { malformed, MAX_DEPTH, split, type Branch, type Entry, type List, type Node, type Parsed, type Scalar } from "./tree.ts";

/** Reads JSON keeping the keys' order, whole numbers of 64 bits, and places. Throws FindingError SEAL_FORMAT. */
export function readJson(text: string, file: string): Parsed {
  return split([new Reader(text, file).document()]);
}
class Reader {
  private i = 0;
  private readonly text: string;
  private readonly file: string;
  private readonly starts: number[] = [0];
  constructor(text: string, file: string) {
    this.text = text;
    this.file = file;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) this.starts.push(at + 1);
  }
  private at(offset: number): Position {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const mid = (low + high + 1) >> 1;
      if ((this.starts[mid] as number) <= offset) low = mid;
      else high = mid - 1;
    }
    return { file: this.file, line: low + 1, column: offset - (this.starts[low] as number) + 1 };
  }
  document(): Branch {
    this.space();
    if (this.text[this.i] !== "{") throw malformed("the document is no JSON object", this.at(this.i));
    const b = this.map(0);
    this.space();
    if (this.i < this.text.length) throw malformed("something follows the JSON object", this.at(this.i));
    return b;
  }
  private space(): void {
    while (/^[ \t\r\n]$/.test(this.text[this.i] ?? "")) this.i++;
  }
  private expect(c: string): void {
    this.space();
    if (this.text[this.i] !== c) throw malformed(`not valid JSON: "${c}" is missing here`, this.at(this.i));
    this.i++;
  }
  private node(depth: number): Node {
    this.space();
    if (depth > MAX_DEPTH) throw malformed(`nested deeper than ${MAX_DEPTH} levels`, this.at(this.i));
    const c = this.text[this.i];
    return c === "{" ? this.map(depth) : c === "[" ? this.list(depth) : this.scalar();
  }
  private map(depth: number): Branch {
    const at = this.at(this.i);
    const items: Entry[] = [];
    const seen = new Set<string>();
    this.expect("{");
    this.space();
    if (this.text[this.i] === "}") this.i++;
    else for (;;) {
      this.space();
      const place = this.at(this.i);
      const key = this.string();
      if (seen.has(key)) throw malformed("this key stands twice in one object", place);
      seen.add(key);
      this.expect(":");
      items.push({ kind: "entry", key, at: place, value: this.node(depth + 1) });
      if (this.more("}")) break;
    }
    return { kind: "map", items, at };
  }
  private list(depth: number): List {
    const at = this.at(this.i);
    const items: Node[] = [];
    this.expect("[");
    this.space();
    if (this.text[this.i] === "]") this.i++;
    else for (;;) {
      items.push(this.node(depth + 1));
      if (this.more("]")) break;
    }
    return { kind: "list", items, at };
  }
  private more(end: string): boolean {
    this.space();
    const c = this.text[this.i];
    if (c !== "," && c !== end) throw malformed(`not valid JSON: "," or "${end}" is missing here`, this.at(this.i));
    this.i++;
    return c === end;
  }
  private string(): string {
    const start = this.i;
    const m = /"(?:[^"\\\u0000-\u001f]|\\.)*"/y;
    m.lastIndex = start;
    const found = m.exec(this.text);
    if (!found) throw malformed("not valid JSON: a text in quotes is missing here", this.at(start));
    this.i = m.lastIndex;
    try {
      return JSON.parse(found[0]) as string;
    } catch {
      throw malformed("not valid JSON: an escape that there isn't", this.at(start));
    }
  }
  private scalar(): Scalar {
    const at = this.at(this.i);
    const make = (type: Scalar["type"], text: string): Scalar => ({ kind: "scalar", type, text, at });
    if (this.text[this.i] === '"') return make("str", this.string());
    const m = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
    m.lastIndex = this.i;
    const word = m.exec(this.text)?.[0];
    if (word === undefined) throw malformed("not valid JSON: a value is missing here", at);
    this.i = m.lastIndex;
    if (word === "null") return make("null", "");
    if (word === "true" || word === "false") return make("bool", word === "true" ? "True" : "False");
    if (/^-?\d+$/.test(word) && BigInt(word) >= -(2n ** 63n) && BigInt(word) < 2n ** 63n) return make("int", BigInt(word).toString());
    return make("float", floatText(Number(word)));
  }
}
