import { parseDocument, readText, type Document } from "../lib/document.ts";
import type { Finding, Position } from "../lib/finding.ts";
import { claimsSchema, type Claims } from "../schemas/claims.ts";
import { HELD_BARE, HELD_NEXT, heldIn, isPepperFile, PEPPER_GENERATION } from "../schemas/layout.ts";
import { isLeaf } from "./cipher.ts";
import { sealCodes } from "./codes.ts";
import { OTHER_KINDS } from "./foreign/metadata.ts";
import { unsupportedKind } from "./foreign/recipient.ts";

/** One sealed value as everybody sees it: no key is needed. */
export interface ClearCredential {
  readonly path: string;
  readonly keys: readonly string[];
  readonly claims: Claims | null;
  /** The ciphertext leaf, `ENC[…]`. */
  readonly leaf: string;
  /** The bare leaf that its signature covers too: what an open rotation was told of its new value. */
  readonly beside?: string | undefined;
  readonly at: Position;
  readonly claimsAt: Position;
  /** The day of the file's lastmodified, YYYY-MM-DD. */
  readonly sealedOn: string;
}
export interface SopsMetadata {
  readonly recipients: readonly { readonly recipient: string; readonly enc: string }[];
  /** Master keys of other kinds, as `pgp 85D7…`: kept by every change that keeps the data key, never used here. */
  readonly others: readonly string[];
  readonly lastmodified: string;
  readonly mac: string;
  readonly version: string;
  readonly macOnlyEncrypted: boolean;
}
export interface ClearFile {
  readonly file: string;
  readonly text: string;
  readonly document: Document;
  readonly credentials: readonly ClearCredential[];
  readonly sops: SopsMetadata;
}
export interface ClearResult {
  readonly sealed: ClearFile | null;
  readonly findings: readonly Finding[];
}
const isRecord = (v: unknown): v is Record<string, unknown> => typeof v === "object" && v !== null && !Array.isArray(v);

/** Which names may stand for a bare leaf, without claims, in a file of that path. */
const bareIn = (file: string): ((name: string) => boolean) => (heldIn(file) !== null ? (name) => name === HELD_BARE : isPepperFile(file) ? (name) => PEPPER_GENERATION.test(name) : () => false);

/** Reads one of our sealed files without a key: every value must be ciphertext, every claim in the closed schema, the sops part complete. */
export function readClear(root: string, file: string): ClearResult {
  const { text, findings } = readText(root, file, 4 << 20);
  if (text === null) return { sealed: null, findings };
  const r = parseClear(text, file);
  return { sealed: r.sealed, findings: [...findings, ...r.findings] };
}

/** The same of text at hand. `sealed` is null where the file can't be used at all. */
export function parseClear(text: string, file: string): ClearResult {
  const { document, findings } = parseDocument(text, file);
  if (!document) return { sealed: null, findings };
  const out: Finding[] = [...findings];
  if (!isRecord(document.value)) return { sealed: null, findings: [sealCodes.finding("SEAL_STRUCTURE", { message: "a sealed file is a map of integrations", at: document.locate([]) })] };
  const { sops: rawSops, ...tree } = document.value;
  const sops = readSops(document, rawSops, out);
  const credentials: ClearCredential[] = [];
  const walk = (node: unknown, keys: string[]): void => {
    const place = document.locate(keys);
    if (!isRecord(node)) {
      if (typeof node === "string" && isLeaf(node)) out.push(sealCodes.finding("SEAL_STRUCTURE", { message: "a sealed value stands outside { value, claims }", at: place, path: keys.join(".") }));
      else out.push(sealCodes.finding("SEAL_PLAINTEXT", { message: "a value stands here in clear", at: place, path: keys.join("."), hint: "remove it and use: stackseal secret set" }));
      return;
    }
    if ("value" in node || "claims" in node) credential(node, keys);
    else if (keys.length >= 3) out.push(sealCodes.finding("SEAL_STRUCTURE", { message: "nested more deeply than <integration>.<name>.<secret>", at: place, path: keys.join(".") }));
    else for (const [k, v] of Object.entries(node)) enter(k, v, keys);
  };
  const enter = (k: string, v: unknown, keys: string[]): void => {
    if (/^[A-Za-z][A-Za-z0-9_-]*$/.test(k)) walk(v, [...keys, k]);
    else out.push(sealCodes.finding("SEAL_STRUCTURE", { message: "a key that is no name: letters, digits, hyphens", at: document.locate([...keys, k], "key"), path: keys.join(".") }));
  };
  const credential = (node: Record<string, unknown>, keys: string[]): void => {
    const path = keys.join(".");
    const at = document.locate([...keys, "value"]);
    for (const k of Object.keys(node)) if (k !== "value" && k !== "claims") out.push(sealCodes.finding(isLeaf(node[k]) ? "SEAL_STRUCTURE" : "SEAL_PLAINTEXT", { message: `"${k}" doesn't belong beside value and claims`, at: document.locate([...keys, k], "key"), path: `${path}.${k}` }));
    const leaf = node["value"];
    if (!isLeaf(leaf)) {
      out.push(sealCodes.finding("SEAL_PLAINTEXT", { message: leaf === undefined ? "claims without a sealed value" : "the value stands here in clear", at, path, hint: `stackseal secret set ${path}` }));
      return;
    }
    const claimsAt = document.locate([...keys, "claims"], "key");
    let claims: Claims | null = null;
    if (node["claims"] === undefined) out.push(sealCodes.finding("SEAL_CLAIMS_MISSING", { message: "the sealed value has no claims", at, path, hint: `stackseal secret sign ${path}` }));
    else {
      const r = claimsSchema.safeParse(node["claims"]);
      if (r.success) claims = r.data;
      else for (const i of r.error.issues) {
        const sub = i.code === "unrecognized_keys" ? [i.keys[0] ?? ""] : i.path.map(String);
        out.push(sealCodes.finding("SEAL_CLAIMS_INVALID", { message: i.code === "unrecognized_keys" ? `unknown claim "${sub[0] ?? ""}"` : `claim "${sub.join(".")}" is missing or not of its form`, at: document.locate([...keys, "claims", ...sub]), path: `${path}.claims` }));
      }
    }
    const beside = path === HELD_NEXT && heldIn(file) !== null ? tree[HELD_BARE] : undefined;
    credentials.push({ path, keys, claims, leaf, ...(typeof beside === "string" && { beside }), at, claimsAt, sealedOn: sops?.lastmodified.slice(0, 10) ?? "" });
  };
  const bare = bareIn(file);
  for (const [k, v] of Object.entries(tree)) if (!(bare(k) && typeof v === "string" && isLeaf(v))) enter(k, v, []);
  return { sealed: sops ? { file, text, document, credentials, sops } : null, findings: out };
}

function readSops(document: Document, raw: unknown, out: Finding[]): SopsMetadata | null {
  const bad = (what: string, path: string[] = ["sops"]): null => {
    out.push(sealCodes.finding("SEAL_METADATA", { message: what, at: document.locate(path), path: path.join("."), hint: "restore the file from git" }));
    return null;
  };
  if (!isRecord(raw)) return bad("the sops part is missing: the file isn't sealed, or was cut off");
  const age = raw["age"];
  if (Array.isArray(raw["key_groups"]) && raw["key_groups"].length > 0) return bad("key groups that share the data key, in one of our files", ["sops", "key_groups"]);
  const others = Object.entries(OTHER_KINDS).flatMap(([kind, field]) => (Array.isArray(raw[kind]) ? (raw[kind] as unknown[]) : []).map((k) => {
    const name = isRecord(k) ? k[field] : undefined;
    return `${kind} ${typeof name === "string" ? name : "without a name"}`;
  }));
  if (!Array.isArray(age) || age.length === 0) return bad("no age recipient");
  const recipients: { recipient: string; enc: string }[] = [];
  for (const [i, r] of age.entries()) {
    const { recipient, enc } = (isRecord(r) ? r : {}) as { recipient?: unknown; enc?: unknown };
    if (typeof recipient !== "string" || typeof enc !== "string") return bad("a recipient without its sealed data key", ["sops", "age"]);
    if (!/^age1[02-9ac-hj-np-z]{58}$/.test(recipient)) {
      out.push(sealCodes.finding("SEAL_RECIPIENT_UNSUPPORTED", { message: `not supported here: ${recipient.slice(0, 80)} is ${unsupportedKind(recipient) ?? "a post-quantum recipient; people.yaml takes X25519 ones"}`, at: document.locate(["sops", "age", i]), hint: "seal to an age recipient of age-keygen instead" }));
      return null;
    }
    recipients.push({ recipient, enc });
  }
  const { lastmodified, mac, version, unencrypted_regex: clear } = raw;
  if (typeof mac !== "string" || !isLeaf(mac)) return bad("the mac is missing", ["sops", "mac"]);
  if (typeof lastmodified !== "string") return bad("lastmodified is missing", ["sops", "lastmodified"]);
  if (clear !== "^claims$") return bad("unencrypted_regex must be ^claims$", ["sops", "unencrypted_regex"]);
  return { recipients, others, lastmodified, mac, version: typeof version === "string" ? version : "", macOnlyEncrypted: raw["mac_only_encrypted"] === true };
}
