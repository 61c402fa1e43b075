import { createHash } from "node:crypto";
import type { Claims } from "../schemas/claims.ts";
import type { ClearCredential, ClearFile } from "./clear.ts";

export type CredentialChange = "added" | "removed" | "changed" | "resealed" | "claims" | "moved" | "unsigned";
export interface SealedChange {
  readonly path: string;
  /** `changed`: a new issue; `resealed`: the same issue, sealed anew; `claims`: the claims alone; `unsigned`: other ciphertext under the old claims, which only the sops CLI leaves so. */
  readonly change: CredentialChange;
  /** Where a moved one stood. */
  readonly from?: string;
  readonly before: Claims | null;
  readonly after: Claims | null;
}
export interface SealedDiff {
  readonly credentials: readonly SealedChange[];
  readonly recipientsAdded: readonly string[];
  readonly recipientsRemoved: readonly string[];
  /** Every credential that stayed has another ciphertext: the data key is a fresh one. Null where none stayed. */
  readonly freshKey: boolean | null;
}
/** What changed between two versions of a sealed file, from what everybody sees: no key is needed and no value is known. Null stands for no file. */
export function diffSealed(before: ClearFile | null, after: ClearFile | null): SealedDiff {
  const [old, now] = [before, after].map((f) => new Map((f?.credentials ?? []).map((c) => [c.path, c]))) as [Map<string, ClearCredential>, Map<string, ClearCredential>];
  const credentials: SealedChange[] = [];
  const gone = [...old.values()].filter((c) => !now.has(c.path));
  for (const c of now.values()) {
    const was = old.get(c.path);
    const from = was ? undefined : gone.find((g) => g.claims && g.claims.issueId === c.claims?.issueId);
    if (from) gone.splice(gone.indexOf(from), 1);
    const change = was ? changeOf(was, c) : from ? "moved" : "added";
    if (change) credentials.push({ path: c.path, change, ...(from && { from: from.path }), before: (was ?? from)?.claims ?? null, after: c.claims });
  }
  for (const g of gone) credentials.push({ path: g.path, change: "removed", before: g.claims, after: null });
  const [had, has] = [before, after].map((f) => new Set([...(f?.sops.recipients.map((r) => r.recipient) ?? []), ...(f?.sops.others ?? [])])) as [Set<string>, Set<string>];
  const stayed = [...now.values()].filter((c) => old.has(c.path));
  return {
    credentials: credentials.sort((a, b) => (a.path < b.path ? -1 : 1)),
    recipientsAdded: [...has].filter((r) => !had.has(r)), recipientsRemoved: [...had].filter((r) => !has.has(r)),
    freshKey: stayed.length === 0 ? null : stayed.every((c) => old.get(c.path)?.leaf !== c.leaf),
  };
}
function changeOf(a: ClearCredential, b: ClearCredential): CredentialChange | null {
  const [x, y] = [a.claims, b.claims];
  const sameClaims = JSON.stringify(x) === JSON.stringify(y);
  if (a.leaf === b.leaf && sameClaims) return null;
  if (x?.issueId !== y?.issueId || x?.fingerprint !== y?.fingerprint) return "changed";
  if (a.leaf === b.leaf) return "claims";
  return sameClaims || y?.signature === undefined ? "unsigned" : "resealed";
}
/** A sealed file as lines for a textual diff: claims, who may open it, and digests in the place of ciphertexts. Never a value. */
export function viewSealed(f: ClearFile, nameOf: (recipient: string) => string): string {
  const digest = (text: string): string => createHash("sha256").update(text).digest("base64url").slice(0, 12);
  const out: string[] = [];
  for (const c of f.credentials) {
    out.push(`${c.path}:`, `    sealed: ${digest(c.leaf)}`);
    for (const [k, v] of Object.entries(c.claims ?? {})) if (v !== undefined) out.push(`    ${k}: ${k === "signature" ? digest(String(v)) : String(v)}`);
    if (!c.claims) out.push("    claims: none, or not of their form");
  }
  out.push("recipients:", ...f.sops.recipients.map((r) => `    - ${nameOf(r.recipient)}`), ...f.sops.others.map((o) => `    - ${o}`), `lastmodified: ${f.sops.lastmodified}`);
  return `${out.join("\n")}\n`;
}
