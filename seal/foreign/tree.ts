import type { Position } from "../../lib/finding.ts";
import { FindingError } from "../../lib/finding.ts";
import { sealCodes } from "../codes.ts";

// What sops makes of a file of any format before it decrypts: ordered maps, lists, scalars with a Go type, and comments between them.

export type ScalarType = "str" | "int" | "float" | "bool" | "time" | "bytes" | "null";
export interface Scalar {
  readonly kind: "scalar";
  readonly type: ScalarType;
  /** The text that sops hashes for the MAC: integers in decimal, floats without exponent, True and False, RFC 3339 with nanoseconds. */
  readonly text: string;
  /** Only where the value isn't UTF-8 text. */
  readonly bytes?: Buffer;
  readonly at: Position;
}
export interface Comment {
  readonly kind: "comment";
  readonly text: string;
  readonly at: Position;
}
export interface Entry {
  readonly kind: "entry";
  readonly key: string;
  readonly value: Node;
  readonly at: Position;
}
export interface Branch {
  readonly kind: "map";
  readonly items: readonly (Entry | Comment)[];
  readonly at: Position;
}
export interface List {
  readonly kind: "list";
  readonly items: readonly (Node | Comment)[];
  readonly at: Position;
}
export type Node = Scalar | Branch | List;

/** A file as read: the documents' maps in order, and the first one's `sops` part as a tree. */
export interface Parsed {
  readonly branches: readonly Branch[];
  readonly sops: Branch | null;
}
export const MAX_NODES = 200_000;
export const MAX_DEPTH = 64;

/** A file that isn't of its format, with the place. The message never quotes the text. */
export const malformed = (message: string, at: Position, hint?: string): FindingError => new FindingError(sealCodes.finding("SEAL_FORMAT", { message, at, ...(hint !== undefined && { hint }) }), 2);

export const entryOf = (b: Branch | null, key: string): Entry | undefined => b?.items.find((i): i is Entry => i.kind === "entry" && i.key === key);
export const branchOf = (b: Branch | null, key: string): Branch | null => {
  const v = entryOf(b, key)?.value;
  return v?.kind === "map" ? v : null;
};
/** The text of a scalar; undefined where there is none. */
export const textOf = (b: Branch | null, key: string): string | undefined => {
  const v = entryOf(b, key)?.value;
  return v?.kind === "scalar" && v.type !== "null" ? v.text : undefined;
};
/** Takes the `sops` entries out of the documents; the first document's counts. */
export function split(branches: readonly Branch[]): Parsed {
  const first = branches[0];
  return {
    branches: branches.map((b) => ({ ...b, items: b.items.filter((i) => i.kind === "comment" || i.key !== "sops") })),
    sops: first ? branchOf(first, "sops") : null,
  };
}
