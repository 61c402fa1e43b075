import { unflatten } from "./metadata.ts";
import { malformed, type Comment, type Entry, type Parsed, type Scalar } from "./tree.ts";

const PREFIX = "sops_";

/** Reads a dotenv file as sops does: a key, an equals sign and the rest of the line, `\n` for a newline; comments from the first column. Throws FindingError. */
export function readDotenv(text: string, file: string): Parsed {
  const items: (Entry | Comment)[] = [];
  const own: { key: string; value: Scalar }[] = [];
  const start = { file, line: 1, column: 1 };
  for (const [n, line] of text.split("\n").entries()) {
    const at = { file, line: n + 1, column: 1 };
    if (line === "") continue;
    if (line.startsWith("#")) {
      items.push({ kind: "comment", text: line.slice(1), at });
      continue;
    }
    const equals = line.indexOf("=");
    if (equals < 0) throw malformed("a line without an equals sign", at);
    const key = line.slice(0, equals);
    const value: Scalar = { kind: "scalar", type: "str", text: line.slice(equals + 1).replaceAll("\\n", "\n"), at };
    if (key.startsWith(PREFIX)) own.push({ key: key.slice(PREFIX.length), value });
    else items.push({ kind: "entry", key, value, at });
  }
  return { branches: [{ kind: "map", items, at: start }], sops: unflatten(own, own[0]?.value.at ?? start) };
}
