import { spawnSync } from "node:child_process";
import type { Git } from "../lib/git.ts";
import { keyOfSignature, verifyText } from "../seal/signature.ts";

// A commit object as it stands in git: who, when, what it says, and whose key signed it.

export interface Identity {
  readonly name: string;
  readonly email: string;
  /** ISO instant, UTC. */
  readonly at: string;
}
export interface Commit {
  readonly id: string;
  readonly parents: readonly string[];
  readonly author: Identity;
  readonly committer: Identity;
  readonly message: string;
  /** Armored signature, and the bytes that it signs. */
  readonly signature: { readonly armored: string; readonly signed: string } | null;
}
/** `Name <email>`, as a commit has it. */
export const personOf = (i: Identity): string => `${i.name} <${i.email}>`;
/** Reads a commit object's text. */
export function parseCommit(id: string, text: string): Commit {
  const end = text.indexOf("\n\n");
  const head = text.slice(0, end < 0 ? text.length : end).split("\n");
  const parents: string[] = [];
  let author: Identity = { name: "", email: "", at: "" };
  let committer = author;
  let armored = "";
  const kept: string[] = [];
  for (let i = 0; i < head.length; i++) {
    const line = head[i] as string;
    if (line.startsWith("gpgsig ") || line.startsWith("gpgsig-sha256 ")) {
      const first = line.slice(line.indexOf(" ") + 1);
      const more: string[] = [];
      while ((head[i + 1] ?? "").startsWith(" ")) more.push((head[++i] as string).slice(1));
      armored ||= [first, ...more].join("\n");
      continue;
    }
    kept.push(line);
    if (line.startsWith("parent ")) parents.push(line.slice(7));
    else if (line.startsWith("author ")) author = identity(line.slice(7));
    else if (line.startsWith("committer ")) committer = identity(line.slice(10));
  }
  const rest = end < 0 ? "" : text.slice(end);
  return { id, parents, author, committer, message: rest.slice(2), signature: armored === "" ? null : { armored, signed: kept.join("\n") + rest } };
}
const [FIRST, LAST] = [-62_135_596_800, 253_370_764_799];
function identity(text: string): Identity {
  const m = /^(.*?) ?<([^>]*)> (-?\d+) [-+]\d{4}$/.exec(text);
  // Git takes any number of seconds; an ISO year has four digits, and 9999 stands for "no end" in filters.
  return { name: m?.[1] ?? "", email: m?.[2] ?? "", at: m ? new Date(Math.min(Math.max(Number(m[3]), FIRST), LAST) * 1000).toISOString() : "" };
}

export interface SignatureState {
  readonly kind: "ssh" | "gpg" | null;
  /** `valid`: by a key in people.yaml; `unknown-key`: a good signature by a key that isn't there; `unchecked`: the tool that could say isn't here. */
  readonly state: "valid" | "unknown-key" | "invalid" | "unchecked" | "none";
  /** The person whose key it is, or the key's fingerprint. */
  readonly by: string | null;
}
const ABSENT: SignatureState = { kind: null, state: "none", by: null };

/** Whose key signed a commit. `keys`: public key line → person, of every person that main's people.yaml ever had. */
export function signatureOf(c: Commit, keys: ReadonlyMap<string, string>, git: Git): SignatureState {
  if (!c.signature) return ABSENT;
  const { armored, signed } = c.signature;
  if (armored.includes("BEGIN SSH SIGNATURE")) return ssh(armored, signed, keys);
  if (armored.includes("BEGIN PGP")) return gpg(c, git);
  return { kind: null, state: "unchecked", by: null };
}
function ssh(armored: string, signed: string, keys: ReadonlyMap<string, string>): SignatureState {
  const base64 = armored.replace(/-----[A-Z ]+-----/g, "").replace(/\s/g, "");
  const line = verifyText(base64, signed, [...keys.keys()], "git");
  if (line !== null) return { kind: "ssh", state: "valid", by: keys.get(line) ?? null };
  // The signature carries its own public key: whether it is good at all is told apart from whose it is.
  return { kind: "ssh", state: keyOfSignature(base64, signed, "git") === null ? "invalid" : "unknown-key", by: null };
}
/** OpenPGP is left to gpg, through git; people.yaml has SSH keys, so a good one is by an unknown key. */
function gpg(c: Commit, git: Git): SignatureState {
  const r = spawnSync("git", ["verify-commit", "--raw", c.id], { cwd: git.root, env: git.env, encoding: "utf8" });
  const valid = /\[GNUPG:\] VALIDSIG ([0-9A-F]+)/.exec(r.stderr);
  if (valid) return { kind: "gpg", state: "unknown-key", by: valid[1] ?? null };
  return { kind: "gpg", state: /\[GNUPG:\] (BADSIG|ERRSIG .* 8)/.test(r.stderr) ? "invalid" : "unchecked", by: /\[GNUPG:\] (?:NO_PUBKEY|ERRSIG) ([0-9A-F]+)/.exec(r.stderr)?.[1] ?? null };
}

/** Names in `Reviewed-by:` trailers: a claim of whoever wrote the message. */
export const reviewedBy = (message: string): string[] => [...message.matchAll(/^Reviewed-by:[ \t]*(.+?)[ \t]*$/gim)].map((m) => m[1] as string);
