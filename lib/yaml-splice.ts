import { isMap, isSeq, type Pair, type Scalar, type YAMLMap } from "yaml";

/** A parsed map whose keys are scalars, as documents of ours have them. */
export type Block = YAMLMap<Scalar<string>>;
/** Text to put in place of what stands from `start` up to `end` (offsets in UTF-16 units, as the yaml library's ranges). */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The pair under a key, or undefined. */
export const pairOf = (map: Block, name: string): Pair<Scalar<string>> | undefined => map.items.find((p) => p.key.value === name);
/** Where a pair's key begins. */
export const offset = (p: Pair<Scalar<string>>): number => p.key.range?.[0] ?? 0;
/** The start of the line that holds `at`. */
export const lineStart = (text: string, at: number): number => text.lastIndexOf("\n", at - 1) + 1;
/** Behind the newline of the line that holds `at`, or the text's end. */
export const lineEnd = (text: string, at: number): number => {
  const n = text.indexOf("\n", at);
  return n < 0 ? text.length : n + 1;
};
/** Where a node's own text ends: of a block collection its last scalar's end, since the library's range runs on over the comments below. */
export function endOf(node: unknown): number {
  if (isMap(node) && !node.flow && node.items.length) return endOf(node.items.at(-1)?.value);
  if (isSeq(node) && !node.flow && node.items.length) return endOf(node.items.at(-1));
  return (node as { range?: [number, number, number] } | null)?.range?.[1] ?? 0;
}
/** The text with all splices made; they must not overlap. */
export const splice = (text: string, list: readonly Splice[]): string => [...list].sort((a, b) => b.start - a.start).reduce((t, s) => t.slice(0, s.start) + s.text + t.slice(s.end), text);
