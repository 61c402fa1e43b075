import { FindingError, type Finding, type Position } from "../../lib/finding.ts";
import { ageOpenAny, type Identity } from "../age.ts";
import { openLeafBytes, parseLeaf, pathData } from "../cipher.ts";
import { sealCodes } from "../codes.ts";
import { MacHash } from "../mac.ts";
import { readDotenv } from "./read-dotenv.ts";
import { readIni } from "./read-ini.ts";
import { readJson } from "./read-json.ts";
import { readYaml } from "./read-yaml.ts";
import { floatText } from "./go-scalar.ts";
import { readMetadata, type AgeKey, type Metadata } from "./metadata.ts";
import { unsupportedKind } from "./recipient.ts";
import { decider } from "./rule.ts";
import { combine } from "./shamir.ts";
import type { Branch, Node, Parsed, Scalar, ScalarType } from "./tree.ts";

export const FORMATS = ["yaml", "json", "dotenv", "ini", "binary"] as const;
export type Format = (typeof FORMATS)[number];

/** One value of a file that sops wrote. */
export interface ForeignValue {
  /** Keys and, in lists, positions; in a file of several documents each document's own. */
  readonly path: readonly (string | number)[];
  readonly type: ScalarType;
  /** The plaintext; numbers, booleans and times as sops spells them (`True`, RFC 3339). */
  readonly text: string;
  /** The plaintext's bytes: a binary file needn't be text. */
  readonly bytes: Buffer;
  /** Whether it stands encrypted in the file. */
  readonly sealed: boolean;
  readonly at: Position;
}
export interface Foreign {
  readonly format: Format;
  readonly metadata: Metadata;
  readonly values: readonly ForeignValue[];
  /** Warnings: recipients of kinds that aren't used here. */
  readonly findings: readonly Finding[];
}
/** The format that sops takes for a file's name. */
export function formatOf(file: string): Format {
  if (/\.ya?ml$/.test(file)) return "yaml";
  if (file.endsWith(".json")) return "json";
  if (file.endsWith(".env")) return "dotenv";
  return file.endsWith(".ini") ? "ini" : "binary";
}
const READERS: Readonly<Record<Format, (text: string, file: string) => Parsed>> = { yaml: readYaml, json: readJson, binary: readJson, dotenv: readDotenv, ini: readIni };

/** What a sops file tells without a key: its metadata, and whether it has any. Throws FindingError SEAL_FORMAT or SEAL_METADATA, with the place. */
export function readForeign(text: string, format: Format, file: string): { readonly metadata: Metadata; readonly branches: readonly Branch[] } {
  const parsed = READERS[format](text, file);
  return { metadata: readMetadata(parsed.sops, { file, line: 1, column: 1 }), branches: parsed.branches };
}
/**
 * Opens any file that sops 3.13 writes with age recipients, and verifies its MAC before any value is returned: YAML, JSON, dotenv, INI and
 * binary, every encryption rule, Shamir groups. `identities` are age secret keys; `file` stands in findings alone.
 * Throws FindingError: SEAL_FORMAT, SEAL_METADATA, SEAL_UNSUPPORTED, SEAL_RECIPIENT_UNSUPPORTED, SEAL_NOT_RECIPIENT, SEAL_PLAINTEXT, SEAL_CIPHERTEXT, SEAL_MAC_MISMATCH.
 */
export async function openForeign(text: string, format: Format, identities: readonly Identity[], file: string): Promise<Foreign> {
  const { metadata, branches } = readForeign(text, format, file);
  const key = await dataKeyOf(metadata, identities, file);
  return { format, metadata, values: decrypt(metadata, branches, key, file), findings: unsupported(metadata, file, "warning") };
}

function unsupported(m: Metadata, file: string, severity: "warning" | "error"): Finding[] {
  const at = { file, line: 1, column: 1 };
  return m.groups.flatMap((g) => g.age).flatMap((k) => {
    const kind = unsupportedKind(k.recipient);
    const name = k.recipient.length > 80 ? `${k.recipient.slice(0, 60)}…` : k.recipient;
    return kind === null ? [] : [sealCodes.finding("SEAL_RECIPIENT_UNSUPPORTED", { severity, message: `not supported here: ${name} is ${kind}`, at, hint: "it is kept as it is; an age key of age-keygen opens the file here" })];
  });
}
async function dataKeyOf(m: Metadata, identities: readonly Identity[], file: string): Promise<Uint8Array> {
  const start = { file, line: 1, column: 1 };
  const others = m.groups.flatMap((g) => g.others);
  const parts = (await Promise.all(m.groups.map((g) => openGroup(g.age, identities)))).filter((p) => p !== null);
  const several = m.groups.length > 1;
  const wanted = several ? Math.max(m.threshold, 2) : 1;
  if (parts.length < wanted) {
    const odd = unsupported(m, file, "error");
    const say = several ? `${parts.length} of the ${wanted} key groups that it takes open with the identities at hand` : "none of the identities at hand opens this file";
    const besides = others.length ? `; it has keys that are not used here: ${others.map((o) => `${o.kind} ${o.name}`).join(", ")}` : "";
    throw new FindingError([...odd, sealCodes.finding("SEAL_NOT_RECIPIENT", { message: `${say}${besides}`, at: start, hint: "set SOPS_AGE_KEY_FILE to the age identity of one of its recipients" })]);
  }
  const key = several ? combine(parts) : (parts[0] as Uint8Array);
  if (key?.length !== 32) throw new FindingError(sealCodes.finding("SEAL_METADATA", { message: several ? "the key groups' shares don't fit together" : "the data key isn't of 256 bits", at: start, path: "sops" }));
  return key;
}
const openGroup = (keys: readonly AgeKey[], identities: readonly Identity[]): Promise<Uint8Array | null> => ageOpenAny(identities, keys.filter((k) => unsupportedKind(k.recipient) === null));

function decrypt(m: Metadata, branches: readonly Branch[], key: Uint8Array, file: string): ForeignValue[] {
  const values: ForeignValue[] = [];
  const findings: Finding[] = [];
  const mac = new MacHash(m.macOnlyEncrypted);
  const sealedHere = decider(m.rule, { file, line: 1, column: 1 });
  const scalar: Visit = (n, keys, path, comments) => {
    if (n.type === "null") {
      values.push({ path, type: "null", text: "", bytes: Buffer.alloc(0), sealed: false, at: n.at });
      return;
    }
    if (!sealedHere(keys, comments, false)) {
      const bytes = n.bytes ?? Buffer.from(n.text);
      mac.add(bytes, false);
      values.push({ path, type: n.type, text: n.text, bytes, sealed: false, at: n.at });
      return;
    }
    if (n.type === "str" && n.text === "") { // sops leaves an empty value empty
      mac.add("");
      values.push({ path, type: "str", text: "", bytes: Buffer.alloc(0), sealed: true, at: n.at });
      return;
    }
    const leaf = n.type === "str" ? parseLeaf(n.text) : null;
    if (!leaf) {
      findings.push(inClear(n, path));
      return;
    }
    const bytes = openLeafBytes(key, leaf, pathData(keys));
    if (!bytes) {
      findings.push(sealCodes.finding("SEAL_CIPHERTEXT", { message: "this value doesn't open: it was changed, swapped or renamed", at: n.at, path: path.join("."), hint: "restore the file from git" }));
      return;
    }
    if (leaf.type === "comment") return; // a comment in a list; no part of the MAC
    const text = leaf.type === "bool" ? (/^(?:1|t|T|true|TRUE|True)$/.test(bytes.toString()) ? "True" : "False") : leaf.type === "float" ? floatText(goFloat(bytes.toString())) : null;
    const said = text === null ? bytes : Buffer.from(text);
    mac.add(said);
    values.push({ path, type: leaf.type, text: said.toString("utf8"), bytes: said, sealed: true, at: n.at });
  };
  visit(branches, scalar);
  if (findings.length) throw new FindingError(findings);
  const sealed = parseLeaf(m.mac);
  if (!sealed || openLeafBytes(key, sealed, m.lastmodified)?.toString() !== mac.digest())
    throw new FindingError(sealCodes.finding("SEAL_MAC_MISMATCH", { message: "the file was changed after it was sealed: its mac doesn't fit", at: { file, line: 1, column: 1 }, path: "sops.mac", hint: "restore the file from git, then make the change with sops or stackseal secret set" }));
  return values;
}
/** Values that stand in clear where the file's own rule wants them sealed: no key is needed to see that. */
export function plainValues(m: Metadata, branches: readonly Branch[], file: string): Finding[] {
  const findings: Finding[] = [];
  const sealedHere = decider(m.rule, { file, line: 1, column: 1 });
  visit(branches, (n, keys, path, comments) => {
    if (n.type !== "null" && n.text !== "" && sealedHere(keys, comments, false) && !(n.type === "str" && parseLeaf(n.text))) findings.push(inClear(n, path));
  });
  return findings;
}
const inClear = (n: Scalar, path: readonly (string | number)[]): Finding => sealCodes.finding("SEAL_PLAINTEXT", { message: "a value stands in clear where the file's rule wants it sealed", at: n.at, path: path.join("."), hint: "restore the file from git" });

type Visit = (n: Scalar, keys: readonly string[], path: readonly (string | number)[], comments: readonly (readonly string[])[]) => void;
/** Every scalar in the order of the file: the keys above it (a list's own for its elements, as sops has it), its path, and the comments that bear on it. */
function visit(branches: readonly Branch[], each: Visit): void {
  const walk = (n: Node, keys: readonly string[], path: readonly (string | number)[], above: readonly (readonly string[])[]): void => {
    if (n.kind === "scalar") {
      each(n, keys, path, above);
      return;
    }
    let position = 0;
    let active: string[] = [];
    for (const i of n.items) {
      if (i.kind === "comment") {
        active.push(i.text);
        continue;
      }
      const comments = [...above, active];
      if (i.kind === "entry") walk(i.value, [...keys, i.key], [...path, i.key], comments);
      else {
        walk(i, keys, [...path, position], comments);
        if (!(i.kind === "scalar" && parseLeaf(i.text)?.type === "comment")) position++; // an encrypted comment in a list is no element
      }
      active = [];
    }
  };
  for (const b of branches) walk(b, [], [], []);
}
const goFloat = (text: string): number => (text === "+Inf" || text === "Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text));
