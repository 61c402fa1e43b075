import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isoDate } from "../../lib/clock.ts";
import { writeAtomic } from "../../lib/atomic.ts";
import { readDocument } from "../../lib/document.ts";
import { FindingError, type Finding } from "../../lib/finding.ts";
import { embedded } from "../../engine/index.ts";
import { graphOf, type Graph } from "../../engine/graph.ts";
import { LOCAL_PEOPLE_FILE, PEOPLE_FILE, sealedFile, LOCAL, WORK_DIR } from "../../schemas/layout.ts";
import { parsePeople } from "../../schemas/parse.ts";
import type { People } from "../../schemas/people.ts";
import { Git } from "../../lib/git.ts";
import { nothingBefore, PROTECTED } from "../../lib/protected-base.ts";
import { sha256 } from "../../lib/sha256.ts";
import { environmentNames, type Declared } from "../../stacks/read.ts";
import type { Context } from "../command.ts";
import { partsOf, projectName, runOf, StackLinks } from "../deployment.ts";
import { changeCodes } from "./codes.ts";
import { publicCredentials, type PublicCredential } from "./credentials.ts";
import { chooseProgram, loadProgram, type ProgramOf } from "./program.ts";
import { writeTree } from "./tree.ts";

/** One environment as a commit declares it. */
export interface BaseEnvironment {
  readonly name: string;
  readonly tier: string;
  /** Null where it's declared as it is now, by the same program: what is previewed is its graph too. */
  readonly graph: Graph | null;
  readonly credentials: readonly PublicCredential[];
  /** Of everything that its graph is made of. */
  readonly digest: string;
}
export interface Base {
  /** As it was asked for or found: `main`, `HEAD~1`. */
  readonly ref: string;
  readonly commit: string;
  readonly program: "own" | "current";
  /** Why the base's own program wasn't run. */
  readonly why?: string;
  readonly cached: boolean;
  readonly environments: readonly BaseEnvironment[];
  readonly people: People | null;
  /** Environments of the base that can't be read any more. */
  readonly unreadable: readonly string[];
}
export interface Commit {
  readonly ref: string;
  readonly commit: string;
}

const CACHE = `${WORK_DIR}/cache/base`;

/** The commit to compare with: `ref`, or the merge base with the main branch. A text says why there is none. Throws FindingError BASE_UNKNOWN (exit 2) for a ref that isn't there. */
export function findBase(git: Git, ref?: string): Commit | string {
  if (ref !== undefined && nothingBefore(ref)) return "nothing stood on this branch before";
  const { inside, shallow, head } = git.state;
  if (ref !== undefined) {
    const [commit = null] = inside ? git.commits([ref]) : [];
    if (commit === null) throw new FindingError(changeCodes.finding("BASE_UNKNOWN", { message: inside ? `git knows no commit "${ref}"` : "this is no git repository: there is no base to compare with", hint: inside ? "git fetch origin, or name another: stackseal preview --base main" : "leave --base out: everything is new then" }), 2);
    return { ref, commit };
  }
  if (!inside) return "this is no git repository";
  if (head === null) return "nothing is committed yet";
  const known = git.commits(PROTECTED), at = known.findIndex((c) => c !== null);
  const preset = at < 0 ? git.text(["config", "--get", "init.defaultBranch"]) : null;
  const main = PROTECTED[at] ?? preset ?? undefined, tip = known[at] ?? (preset === null ? null : git.commits([preset])[0]) ?? null;
  if (main === undefined || tip === null) return "there is no main branch here; name a base with --base";
  const commit = tip === head ? tip : git.text(["merge-base", "HEAD", tip]);
  if (commit === null) return `there is no merge base with ${main}${shallow ? ": the clone is shallow (git fetch --unshallow)" : ""}`;
  return { ref: `merge base with ${main}`, commit };
}

interface Graphs { readonly environments: readonly BaseEnvironment[]; readonly unreadable: readonly string[] }
interface Cached extends Graphs { readonly program: "own" | "current"; readonly why?: string; readonly people: People | null }

/** The tree of the project's folder in a commit; null where it isn't there. */
export const treeOf = (git: Git, commit: string): string | null => git.text(["rev-parse", "--verify", "--quiet", `${commit}:./`]);

/** The graphs and public claims of a commit: from the cache by tree id, else made anew and kept. `now`: environments that are previewed in the same run; what they declare alike needs no graph of its own. Null where the project isn't in that commit. */
export async function readBase(context: Context, git: Git, at: Commit, now: readonly Declared[] = []): Promise<Base | null> {
  const tree = treeOf(git, at.commit);
  if (tree === null || git.text(["ls-tree", "--name-only", "--full-tree", tree, "stacks"]) !== "stacks") return null;
  const choice = chooseProgram(git, at.commit, tree);
  const key = sha256(JSON.stringify(["base-2", tree, choice, ownDigest(), localDigest(context.root), isoDate(context.clock.now())])).slice(0, 40);
  const file = join(context.root, CACHE, `${key}.json`);
  const known = git.tracks(WORK_DIR) ? null : readCache(file), have = new Map(known?.environments.map((e) => [e.name, e.graph]));
  const today = new Map(choice.program === "own-is-current" ? now.map((d) => [d.name, declarationDigest(context.root, d)]) : []);
  const alike = (e: Pick<BaseEnvironment, "name" | "digest">): boolean => today.get(e.name) === e.digest;
  if (known?.environments.every((e) => e.graph !== null || alike(e))) return { ...at, ...known, environments: known.environments.map((e) => (alike(e) ? { ...e, graph: null } : e)), cached: true };
  const dir = mkdtempSync(join(folder(context.root), "tree-"));
  try {
    if (!(await writeTree(git, tree, dir))) return null;
    const made = { ...(await evaluate(context, dir, choice.program === "own" ? "own" : choice.program === "current" ? choice : null, (e) => have.get(e.name) ?? (alike(e) ? null : undefined))), people: readPeople(dir) };
    keep(file, made);
    return { ...at, ...made, cached: false };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** `how`: "own" builds the base's program; null means that the current program is the base's own. */
async function evaluate(context: Context, dir: string, how: "own" | { readonly why: string } | null, known: Known): Promise<Omit<Cached, "people">> {
  const local = join(context.root, WORK_DIR, LOCAL);
  if (existsSync(local)) cpSync(local, join(dir, WORK_DIR, LOCAL), { recursive: true });
  if (existsSync(join(context.root, LOCAL_PEOPLE_FILE))) cpSync(join(context.root, LOCAL_PEOPLE_FILE), join(dir, LOCAL_PEOPLE_FILE));
  if (how === "own")
    try {
      return { ...(await graphs(context, dir, known, await loadProgram(dir, context.root))), program: "own" };
    } catch (e) {
      if (context.env["STACKSEAL_DEBUG"] === "1") context.say(`${e instanceof Error ? e.message : "unknown"}\n`);
      return { ...(await graphs(context, dir, known)), program: "current", why: "the base's program can't be built here" };
    }
  return { ...(await graphs(context, dir, known)), program: how === null ? "own" : "current", ...(how !== null && { why: how.why }) };
}
/** The graph of an environment, null where it needs none; undefined where it has to be made. */
type Known = (e: Pick<BaseEnvironment, "name" | "digest">) => Graph | null | undefined;
async function graphs(context: Context, dir: string, known: Known, own?: ProgramOf): Promise<Graphs> {
  const read = own?.readProject ?? (await import("../../stacks/read.ts")).readProject;
  const project = read(dir, { clock: context.clock });
  const engine = await embedded({ ...context, root: dir });
  const environments: BaseEnvironment[] = [];
  const unreadable = environmentNames(dir).filter((n) => !project.environments.some((e) => e.name === n));
  for (const d of project.environments) {
    const of = { name: d.name, tier: d.tier, credentials: publicCredentials(d), digest: declarationDigest(dir, d) }, there = known(of);
    if (there !== undefined) {
      environments.push({ ...of, graph: there });
      continue;
    }
    const graph = [];
    let ok = true;
    const failures: string[] = [];
    const links = new StackLinks();
    // A base from before the foundation stack has a program that doesn't know it.
    const parts = partsOf(d).filter((part) => part !== "foundation" || own === undefined || existsSync(join(dir, "stacks/foundation.ts")));
    for (const part of parts) {
      const run = await runOf(dir, d, part, () => null, null, own?.program);
      const outcome = await engine.preview(run, { against: "nothing", stackOutputs: links.get });
      links.note(run.stack, outcome);
      ok &&= outcome.ok;
      failures.push(...outcome.diagnostics.filter((x) => x.severity === "error").map((x) => x.message));
      graph.push(...graphOf(outcome.steps));
    }
    if (ok) environments.push({ ...of, graph });
    else if (own) throw new Error(`the base's program failed: ${failures.join("; ")}`);
    else unreadable.push(d.name);
  }
  return { environments, unreadable };
}

const readPeople = (dir: string): People | null => {
  if (!existsSync(join(dir, PEOPLE_FILE))) return null;
  const { document } = readDocument(dir, PEOPLE_FILE);
  return document && parsePeople(document).value;
};
/** Of what an environment declares, wherever in its files it stands. */
const declarationDigest = (root: string, d: Declared): string => sha256(JSON.stringify([projectName(root), d], (k, v: unknown) => (k === "at" ? undefined : v)));
/** Of the code that runs: its bundle names every part that it is made of by content. */
function ownDigest(): string {
  return sha256(readFileSync(fileURLToPath(import.meta.url)));
}
/** `local`'s sealed files stand outside git: both sides have the same. */
function localDigest(root: string): string {
  const h = createHash("sha256");
  for (const f of [sealedFile(LOCAL, "standard"), sealedFile(LOCAL, "payments")]) h.update(existsSync(join(root, f)) ? readFileSync(join(root, f)) : "none");
  return h.digest("hex");
}

function folder(root: string): string {
  const dir = join(root, WORK_DIR, "cache");
  mkdirSync(join(root, WORK_DIR), { recursive: true, mode: 0o700 });
  mkdirSync(dir, { recursive: true });
  // A run that was killed leaves its folder behind.
  for (const n of readdirSync(dir)) if (n.startsWith("tree-") && Date.now() - (statSync(join(dir, n), { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > 3_600_000) rmSync(join(dir, n), { recursive: true, force: true });
  return dir;
}
function readCache(file: string): Cached | null {
  try {
    const c = JSON.parse(readFileSync(file, "utf8")) as Cached;
    return Array.isArray(c.environments) && Array.isArray(c.unreadable) && (c.environments as readonly Partial<BaseEnvironment>[]).every((e) => typeof e.name === "string" && (e.graph === null || Array.isArray(e.graph)) && Array.isArray(e.credentials)) ? c : null;
  } catch {
    return null;
  }
}
function keep(file: string, made: Cached): void {
  const dir = join(file, "..");
  writeAtomic(file, JSON.stringify(made), 0o600);
  const all = readdirSync(dir).map((n) => ({ n, at: statSync(join(dir, n), { throwIfNoEntry: false })?.mtimeMs ?? 0 })).sort((a, b) => b.at - a.at);
  for (const { n } of all.slice(20)) rmSync(join(dir, n), { force: true });
}
/** What a base that can't be read wholly says. */
export const baseFindings = (b: Base): Finding[] =>
  b.unreadable.map((name) => changeCodes.finding("BASE_UNREADABLE", { message: `${name} can't be read at the base (${b.commit.slice(0, 12)}) by ${b.program === "own" ? "its own" : "the current"} program: it counts as new`, path: name }));
export const gitOf = (context: Pick<Context, "root" | "env">): Git => new Git(context.root, context.env);
