import { join } from "node:path";
import { Readable } from "node:stream";
import { FindingError, type Finding } from "../lib/finding.ts";
import { Git } from "../lib/git.ts";
import { objectsAhead, type ObjectBytes } from "../lib/git-ahead.ts";
import { sha256 } from "../lib/sha256.ts";
import { peopleHistory, type PeopleHistory } from "../history/people-history.ts";
import { TIERS, type Tier } from "../schemas/access.ts";
import { WORK_DIR } from "../schemas/layout.ts";
import { CommitCache } from "./cache.ts";
import { auditCodes } from "./codes.ts";
import { judgeSignature, keyring, parseCommit, reviewedBy, signatureOf, type Commit, type CommitSignature, type SignatureState } from "./commit.ts";
import { Deployments, type Deployment } from "./deployments.ts";
import { describe, needsContent, subjectOf, WATCHED, type Described, type Kind } from "./describe.ts";
import { flattenPair, type Flat } from "./flat.ts";
import { changedCommits, linesOf, type CommitChange, type Lines } from "./history.ts";
import { mergeOf, reviewOf, type Merge, type Review } from "./review.ts";
import { Texts } from "./texts.ts";
import type { Version } from "./version.ts";

/** One change of one thing, as an auditor reads it. Key paths and public facts; never a value. */
export interface Change {
  readonly commit: string;
  /** When it was committed, ISO, UTC. */
  readonly at: string;
  /** `Name <email>`, by the commit's own word. */
  readonly author: string;
  readonly committer: string;
  readonly signature: SignatureState;
  readonly review: Review;
  readonly kind: Kind;
  readonly environment: string | null;
  readonly path: string;
  readonly change: string;
  /** Whose signature the commit has, else its author by name. */
  readonly who: string;
  /** Who sealed the credential, by the file's own word, which `check` and the policies hold against its signature; null of anything else. */
  readonly sealedBy: string | null;
  readonly issueId: string | null;
  /** The verdict that was recorded for the commit (git notes, refs/notes/stackseal); null where none was. */
  readonly policy: string | null;
  /** What carried it, as far as it was told; null where nothing of it is deployed by itself: people, roles, policies. */
  readonly deployment: Deployment | null;
}
/** `--env`, everywhere: what is of these environments; what is of none (people, roles, policies) only where all are meant. */
export const concerns = (c: Pick<Change, "environment">, environments: readonly string[]): boolean => environments.length === 0 || (c.environment !== null && environments.includes(c.environment));
export interface LogOptions {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default HEAD. */
  readonly to?: string;
  /** Only what came after this commit. */
  readonly from?: string;
  readonly cache?: boolean;
  /** Default true: OpenPGP signatures are verified by this machine's gpg and its keys, where people.yaml names any. */
  readonly openpgp?: boolean;
  /** What is known of deployments. */
  readonly deployments?: Deployments;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}
export interface Log {
  readonly head: string;
  /** Newest commit first, of some commits at a time, a commit's together. */
  readonly changes: AsyncGenerator<readonly Change[]>;
  /** Complete only when the changes were read. */
  readonly findings: readonly Finding[];
}
interface Cached {
  readonly d: readonly Described[];
  readonly a: string;
  readonly c: string;
  readonly t: string;
  readonly s: CommitSignature;
  readonly m: readonly string[];
  readonly n: readonly string[];
}
/** Opens the history of everything that an auditor asks for, newest first. Needs no key and no network. Throws FindingError AUDIT_NO_GIT or AUDIT_REVISION. */
export function openLog(o: LogOptions): Log {
  const git = new Git(o.root, o.env);
  const here = git.state;
  if (!here.inside) {
    const bare = git.text(["rev-parse", "--is-bare-repository"]) === "true";
    throw new FindingError(auditCodes.finding("AUDIT_NO_GIT", bare ? { message: "this is a bare repository: it has no folder of the project", hint: "git clone it, and go there with -C; or git worktree add DIR" } : { message: "the project is in no git repository", hint: "clone it with its history" }), 2);
  }
  const resolve = (name: string): string => {
    const id = git.text(["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`]);
    if (id === null) throw new FindingError(auditCodes.finding(name === "HEAD" ? "AUDIT_NO_GIT" : "AUDIT_REVISION", { message: name === "HEAD" ? "the repository has no commit" : `no revision "${name}"`, hint: "git log shows what there is" }), 2);
    return id;
  };
  const head = o.to === undefined && here.head !== null ? here.head : resolve(o.to ?? "HEAD");
  const from = o.from === undefined ? null : resolve(o.from);
  const findings: Finding[] = [];
  if (here.shallow)
    findings.push(auditCodes.finding("AUDIT_SHALLOW", { message: "this clone is shallow: what came before its oldest commits can't be read, and their files look new", hint: "git fetch --unshallow" }));
  return { head, findings, changes: read(git, o, head, from, findings) };
}

async function* read(git: Git, o: LogOptions, head: string, from: string | null, findings: Finding[]): AsyncGenerator<readonly Change[]> {
  // Git thinks before it says anything: its walks begin together, and what else there is to ask is asked meanwhile.
  const line = linesOf(git, head);
  const read = Promise.all([line, peopleHistory(git, head, line), policyNotes(git)]);
  const caching = o.cache !== false && !git.tracks(WORK_DIR);
  const after = from === null ? null : (git.text(["rev-list", "--topo-order", head, `^${from}`]) ?? "").split("\n").filter(Boolean);
  const deployments = o.deployments ?? new Deployments();
  deployments.prepare(git);
  const tiers = tiersAt(git, head);
  const [lines, people, notes] = await read;
  const openpgp = people.openpgp && o.openpgp !== false;
  // What gpg says depends on the keys that it has.
  const version = sha256(JSON.stringify([6, [...people.recipients], openpgp && keyring(o.env)])).slice(0, 16);
  const cache = !caching ? null : new CommitCache(join(o.root, WORK_DIR, "cache/audit.log"), version);
  const merges = new Map<string, Merge>();
  const texts = new Texts(git);
  const asked = new Set<string>();
  const commits = after ?? lines.commits;
  let done = 0;
  async function* items(): AsyncGenerator<readonly Item[]> {
    for await (const some of changedCommits(git, commits, WATCHED)) yield some.map((c): Item => {
      const merge = lines.broughtBy.get(c.commit);
      const fresh = merge !== undefined && !asked.has(merge);
      if (fresh) asked.add(merge);
      const cached = (cache?.get(c.commit) ?? null) as Cached | null;
      return { commit: c.commit, cached, merge: fresh ? merge : null, change: cached ? null : c, blobs: cached ? [] : texts.wanted(c) };
    });
  }
  const known: Known = { lines, merges, people, notes, deployments, tiers };
  const wants = (i: Item): string[] => [...(i.merge === null ? [] : [i.merge]), ...(i.change ? [i.commit, ...i.blobs] : [])];
  const learn = (merge: string, bytes: ObjectBytes): void => {
    const commit = bytes && parseCommit(merge, bytes);
    if (commit) merges.set(merge, mergeOf(commit, signatureOf(commit, git, openpgp)));
  };
  const entryOf = (commit: string, change: CommitChange, bytes: ObjectBytes): Cached | null => {
    const entry = bytes && compute(change, parseCommit(commit, bytes), { texts, people, git, openpgp, findings });
    if (entry) cache?.put(commit, entry);
    return entry;
  };
  try {
    for await (const ready of objectsAhead(git, items(), wants)) {
      if (o.signal?.aborted) return;
      const page: Change[] = [];
      for (const { item, objects } of ready) {
        const own = item.merge === null ? 0 : 1;
        if (item.merge !== null) learn(item.merge, objects[0] ?? null);
        const late = item.change && texts.take(item.change, item.blobs, objects, own + 1, findings);
        if (late) await late;
        const entry = item.change ? entryOf(item.commit, item.change, objects[own] ?? null) : item.cached;
        if (entry && entry.d.length > 0) for (const c of changesOf(item.commit, entry, known)) page.push(c);
        if (++done % 256 === 0) o.onProgress?.(done, commits.length);
      }
      if (page.length > 0) yield page;
    }
    cache?.flush();
  } finally {
    texts.close();
    cache?.close();
  }
}
interface Item {
  readonly commit: string;
  readonly cached: Cached | null;
  /** The merge that brought it, where it is the first one that this merge brought. */
  readonly merge: string | null;
  /** Null where the cache knows it. */
  readonly change: CommitChange | null;
  /** What must be read for it. */
  readonly blobs: readonly string[];
}
interface Reading { readonly texts: Texts; readonly people: PeopleHistory; readonly git: Git; readonly openpgp: boolean; readonly findings: Finding[] }
function compute(c: CommitChange, commit: Commit, { texts, people, git, openpgp, findings }: Reading): Cached {
  const described = c.files.flatMap((f) => {
    if (!needsContent(f.path)) return describe({ file: f.path, before: f.before.length ? new Map() : null, after: f.after === null ? null : new Map(), names: people.recipients, ...(f.from !== undefined && { from: f.from }) });
    const after = f.after === null ? null : texts.of(f.after);
    const one = (before: Version | null): Described[] => {
      const pair = sidesOf(before, after, f.path);
      if (!pair) findings.push(auditCodes.finding("AUDIT_UNREADABLE", { message: `${f.path} is no map of plain YAML in ${c.commit.slice(0, 12)}: its changes there can't be told apart`, path: c.commit, at: { file: f.path, line: 1, column: 1 } }));
      return pair ? describe({ file: f.path, ...pair, names: people.recipients, ...(f.from !== undefined && { from: f.from }) }) : [{ kind: subjectOf(f.path)?.kind ?? "setting", environment: subjectOf(f.path)?.environment ?? null, path: f.path, change: "changed, unreadable" }];
    };
    const sides = f.before.map((id) => one(texts.of(id)));
    if (sides.length === 0) return one(null);
    // Of a merge only what differs from every parent is its own doing.
    const [first = [], ...others] = sides;
    return first.filter((d) => others.every((o) => o.some((x) => x.path === d.path && x.kind === d.kind)));
  });
  return { d: described.map(own), a: commit.author.person, c: commit.committer.person, t: commit.committer.at, s: signatureOf(commit, git, openpgp), m: reviewedBy(commit.message), n: commit.parents };
}
/** A slice of a file's text would keep the whole text alive. */
const own = (d: Described): Described => (d.sealedBy === undefined && d.issueId === undefined ? d : { ...d, ...(d.sealedBy !== undefined && { sealedBy: copied(d.sealedBy) }), ...(d.issueId !== undefined && { issueId: copied(d.issueId) }) });
const copied = (s: string): string => Buffer.from(s).toString();
function sidesOf(before: Version | null, after: Version | null, file: string): { before: Flat | null; after: Flat | null } | null {
  if (before && after) return flattenPair(before, after, file);
  const only = before ?? after;
  const flat = only?.flat(file) ?? null;
  return only && !flat ? null : { before: before && flat, after: after && flat };
}
interface Known { readonly lines: Lines; readonly merges: ReadonlyMap<string, Merge>; readonly people: PeopleHistory; readonly notes: ReadonlyMap<string, string>; readonly deployments: Deployments; readonly tiers: ReadonlyMap<string, Tier> }
function changesOf(id: string, e: Cached, k: Known): Change[] {
  const merge = k.merges.get(k.lines.broughtBy.get(id) ?? "") ?? null;
  // What a cut-off history doesn't place came before all that it has.
  const place = k.lines.places.get(merge?.id ?? id) ?? Infinity;
  const judged = (s: CommitSignature): SignatureState => judgeSignature(s, k.people, place, (merge?.at ?? e.t).slice(0, 10));
  const signature = judged(e.s);
  const own = merge === null ? null : judged(merge.signature);
  const [signer, mergedBy] = [signature, own].map((s) => (s?.state === "valid" ? s.by : null)) as [string | null, string | null];
  return e.d.map((d) => {
    const issueId = d.issueId ?? null;
    return {
      commit: id, at: e.t, author: e.a, committer: e.c, signature,
      review: reviewOf({ subject: d, claimed: e.m, signer, author: e.a, committer: e.c, merge, mergedBy, people: k.people, place, tier: d.environment === null ? undefined : k.tiers.get(d.environment) }),
      kind: d.kind, environment: d.environment, path: d.path, change: d.change, who: signer ?? e.a, sealedBy: d.sealedBy ?? null, issueId,
      policy: k.notes.get(id) ?? k.notes.get(merge?.id ?? "") ?? null,
      deployment: k.deployments.of({ environment: d.environment, kind: d.kind, path: d.path, issueId, commit: id, landed: merge?.at ?? e.t }),
    };
  });
}

/** The tier that each environment has. */
function tiersAt(git: Git, head: string): Map<string, Tier> {
  const files = (git.try(["ls-tree", "-r", "-z", "--name-only", head, "stacks/"])?.toString("utf8") ?? "").split("\0").filter((f) => /^stacks\/[^/]+\/environment\.yaml$/.test(f));
  return new Map(git.files(head, files).flatMap((text, n): [string, Tier][] => {
    const said = /^tier:\s*["']?([a-z]+)/m.exec(text ?? "")?.[1];
    const tier = TIERS.find((t) => t === said);
    return tier ? [[files[n]?.split("/")[1] ?? "", tier]] : [];
  }));
}
/** Verdicts that CI recorded: `git notes --ref stackseal add -m "policies: held" COMMIT`. One line each. */
async function policyNotes(git: Git): Promise<Map<string, string>> {
  const list = git.text(["notes", "--ref", "stackseal", "list"]) ?? "";
  const pairs = list.split("\n").flatMap((l): [string, string][] => {
    const [blob, commit] = l.split(" ");
    return blob && commit ? [[commit, blob]] : [];
  });
  const out = new Map<string, string>();
  if (pairs.length === 0) return out;
  for await (const ready of objectsAhead(git, Readable.from([pairs]) as AsyncIterable<[string, string][]>, ([, blob]) => [blob]))
    for (const { item: [commit], objects: [bytes] } of ready) out.set(commit, (bytes?.toString("utf8") ?? "").split("\n")[0]?.slice(0, 200) ?? "");
  return out;
}
