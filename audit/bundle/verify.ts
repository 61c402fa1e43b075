import { join } from "node:path";
import { parseDocument } from "../../lib/document.ts";
import { FindingError, hasErrors, type Finding } from "../../lib/finding.ts";
import { Git } from "../../lib/git.ts";
import { plainFile } from "../../lib/plain-file.ts";
import { commitOn } from "../../history/at-date.ts";
import { textAt } from "../../history/base.ts";
import { PEOPLE_FILE } from "../../schemas/layout.ts";
import { parsePeople } from "../../schemas/parse.ts";
import { superAdmins } from "../../seal/file-signature.ts";
import { auditCodes } from "../codes.ts";
import { backdated, chain, leftOut } from "./chain.ts";
import { COMMITS, gitParts, wholeHistory, type GitPartsOptions } from "./git-parts.ts";
import { FORMAT, type Manifest } from "./manifest.ts";
import { intact, LARGEST, readBundle, signedBy, type Bundle } from "./read.ts";
import { judgeLock, type AskStore, type ObjectLock } from "./locked.ts";
import { judgeStamps, type Stamped } from "./stamped.ts";
import { parseSigners, type AllowedSigner } from "./signers.ts";

export interface VerifyOptions extends Pick<GitPartsOptions, "root" | "env" | "signal" | "onProgress"> {
  readonly dir: string;
  readonly label: string;
  readonly previous: { readonly dir: string; readonly label: string } | null;
  /** The text of an allowed-signers file from outside; null: people.yaml of the clone. */
  readonly allowed: string | null;
  /** An RFC 3161 time stamp over the manifest; null: the one beside it, if there is one. */
  readonly stamp: Buffer | null;
  /** The authority's certificates, PEM; null: its signature isn't checked. */
  readonly authority: Buffer | null;
  /** Asks the store of a locked bucket's receipt; null: what the receipt says is only recorded. */
  readonly ask: AskStore | null;
  /** What was found when the bundle was opened. */
  readonly found: readonly Finding[];
  readonly now: Date;
  readonly version: string;
}
export interface Verified {
  readonly findings: readonly Finding[];
  readonly manifest: Manifest | null;
  readonly signer: string | null;
  /** Files made anew from the clone, and agreeing. */
  readonly rebuilt: readonly string[];
  /** Files that are only held by hash and signature. */
  readonly recorded: readonly string[];
  readonly chain: "checked" | "first" | "not checked" | "broken";
  readonly timeStamp: Stamped | null;
  readonly objectLock: ObjectLock | null;
}
/** Checks a bundle: signature, files, the clone's history, the chain. Throws FindingError (exit 2) where there is nothing to check with. */
export async function verifyBundle(o: VerifyOptions): Promise<Verified> {
  const bundle = readBundle(o.dir, o.label);
  const git = new Git(o.root, o.env);
  wholeHistory(git);
  const findings: Finding[] = [...o.found];
  const { signers, warning } = signersOf(o, git, bundle);
  if (warning) findings.push(warning);
  const { signer, findings: unsigned } = signedBy(bundle, signers, o.now);
  findings.push(...unsigned);
  const { manifest } = bundle;
  if (!manifest) return { findings: [...findings, auditCodes.finding("BUNDLE_CHANGED", { message: "this is no manifest: a key is missing, unknown or of another shape", path: `${o.label}/manifest.json` })], manifest, signer, rebuilt: [], recorded: [], chain: "not checked", timeStamp: null, objectLock: null };
  findings.push(...intact({ ...bundle, manifest }));
  const former = o.previous && readBundle(o.previous.dir, o.previous.label);
  const chained = chain(manifest, former, former && signedBy(former, signers, o.now).findings);
  findings.push(...chained.findings);
  const stamped = judgeStamps({ ...o, text: bundle.text, manifest });
  const locked = await judgeLock({ ...o, text: bundle.text, manifest });
  findings.push(...stamped.findings, ...locked.findings);
  const ofGit = manifest.files.filter((f) => f.origin === "git").map((f) => f.path);
  const rebuilt: string[] = [];
  const history = historyHas(git, manifest);
  findings.push(...history, ...(history.length > 0 ? firstLost(o, git) : []));
  if (history.length === 0) {
    const parts = await gitParts({ ...o, head: manifest.git.head, from: manifest.git.from, environments: manifest.environments });
    for (const path of [...new Set([...ofGit, ...parts.keys()])]) {
      const difference = compare(o, path, parts.get(path) ?? null, ofGit.includes(path), manifest);
      if (difference) findings.push(difference);
      else rebuilt.push(path);
    }
    findings.push(...backdated(git, manifest), ...leftOut(git, manifest));
  }
  return { findings, manifest, signer, rebuilt, recorded: manifest.files.filter((f) => f.origin === "recorded").map((f) => f.path), chain: hasErrors(chained.findings) ? "broken" : chained.state, timeStamp: stamped.timeStamp, objectLock: locked.objectLock };
}
function signersOf(o: VerifyOptions, git: Git, b: Bundle): { readonly signers: AllowedSigner[]; readonly warning: Finding | null } {
  if (o.allowed !== null) {
    const signers = parseSigners(o.allowed);
    if (signers.length === 0) throw new FindingError(auditCodes.finding("BUNDLE_SIGNERS", { severity: "error", message: "the allowed-signers file names no key", hint: "one a line: NAME ssh-ed25519 AAAA…; see ssh-keygen(1), ALLOWED SIGNERS" }), 2);
    return { signers, warning: null };
  }
  return {
    signers: signersInClone(git, b),
    warning: auditCodes.finding("BUNDLE_SIGNERS", { message: "who may sign was read from people.yaml of the clone: whoever could rewrite both would go unseen", hint: "get the Super Admins' public keys another way, and give --allowed-signers FILE" }),
  };
}
/** Who was a Super Admin on the day that the bundle says it is of, by the clone's people.yaml of that day. */
export function signersInClone(git: Git, { manifest }: Pick<Bundle, "manifest">): AllowedSigner[] {
  if (!manifest) return [];
  const day = manifest.createdAt.slice(0, 10);
  const text = textAt(git, commitOn(git, "HEAD", day) ?? manifest.git.head, PEOPLE_FILE);
  const document = text === null ? null : parseDocument(text, PEOPLE_FILE).document;
  const people = document && parsePeople(document).value;
  return people ? superAdmins(people, day).flatMap((m) => m.entry.signing.map((line) => ({ principal: m.name, line, namespaces: null, after: "", before: "" }))) : [];
}
/** The clone has the bundle's last commit, in the branch at hand, and where it began. */
function historyHas(git: Git, { git: g }: Manifest): Finding[] {
  const is = (id: string): boolean => git.try(["cat-file", "-e", `${id}^{commit}`]) !== null;
  const lost = (id: string, what: string): Finding => auditCodes.finding("BUNDLE_HISTORY", { message: `the bundle ${what} ${id.slice(0, 12)}, which ${is(id) ? "is no longer in this branch" : "this clone doesn't have"}: a commit was dropped or history was rewritten, or the clone is of another branch or older`, path: id, hint: "git fetch, and check out the main branch; if that doesn't help, the history was rewritten" });
  const head = is(g.head) && git.try(["merge-base", "--is-ancestor", g.head, "HEAD"]) !== null ? [] : [lost(g.head, "ends at commit")];
  const from = g.from === null || (is(g.from) && git.try(["merge-base", "--is-ancestor", g.from, "HEAD"]) !== null) ? [] : [lost(g.from, "begins after commit")];
  return [...head, ...from];
}
/** The oldest commit of the bundle that this branch doesn't have: from there on the two histories differ. */
function firstLost(o: VerifyOptions, git: Git): Finding[] {
  const lines = plainFile(join(o.dir, COMMITS), LARGEST)?.toString("latin1").split("\n").filter((l) => l !== "") ?? [];
  const here = new Set((git.text(["rev-list", "HEAD"]) ?? "").split("\n"));
  const n = lines.findLastIndex((l) => !here.has(l.slice(0, l.indexOf(" "))));
  const id = lines[n]?.split(" ")[0];
  return id === undefined ? [] : [auditCodes.finding("BUNDLE_DIFFERS", { message: `the first commit of the bundle that this branch doesn't have is ${id.slice(0, 12)}`, at: { file: `${o.label}/${COMMITS}`, line: n + 1, column: 1 }, path: id })];
}
/** The first line in which a file of the bundle differs from the one made anew; null where they agree. */
function compare(o: VerifyOptions, path: string, made: Buffer | null, listed: boolean, m: Manifest): Finding | null {
  const place = (line: number): Finding["at"] => ({ file: `${o.label}/${path}`, line, column: 1 });
  const hint = m.stackseal !== FORMAT ? `the bundle is of format ${m.stackseal}, and this version makes ${FORMAT}: verify it with the one that made it` : m.tool.version === o.version ? undefined : `the bundle was made by version ${m.tool.version}, this is ${o.version}: try that one`;
  if (!listed) return auditCodes.finding("BUNDLE_DIFFERS", { message: "the clone makes this file, and the bundle hasn't it", at: place(1), path, hint });
  if (made === null) return auditCodes.finding("BUNDLE_DIFFERS", { message: "the clone doesn't make this file", at: place(1), path, hint });
  const held = plainFile(join(o.dir, path), LARGEST);
  // Where it is missing, that was said already.
  if (!held || held.equals(made)) return null;
  const [a, b] = [held.toString("utf8").split("\n"), made.toString("utf8").split("\n")];
  const line = a.findIndex((l, n) => l !== b[n]);
  const n = line < 0 ? a.length : line;
  return auditCodes.finding("BUNDLE_DIFFERS", { message: `the clone says otherwise: ${b[n] === undefined || (n === b.length - 1 && b[n] === "") ? "it has no such line" : `"${short(b[n])}", the bundle "${short(a[n] ?? "")}"`}`, at: place(n + 1), path, hint });
}
const short = (l: string): string => (l.length > 160 ? `${l.slice(0, 160)}…` : l);
