import { isMap, isScalar, parseDocument, type Pair, type Scalar } from "yaml";
import { endOf, lineEnd, lineStart, offset, pairOf, splice, type Block, type Splice } from "../lib/yaml-splice.ts";
import { FindingError } from "../lib/finding.ts";
import type { Claims } from "../schemas/claims.ts";
import { openLeaf, parseLeaf, pathData, sealLeaf, type Leaf } from "./cipher.ts";
import { parseClear } from "./clear.ts";
import { sealCodes } from "./codes.ts";
import { MacHash, macText } from "./mac.ts";
import { openWith, type Opened } from "./open.ts";
import { ageLines, claimLines, instant, renderSealed, scalar, type SealedKey } from "./write.ts";

/** A credential's new ciphertext and claims; `value` is what the leaf holds (for the MAC). */
export interface Change {
  readonly path: string;
  readonly value: string;
  readonly leaf: string;
  /** Absent for a bare leaf, as peppers are. */
  readonly claims?: Claims;
}
export interface Edits {
  readonly set: readonly Change[];
  readonly remove?: readonly string[];
  /** Other recipients; with a fresh data key every leaf must be in `set`. */
  readonly key?: SealedKey;
  readonly now: Date;
}

/**
 * The file's text with some credentials changed, in place: every other line, comments too, stays byte for byte, and the mac and
 * lastmodified are new. A file in another style than ours (flow maps) is rendered anew. The result is opened and verified before it is returned.
 */
export function editSealed(opened: Opened, edits: Edits): string {
  const { file } = opened;
  if (edits.key && !sameKey(edits.key.dataKey, opened.dataKey) && file.sops.others.length) throw new FindingError(sealCodes.finding("SEAL_FRESH_KEY", { message: `a fresh data key can't be sealed to ${file.sops.others.join(", ")}`, at: file.document.locate(["sops"], "key"), hint: `take that key out (sops rotate -i --rm-pgp … ${file.file}), or let sops rotate it` }));
  const key: SealedKey = edits.key ?? { dataKey: opened.dataKey, recipients: file.sops.recipients };
  const values = new Map(opened.values);
  for (const p of edits.remove ?? []) values.delete(p);
  for (const c of edits.set) values.set(c.path, c.value);
  const text = inPlace(opened, edits, key, values) ?? anew(opened, edits, key);
  verify(text, file.file, key, values);
  return text;
}
function verify(text: string, file: string, key: SealedKey, values: ReadonlyMap<string, string>): void {
  const { sealed, findings } = parseClear(text, file);
  if (!sealed) throw new FindingError(findings);
  const back = openWith(sealed, key.dataKey).values;
  if (back.size !== values.size || [...values].some(([p, v]) => back.get(p) !== v)) throw new Error(`${file}: what was written doesn't read back`);
}
function anew(opened: Opened, edits: Edits, key: SealedKey): string {
  const { file } = opened;
  if (file.sops.others.length) throw new FindingError(sealCodes.finding("SEAL_STRUCTURE", { message: `the file's style can't be edited in place, and ${file.sops.others.join(", ")} must be kept`, at: file.document.locate([]), hint: "let sops write it once: sops rotate -i" }));
  const gone = new Set([...(edits.remove ?? []), ...edits.set.map((c) => c.path)]);
  const kept = opened.file.credentials.filter((c) => !gone.has(c.path)).map((c) => ({ path: c.path, value: opened.values.get(c.path) ?? "", leaf: c.leaf, ...(c.claims && { claims: c.claims }) }));
  return renderSealed([...kept, ...edits.set], key, edits.now);
}

function inPlace(opened: Opened, edits: Edits, key: SealedKey, values: ReadonlyMap<string, string>): string | null {
  let text = opened.file.text;
  for (const p of edits.remove ?? []) {
    const next = removed(text, p.split("."));
    if (next === null) return null;
    text = next;
  }
  for (const c of edits.set) {
    const next = withChange(text, c);
    if (next === null) return null;
    text = next;
  }
  if (text === opened.file.text && !edits.key) return text; // nothing is new: the mac and the date stay too
  if (edits.key && !sameKey(edits.key.dataKey, opened.dataKey)) text = recomment(text, opened.dataKey, edits.key.dataKey, [...values.keys()]);
  const root = rootOf(text);
  const sops = root && blockAt(root, ["sops"]);
  if (!root || !sops) return null;
  const mac = new MacHash(opened.file.sops.macOnlyEncrypted);
  if (!hash(root, values, mac)) return null;
  const lastmodified = instant(edits.now);
  const splices: Splice[] = [];
  for (const [name, say] of [["mac", sealLeaf(key.dataKey, mac.digest(), lastmodified)], ["lastmodified", JSON.stringify(lastmodified)]] as const) {
    const node = pairOf(sops, name)?.value;
    if (!isScalar(node) || !node.range) return null;
    splices.push({ start: node.range[0], end: node.range[1], text: say });
  }
  if (edits.key) {
    const at = sops.items.findIndex((p) => p.key.value === "age");
    const here = sops.items[at];
    const next = sops.items[at + 1];
    if (!here || !next) return null;
    const start = lineStart(text, offset(here));
    const column = " ".repeat(offset(here) - start);
    splices.push({ start, end: lineStart(text, offset(next)), text: ageLines(edits.key.recipients).map((l) => `${column}${l}\n`).join("") });
  }
  return splice(text, splices);
}

const sameKey = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(b);
function rootOf(text: string): Block | null {
  const doc = parseDocument(text, { version: "1.2", uniqueKeys: true });
  return doc.errors.length === 0 && isMap(doc.contents) && !doc.contents.flow ? (doc.contents as unknown as Block) : null;
}
function blockAt(root: Block, keys: readonly string[]): Block | null {
  let map = root;
  for (const k of keys) {
    const v = pairOf(map, k)?.value;
    if (!isMap(v) || v.flow) return null;
    map = v as unknown as Block;
  }
  return map;
}
function withChange(text: string, c: Change): string | null {
  const root = rootOf(text);
  if (!root) return null;
  const keys = c.path.split(".");
  if (c.claims === undefined) {
    const parent = blockAt(root, keys.slice(0, -1));
    const node = parent && pairOf(parent, keys.at(-1) as string)?.value;
    if (isScalar(node) && node.range) return splice(text, [{ start: node.range[0], end: node.range[1], text: c.leaf }]);
    return added(text, root, keys, [`${scalar(keys.at(-1) as string)}: ${c.leaf}`]);
  }
  const own = blockAt(root, keys);
  if (!own) return added(text, root, keys, [`${scalar(keys.at(-1) as string)}:`, `    value: ${c.leaf}`, "    claims:", ...claimLines(c.claims).map((l) => `        ${l}`)]);
  const value = pairOf(own, "value");
  const node = value?.value;
  if (!value || !isScalar(node) || !node.range) return null;
  const column = " ".repeat(offset(value) - lineStart(text, offset(value)));
  const splices: Splice[] = [{ start: node.range[0], end: node.range[1], text: c.leaf }];
  const claims = pairOf(own, "claims");
  if (!claims) splices.push({ start: lineEnd(text, node.range[1]), end: lineEnd(text, node.range[1]), text: [`claims:`, ...claimLines(c.claims).map((l) => `    ${l}`)].map((l) => `${column}${l}\n`).join("") });
  else {
    const map = claims.value;
    if (!isMap(map) || map.flow || map.items.length === 0) return null;
    const first = offset(map.items[0] as Pair<Scalar<string>>);
    const start = lineStart(text, first);
    splices.push({ start, end: endOf(map), text: claimLines(c.claims).map((l) => `${text.slice(start, first)}${l}`).join("\n") });
  }
  return splice(text, splices);
}
/** New lines in the deepest map that exists on the way, before the first key that sorts after; at the root before `sops`. */
function added(text: string, root: Block, keys: readonly string[], leafLines: readonly string[]): string | null {
  let depth = 0;
  let map = root;
  for (; depth < keys.length - 1; depth++) {
    const next = blockAt(map, [keys[depth] as string]);
    if (!next) {
      if (pairOf(map, keys[depth] as string)) return null;
      break;
    }
    map = next;
  }
  const lines: string[] = [];
  for (let d = depth; d < keys.length - 1; d++) lines.push(`${"    ".repeat(d - depth)}${scalar(keys[d] as string)}:`);
  lines.push(...leafLines.map((l) => `${"    ".repeat(keys.length - 1 - depth)}${l}`));
  const first = map.items[0];
  if (!first) return null;
  const column = " ".repeat(offset(first) - lineStart(text, offset(first)));
  const name = keys[depth] as string;
  const after = map.items.find((p) => (depth === 0 && p.key.value === "sops") || p.key.value > name);
  let at = after ? lineStart(text, offset(after)) : lineEnd(text, endOf(map));
  // Comments right above a key are that key's.
  while (after && at > 0 && /^\s*#/.test(text.slice(lineStart(text, at - 1), at))) at = lineStart(text, at - 1);
  return splice(text, [{ start: at, end: at, text: lines.map((l) => `${column}${l}\n`).join("") }]);
}
function removed(text: string, keys: readonly string[]): string | null {
  const root = rootOf(text);
  if (!root) return null;
  for (let n = keys.length; n > 0; n--) {
    const parent = blockAt(root, keys.slice(0, n - 1));
    const pair = parent && pairOf(parent, keys[n - 1] as string);
    if (!pair) return null;
    if (n > 1 && parent.items.length === 1) continue;
    const start = lineStart(text, offset(pair));
    return splice(text, [{ start, end: lineEnd(text, endOf(pair.value)), text: "" }]);
  }
  return null;
}
/** Feeds the MAC in the order of the file; false where a value isn't known. */
function hash(root: Block, values: ReadonlyMap<string, string>, mac: MacHash): boolean {
  let known = true;
  const walk = (node: unknown, path: readonly string[]): void => {
    if (isMap(node)) {
      for (const p of (node as unknown as Block).items) if (path.length > 0 || p.key.value !== "sops") walk(p.value, [...path, p.key.value]);
      return;
    }
    const v = isScalar(node) ? node.value : null;
    if (path.includes("claims")) mac.add(macText(v), false);
    else {
      const value = values.get((path.at(-1) === "value" ? path.slice(0, -1) : path).join("."));
      if (value === undefined) known = false;
      else mac.add(value);
    }
  };
  walk(root, []);
  return known;
}
/** Encrypted comments, which sops writes as `#ENC[…,type:comment]`, under the new data key. Their place is one of the maps on the way to a value. */
function recomment(text: string, old: Uint8Array, fresh: Uint8Array, paths: readonly string[]): string {
  const places = new Set<string>([""]);
  for (const p of paths) for (let keys = [...p.split("."), "value"]; keys.length > 0; keys = keys.slice(0, -1)) places.add(pathData(keys));
  return text.replace(/#(ENC\[AES256_GCM,[^\]]*type:comment\])/g, (all, leaf: string) => {
    const parsed = parseLeaf(leaf) as Leaf;
    // At the root sops joins no step and still adds the colon.
    for (const place of [...places, ":"]) {
      const plain = openLeaf(old, parsed, place);
      if (plain !== null) return `#${sealLeaf(fresh, plain, place, "comment")}`;
    }
    return all;
  });
}
