import { FindingError, type Finding } from "../lib/finding.ts";
import { ageOpenAny, type Identity } from "./age.ts";
import { openLeaf, parseLeaf, pathData, type Leaf } from "./cipher.ts";
import type { ClearFile } from "./clear.ts";
import { sealCodes } from "./codes.ts";
import { MacHash, macText } from "./mac.ts";

export interface Opened {
  readonly file: ClearFile;
  readonly dataKey: Uint8Array;
  /** Path → value; only after the MAC was verified. */
  readonly values: ReadonlyMap<string, string>;
}

/** Opens the data key with any of the identities; null where none is a recipient. */
export async function openDataKey(file: ClearFile, identities: readonly Identity[]): Promise<Uint8Array | null> {
  const key = await ageOpenAny(identities, file.sops.recipients);
  return key?.length === 32 ? key : null;
}

/** Opens a sealed file and verifies its MAC before any value is returned. Throws FindingError with SEAL_NOT_RECIPIENT, SEAL_CIPHERTEXT or SEAL_MAC_MISMATCH. */
export async function openSealed(file: ClearFile, identities: readonly Identity[]): Promise<Opened> {
  const start = { file: file.file, line: 1, column: 1 };
  const key = await openDataKey(file, identities);
  if (!key) throw new FindingError(sealCodes.finding("SEAL_NOT_RECIPIENT", { message: "none of the identities at hand opens this file", at: start, hint: "set SOPS_AGE_KEY_FILE to your identity; who may open it: stackseal people list" }));
  return openWith(file, key);
}

/** The same with the data key at hand. */
export function openWith(file: ClearFile, key: Uint8Array): Opened {
  const values = new Map<string, string>();
  const findings: Finding[] = [];
  const mac = new MacHash(file.sops.macOnlyEncrypted);
  const walk = (node: unknown, path: readonly string[]): void => {
    if (Array.isArray(node)) {
      for (const n of node) walk(n, path); // sops keeps a list's own path for its elements
      return;
    }
    if (typeof node === "object" && node !== null) {
      for (const [k, v] of Object.entries(node)) walk(v, [...path, k]);
      return;
    }
    if (path.includes("claims")) {
      mac.add(macText(node), false);
      return;
    }
    const leaf = typeof node === "string" ? parseLeaf(node) : null;
    const text = leaf ? openLeaf(key, leaf, pathData(path)) : null;
    if (text === null) findings.push(sealCodes.finding("SEAL_CIPHERTEXT", { message: "this value doesn't open: it was changed, swapped or renamed", at: file.document.locate(path), path: path.slice(0, -1).join("."), hint: "restore the file from git" }));
    else {
      mac.add(text);
      values.set((path.at(-1) === "value" ? path.slice(0, -1) : path).join("."), text);
    }
  };
  const { sops: _sops, ...tree } = file.document.value as Record<string, unknown>;
  walk(tree, []);
  if (findings.length) throw new FindingError(findings);
  const sealed = parseLeaf(file.sops.mac) as Leaf;
  const expected = openLeaf(key, sealed, file.sops.lastmodified);
  if (expected !== mac.digest()) throw new FindingError(sealCodes.finding("SEAL_MAC_MISMATCH", { message: "the file was changed after it was sealed: its mac doesn't fit", at: file.document.locate(["sops", "mac"]), hint: "restore the file from git, then make the change with stackseal secret set" }));
  return { file, dataKey: key, values };
}
