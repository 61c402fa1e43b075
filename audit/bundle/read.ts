import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { FindingError, type Finding } from "../../lib/finding.ts";
import { plainFile } from "../../lib/plain-file.ts";
import { sha256 } from "../../lib/sha256.ts";
import { auditCodes } from "../codes.ts";
import { MANIFEST, parseManifest, SIGNATURE, sumsOf, SUMS, type Manifest } from "./manifest.ts";
import { BESIDE } from "./timestamp.ts";
import { signerOfManifest, type AllowedSigner } from "./signers.ts";

/** In bytes: of a bundle's file or tar, of its manifest, of what is beside it. What is larger isn't read. */
export const LARGEST = 1 << 30;
const LARGEST_MANIFEST = 64 << 20;
export const LARGEST_BESIDE = 1 << 20;
/** A bundle as it lies in its folder. */
export interface Bundle {
  readonly dir: string;
  /** As findings name it. */
  readonly label: string;
  readonly text: string;
  readonly manifest: Manifest | null;
  readonly sha256: string;
}
const at = (b: Pick<Bundle, "label">, path: string): string => `${b.label}/${path}`;

/** Reads a bundle's manifest. Throws FindingError BUNDLE_UNREADABLE (exit 2) where the folder holds none. */
export function readBundle(dir: string, label: string): Bundle {
  const bytes = plainFile(join(dir, MANIFEST), LARGEST_MANIFEST);
  if (!bytes) {
    const like = existsSync(join(dir, SIGNATURE)) || existsSync(join(dir, SUMS));
    throw new FindingError(auditCodes.finding(like ? "BUNDLE_MISSING" : "BUNDLE_UNREADABLE", { message: like ? "the bundle's manifest is missing, or no plain file" : `${label} is no evidence bundle: it has no ${MANIFEST}`, path: `${label}/${MANIFEST}`, hint: "name the folder that holds manifest.json" }), like ? 1 : 2);
  }
  const text = bytes.toString("utf8");
  return { dir, label, text, sha256: sha256(bytes), manifest: Buffer.from(text).equals(bytes) ? parseManifest(text) : null };
}
/** Whether every file is the one that the manifest names, none is missing and none was added. */
export function intact(b: Bundle & { readonly manifest: Manifest }): Finding[] {
  const findings: Finding[] = [];
  const known = new Map(b.manifest.files.map((f) => [f.path, f]));
  const there = new Set(walk(b.dir, ""));
  for (const f of b.manifest.files) {
    const bytes = there.has(f.path) ? plainFile(join(b.dir, f.path), LARGEST) : null;
    if (!bytes) findings.push(auditCodes.finding("BUNDLE_MISSING", { message: "this file of the bundle is missing, or no plain file", path: at(b, f.path) }));
    else if (sha256(bytes) !== f.sha256) findings.push(auditCodes.finding("BUNDLE_CHANGED", { message: "this file isn't the one that was signed: its SHA-256 differs from the manifest's", path: at(b, f.path), hint: "ask for the bundle again, from whoever signed it" }));
  }
  for (const name of there) if (!known.has(name) && ![MANIFEST, SIGNATURE, ...BESIDE].includes(name)) findings.push(auditCodes.finding("BUNDLE_EXTRA", { message: "the manifest doesn't name this file", path: at(b, name) }));
  if (known.get(SUMS)?.sha256 !== sha256(sumsOf(b.manifest.files.filter((f) => f.path !== SUMS)))) findings.push(auditCodes.finding("BUNDLE_CHANGED", { message: `${SUMS} doesn't say what the manifest says`, path: at(b, SUMS) }));
  return findings;
}
function walk(dir: string, prefix: string): string[] {
  return readdirSync(join(dir, prefix), { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? walk(dir, `${prefix}${e.name}/`) : [`${prefix}${e.name}`]));
}
/** Who signed the manifest; null and a finding where none of the allowed signers did. */
export function signedBy(b: Bundle, signers: readonly AllowedSigner[], now: Date): { readonly signer: string | null; readonly findings: Finding[] } {
  const armored = plainFile(join(b.dir, SIGNATURE), LARGEST_BESIDE);
  if (!armored) return { signer: null, findings: [auditCodes.finding("BUNDLE_MISSING", { message: "the manifest's signature is missing, or no plain file", path: at(b, SIGNATURE) })] };
  const found = signerOfManifest(b.text, armored.toString("latin1"), signers, now);
  if (found) return { signer: found.principal, findings: [] };
  return { signer: null, findings: [auditCodes.finding("BUNDLE_SIGNATURE", { message: `${signers.length === 0 ? "there is nobody whose signature would count" : "none of the allowed signers made this signature"}: the manifest was changed, or somebody else signed it`, path: at(b, SIGNATURE), hint: "ssh-keygen -Y check-novalidate -n stackseal-bundle -s manifest.json.sig < manifest.json tells the key" })] };
}
