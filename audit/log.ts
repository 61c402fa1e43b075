import { createHash } from "node:crypto";
import { join } from "node:path";
import { FindingError, type Finding } from "../lib/finding.ts";
import { Git } from "../lib/git.ts";
import { GitBatch } from "../lib/git-batch.ts";
import { WORK_DIR } from "../schemas/layout.ts";
import { CommitCache } from "./cache.ts";
import { auditCodes } from "./codes.ts";
import { parseCommit, reviewedBy, signatureOf, type Commit, type SignatureState } from "./commit.ts";
import { describe, subjectOf, WATCHED, type Described, type Kind } from "./describe.ts";
import { flatten, flattenPair, type Flat, type Lines as Text } from "./flat.ts";
import { changedCommits, linesOf, type CommitChange, type Lines } from "./history.ts";
import { peopleHistory, type PeopleHistory } from "./people-history.ts";
import { reviewOf, type Review } from "./review.ts";

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
  /** Who wrote it: whose signature the credential carries, else whose the commit does, else its author by name. */
  readonly who: string;
  readonly issueId: string | null;
  /** The verdict that was recorded for the commit (git notes, refs/notes/stackseal); null where none was. */
  readonly policy: string | null;
}
export interface LogOptions {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default HEAD. */
  readonly to?: string;
  /** Only what came after this commit. */
  readonly from?: string;
  readonly cache?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}
export interface Log {
  readonly head: string;
  readonly changes: AsyncGenerator<Change>;
  /** Complete only when the changes were read. */
  readonly findings: readonly Finding[];
}
interface Cached {
  readonly d: readonly Described[];
  readonly a: string;
  readonly c: string;
  readonly t: string;
  readonly s: SignatureState;
  readonly m: readonly string[];
  readonly n: readonly string[];
}
const PAGE = 256;

/** Opens the history of everything that an auditor asks for, newest first. Needs no key and no network. Throws FindingError AUDIT_NO_GIT or AUDIT_REVISION. */
export function openLog(o: LogOptions): Log {
  const git = new Git(o.root, o.env);
  if (!git.inside) throw new FindingError(auditCodes.finding("AUDIT_NO_GIT", { message: "the project is in no git repository", hint: "clone it with its history" }), 2);
  const resolve = (name: string): string => {
    const id = git.text(["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`]);
    if (id === null) throw new FindingError(auditCodes.finding(name === "HEAD" ? "AUDIT_NO_GIT" : "AUDIT_REVISION", { message: name === "HEAD" ? "the repository has no commit" : `no revision "${name}"`, hint: "git log shows what there is" }), 2);
    return id;
  };
  const head = resolve(o.to ?? "HEAD");
  const from = o.from === undefined ? null : resolve(o.from);
  const findings: Finding[] = [];
  if (git.text(["rev-parse", "--is-shallow-repository"]) === "true")
    findings.push(auditCodes.finding("AUDIT_SHALLOW", { message: "this clone is shallow: what came before its oldest commits can't be read, and their files look new", hint: "git fetch --unshallow" }));
  return { head, findings, changes: read(git, o, head, from, findings) };
}

async function* read(git: Git, o: LogOptions, head: string, from: string | null, findings: Finding[]): AsyncGenerator<Change> {
  const batch = new GitBatch(git);
  const [lines, people] = [await linesOf(git, head), await peopleHistory(git, batch, head)];
  const notes = await policyNotes(git, batch);
  const version = createHash("sha256").update(JSON.stringify([3, [...people.keys], [...people.recipients]])).digest("hex").slice(0, 16);
  const cache = o.cache === false ? null : new CommitCache(join(o.root, WORK_DIR, "cache/audit.log"), version);
  const texts = new Texts();
  const merges = new Map<string, { readonly commit: Commit; readonly signature: SignatureState }>();
  let done = 0;
  const total = Number(git.text(["rev-list", "--count", head, ...(from === null ? [] : [`^${from}`])]) ?? 0);
  try {
    for await (const page of pages(changedCommits(git, head, from, WATCHED))) {
      if (o.signal?.aborted) return;
      const known = page.map((c) => (cache?.get(c.commit) ?? null) as Cached | null);
      const fresh = page.filter((_c, n) => known[n] === null);
      const objects = await fetchAll(batch, fresh, texts, findings);
      const bringers = [...new Set(page.flatMap((c) => lines.broughtBy.get(c.commit) ?? []))].filter((m) => !merges.has(m));
      (await batch.read(bringers)).forEach((bytes, n) => {
        const id = bringers[n] as string;
        if (!bytes) return;
        const commit = parseCommit(id, bytes);
        merges.set(id, { commit, signature: signatureOf(commit, people.keys, git) });
      });
      for (const [n, c] of page.entries()) {
        const entry = known[n] ?? compute(c, objects, people, git, findings);
        if (!entry) continue;
        if (known[n] === null) cache?.put(c.commit, entry);
        yield* changesOf(c.commit, entry, lines, merges, people, notes);
      }
      done += page.length;
      o.onProgress?.(done, total);
    }
    cache?.flush();
  } finally {
    batch.close();
  }
}
async function* pages<T>(items: AsyncGenerator<T>): AsyncGenerator<T[]> {
  let page: T[] = [];
  for await (const i of items) {
    page.push(i);
    if (page.length >= PAGE) {
      yield page;
      page = [];
    }
  }
  if (page.length > 0) yield page;
}

/** Versions by blob id: one is the new side of a commit and the old side of the next. */
class Texts {
  private readonly map = new Map<string, Text | null>();
  get = (id: string): Text | null | undefined => this.map.get(id);
  set(id: string, text: Text | null): void {
    this.map.set(id, text);
    // Insertion order is age: what was read longest ago goes first.
    if (this.map.size > 1000) this.map.delete(this.map.keys().next().value as string);
  }
}
interface Objects { readonly commits: ReadonlyMap<string, Commit>; readonly text: (id: string) => Text | null }
async function fetchAll(batch: GitBatch, page: readonly CommitChange[], texts: Texts, findings: Finding[]): Promise<Objects> {
  const wanted = new Map<string, string>();
  for (const c of page) for (const f of c.files) if (needsContent(f.path)) for (const id of [...f.before, ...(f.after === null ? [] : [f.after])]) wanted.set(id, f.path);
  const held = new Map<string, Text | null>();
  const ids: string[] = [];
  for (const [id] of wanted) {
    const text = texts.get(id);
    if (text === undefined) ids.push(id);
    else held.set(id, text);
  }
  const bytes = await batch.read([...page.map((c) => c.commit), ...ids]);
  const commits = new Map(page.flatMap((c, n): [string, Commit][] => (bytes[n] ? [[c.commit, parseCommit(c.commit, bytes[n])]] : [])));
  ids.forEach((id, n) => {
    const b = bytes[page.length + n];
    const file = wanted.get(id) as string;
    if (!b) findings.push(auditCodes.finding("AUDIT_OBJECT_MISSING", { message: `a version of ${file} is missing from this clone`, path: id.slice(0, 12), at: { file, line: 1, column: 1 } }));
    const text = b ? b.toString("utf8").split("\n") : null;
    held.set(id, text);
    texts.set(id, text);
  });
  return { commits, text: (id) => held.get(id) ?? null };
}
/** Files whose every key is told apart; of others it is enough that they changed. */
const needsContent = (file: string): boolean => ["sealed", "environment", "payments", "people", "pepper", "exceptions"].includes(subjectOf(file)?.type ?? "");

function compute(c: CommitChange, objects: Objects, people: PeopleHistory, git: Git, findings: Finding[]): Cached | null {
  const commit = objects.commits.get(c.commit);
  if (!commit) return null;
  const described = c.files.flatMap((f) => {
    if (!needsContent(f.path)) return describe({ file: f.path, before: f.before.length ? new Map() : null, after: f.after === null ? null : new Map(), names: people.recipients, ...(f.from !== undefined && { from: f.from }) });
    const after = f.after === null ? null : objects.text(f.after);
    const one = (before: Text | null): Described[] => {
      const pair = sidesOf(before, after, f.path);
      if (!pair) findings.push(auditCodes.finding("AUDIT_UNREADABLE", { message: `${f.path} is no map of plain YAML in ${c.commit.slice(0, 12)}: its changes there can't be told apart`, path: c.commit, at: { file: f.path, line: 1, column: 1 } }));
      return pair ? describe({ file: f.path, ...pair, names: people.recipients, ...(f.from !== undefined && { from: f.from }) }) : [{ kind: subjectOf(f.path)?.kind ?? "setting", environment: subjectOf(f.path)?.environment ?? null, path: f.path, change: "changed, unreadable" }];
    };
    const sides = f.before.map((id) => one(objects.text(id)));
    if (sides.length === 0) return one(null);
    // Of a merge only what differs from every parent is its own doing.
    const [first = [], ...others] = sides;
    return first.filter((d) => others.every((o) => o.some((x) => x.path === d.path && x.kind === d.kind)));
  });
  const person = (i: Commit["author"]): string => `${i.name} <${i.email}>`;
  return { d: described, a: person(commit.author), c: person(commit.committer), t: commit.committer.at, s: signatureOf(commit, people.keys, git), m: reviewedBy(commit.message), n: commit.parents };
}
function sidesOf(before: Text | null, after: Text | null, file: string): { before: Flat | null; after: Flat | null } | null {
  if (before && after) return flattenPair(before, after, file);
  const only = before ?? after;
  const flat = only && flatten(only, file);
  return only && !flat ? null : { before: before && flat, after: after && flat };
}
function* changesOf(id: string, e: Cached, lines: Lines, merges: ReadonlyMap<string, { readonly commit: Commit; readonly signature: SignatureState }>, people: PeopleHistory, notes: ReadonlyMap<string, string>): Generator<Change> {
  const merge = merges.get(lines.broughtBy.get(id) ?? "") ?? null;
  for (const d of e.d)
    yield {
      commit: id, at: e.t, author: e.a, committer: e.c, signature: e.s,
      review: reviewOf({ subject: d, claimed: e.m, signer: e.s.by, merge, people }),
      kind: d.kind, environment: d.environment, path: d.path, change: d.change, who: d.who ?? e.s.by ?? e.a, issueId: d.issueId ?? null,
      policy: notes.get(id) ?? notes.get(merge?.commit.id ?? "") ?? null,
    };
}

/** Verdicts that CI recorded: `git notes --ref stackseal add -m "policies: held" COMMIT`. One line each. */
async function policyNotes(git: Git, batch: GitBatch): Promise<Map<string, string>> {
  const list = git.text(["notes", "--ref", "stackseal", "list"]) ?? "";
  const pairs = list.split("\n").flatMap((l): [string, string][] => {
    const [blob, commit] = l.split(" ");
    return blob && commit ? [[commit, blob]] : [];
  });
  const bytes = await batch.read(pairs.map(([, blob]) => blob));
  return new Map(pairs.map(([commit], n) => [commit, (bytes[n]?.toString("utf8") ?? "").split("\n")[0]?.slice(0, 200) ?? ""]));
}
