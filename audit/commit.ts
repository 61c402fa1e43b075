import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { TextDecoder } from "node:util";
import type { PeopleHistory } from "../history/people-history.ts";
import type { Git } from "../lib/git.ts";
import { keyOfSignature, publicBlob } from "../seal/signature.ts";

// A commit object as it stands in git: who, when, what it says, and whose key signed it.

export interface Identity {
  /** `Name <email>`, as the commit has it. */
  readonly person: string;
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
  readonly signature: { readonly armored: string; readonly signed: Uint8Array } | null;
}
/** Reads a commit object. Its signature is over bytes, which needn't be UTF-8: the commit's own `encoding` says what they mean. */
export function parseCommit(id: string, bytes: Buffer): Commit {
  const text = bytes.toString("latin1");
  const end = text.indexOf("\n\n");
  const head = text.slice(0, end < 0 ? text.length : end).split("\n");
  const parents: string[] = [];
  let [author, committer, encoding, armored] = ["", "", "utf-8", ""];
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
    else if (line.startsWith("author ")) author = line.slice(7);
    else if (line.startsWith("committer ")) committer = line.slice(10);
    else if (line.startsWith("encoding ")) encoding = line.slice(9);
  }
  const rest = end < 0 ? "" : text.slice(end);
  const read = (t: string): string => meaning(t, encoding);
  const made = identity(read(author));
  return {
    id, parents, author: made, committer: committer === author ? made : identity(read(committer)), message: read(rest.slice(2)),
    signature: armored === "" ? null : { armored, signed: Buffer.from(kept.join("\n") + rest, "latin1") },
  };
}
const decoders = new Map<string, TextDecoder>();
/** What bytes, each a character of the string, mean in an encoding; in UTF-8 where nobody knows it: git takes any name. */
function meaning(bytes: string, encoding: string): string {
  // ASCII is the same in all of them that git can write.
  if (/^[\u0000-\u007f]*$/.test(bytes)) return bytes;
  let decoder = decoders.get(encoding);
  if (!decoder) {
    try {
      decoder = new TextDecoder(encoding);
    } catch {
      decoder = new TextDecoder();
    }
    // A hostile history may name very many.
    if (decoders.size < 100) decoders.set(encoding, decoder);
  }
  return decoder.decode(Buffer.from(bytes, "latin1"));
}
const [FIRST, LAST] = [-62_135_596_800, 253_370_764_799];
const persons = new Map<string, string | null>();
function identity(text: string): Identity {
  const end = text.lastIndexOf("> ") + 1;
  const written = text.slice(0, end);
  let person = persons.get(written);
  if (person === undefined) {
    const m = /^(.*?) ?<([^>]*)>$/.exec(written);
    person = m ? `${m[1] ?? ""} <${m[2] ?? ""}>` : null;
    // A hostile history may name very many.
    if (persons.size > 1000) persons.clear();
    persons.set(written, person);
  }
  const seconds = person === null ? null : /^ (-?\d+) [-+]\d{4}$/.exec(text.slice(end));
  if (person === null || !seconds) return { person: " <>", at: "" };
  // Git takes any number of seconds; an ISO year has four digits, and 9999 stands for "no end" in filters.
  return { person, at: new Date(Math.min(Math.max(Number(seconds[1]), FIRST), LAST) * 1000).toISOString() };
}

/** What a commit's signature is by itself: a commit never changes, so neither does this. Whose the key is says `people.yaml` of its time. */
export interface CommitSignature {
  readonly kind: "ssh" | "gpg" | null;
  /** `lapsed`: good, by a key that has expired or been revoked; `unchecked`: the tool or the key that could say isn't here. */
  readonly state: "good" | "lapsed" | "invalid" | "unchecked" | "none";
  /** The SSH key's base64, or the OpenPGP primary key's fingerprint. */
  readonly key: string | null;
}
export interface SignatureState {
  readonly kind: "ssh" | "gpg" | null;
  /**
   * `valid`: by a key that people.yaml named before the change landed; `unknown-key`: a good signature by another key, or by one that has expired or
   * been revoked; `unchecked`: the tool that could say isn't here.
   */
  readonly state: "valid" | "unknown-key" | "invalid" | "unchecked" | "none";
  /** The person whose key it is where it is valid, else the key's fingerprint. */
  readonly by: string | null;
}

/** Verifies a commit's signature. `openpgp`: whether gpg may be asked. */
export function signatureOf(c: Commit, git: Git, openpgp: boolean): CommitSignature {
  if (!c.signature) return { kind: null, state: "none", key: null };
  const { armored, signed } = c.signature;
  if (armored.includes("BEGIN SSH SIGNATURE")) return ssh(armored, signed);
  if (armored.includes("BEGIN PGP")) return openpgp ? gpg(c, git) : { kind: "gpg", state: "unchecked", key: null };
  return { kind: null, state: "unchecked", key: null };
}
function ssh(armored: string, signed: Uint8Array): CommitSignature {
  const line = keyOfSignature(armored.replace(/-----[A-Z ]+-----/g, "").replace(/\s/g, ""), signed, "git");
  return { kind: "ssh", state: line === null ? "invalid" : "good", key: line === null ? null : publicBlob(line).toString("base64") };
}
/** OpenPGP is left to gpg, through git: no other program that the configuration may name. */
function gpg(c: Commit, git: Git): CommitSignature {
  const said = git.says(["-c", "gpg.program=gpg", "-c", "gpg.openpgp.program=gpg", "verify-commit", "--raw", c.id]);
  // VALIDSIG's last word is the primary key, its first one the key that signed.
  const valid = /\[GNUPG:\] VALIDSIG ([0-9A-F]+)(?: .*)? ([0-9A-F]{40,64})$/m.exec(said);
  if (valid) return { kind: "gpg", state: said.includes('[GNUPG:] GOODSIG ') ? "good" : "lapsed", key: valid[2] ?? null };
  return { kind: "gpg", state: said.includes('[GNUPG:] BADSIG ') ? "invalid" : "unchecked", key: /\[GNUPG:\] (?:NO_PUBKEY|ERRSIG) ([0-9A-F]+)/.exec(said)?.[1] ?? null };
}
/** The OpenPGP keys that this machine knows, in gpg's own words; null where there is no gpg. */
export const keyring = (env: Git["env"]): string | null => {
  const r = spawnSync("gpg", ["--batch", "--list-keys", "--with-colons"], { env, maxBuffer: 1 << 28 });
  return r.status === 0 ? r.stdout.toString("latin1") : null;
};
/** Whose a signature is, for what landed at a place of the main line on a day. */
export function judgeSignature({ kind, state, key }: CommitSignature, people: PeopleHistory, place: number, day: string): SignatureState {
  const name = state === "good" && key !== null ? people.keeper(key, place, day) : null;
  if (name !== null) return { kind, state: "valid", by: name };
  return { kind, state: state === "good" || state === "lapsed" ? "unknown-key" : state, by: kind === "ssh" && key !== null ? fingerprint(key) : key };
}
/** As `ssh-keygen -l` shows it. */
const fingerprint = (key: string): string => `SHA256:${createHash("sha256").update(key, "base64").digest("base64").replace(/=+$/, "")}`;

/** Names in `Reviewed-by:` trailers: a claim of whoever wrote the message. */
export const reviewedBy = (message: string): string[] => [...message.matchAll(/^Reviewed-by:[ \t]*(.+?)[ \t]*$/gim)].map((m) => m[1] as string);
