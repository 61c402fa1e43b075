import { FindingError, type Finding } from "../../lib/finding.ts";
import { Git } from "../../lib/git.ts";
import { auditCodes } from "../codes.ts";
import { heldOver } from "../held.ts";
import { concerns, openLog, type Change } from "../log.ts";
import type { Range } from "./period.ts";

// What a bundle says of git is made of commits alone, without a clock, a cache, a note or a key ring: whoever has the clone makes the same bytes.

/** Contents by the name in the bundle, in order. */
export type Parts = Map<string, Buffer>;
export interface GitPartsOptions extends Range {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly environments: readonly string[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}
export const COMMITS = "git/commits.txt";
export const FILES = "git/files/";
const LOG_FORMAT = "%H %ct %P";
const COPIED = /^(stacks\/(people\.yaml(\.sig)?|attestations\.yaml|[^/]+\/(?:environment|payments)\.yaml|reviews\/[^/]+\.yaml((\.[a-z0-9-]+)?\.sig)?|exposures\/[^/]+\.yaml|[^/]+\/rotations\/[^/.]+\.yaml)|schemas\/access\.ts(\.sig)?|\.sops\.yaml|policies\/(exceptions\.yaml|config\.json)|(\.github\/|docs\/)?CODEOWNERS)$/;
const SAFE = /^[A-Za-z0-9._/-]+$/;

export const commitsCommand = ({ head, from }: Range): string => `log --no-show-signature --topo-order --format='${LOG_FORMAT}' ${head}${from === null ? "" : ` ^${from}`}`;

/** Everything of a bundle that the clone holds. Throws FindingError: AUDIT_NO_GIT, AUDIT_SHALLOW (exit 2), AUDIT_REVISION. */
export async function gitParts(o: GitPartsOptions): Promise<Parts> {
  const git = new Git(o.root, o.env);
  const parts: Parts = new Map();
  parts.set(COMMITS, await all(git.stream(["log", "--topo-order", `--format=${LOG_FORMAT}`, o.head, ...(o.from === null ? [] : [`^${o.from}`])])));
  parts.set("git/log.jsonl", await logOf(o, git.env));
  const { held } = await heldOver(git, o.head, () => undefined);
  parts.set("git/recipients.jsonl", Buffer.from(held.filter((h) => concerns(h, o.environments)).map((h) => `${JSON.stringify(h)}\n`).join("")));
  for (const [name, bytes] of copies(git, o.head, o.environments)) parts.set(name, bytes);
  return parts;
}
async function logOf(o: GitPartsOptions, env: Git["env"]): Promise<Buffer> {
  const log = openLog({ root: o.root, env, to: o.head, ...(o.from !== null && { from: o.from }), cache: false, openpgp: false, ...(o.signal && { signal: o.signal }), ...(o.onProgress && { onProgress: o.onProgress }) });
  const lines: string[] = [];
  for await (const page of log.changes) for (const c of page) if (concerns(c, o.environments)) lines.push(`${JSON.stringify(lineOf(c))}\n`);
  const missing = log.findings.filter((f: Finding) => f.code === "AUDIT_SHALLOW" || f.code === "AUDIT_OBJECT_MISSING");
  if (missing.length > 0) throw new FindingError(missing.map((f) => ({ ...f, severity: "error" as const })), 2);
  return Buffer.from(lines.join(""));
}
/** Without what the clone alone doesn't tell: the recorded verdict and the deployment. */
const lineOf = ({ policy: _recorded, deployment: _told, ...c }: Change): Omit<Change, "policy" | "deployment"> => c;
/** Whether a file is of one of the environments, or of none. */
function ofThese(file: string, environments: readonly string[]): boolean {
  const own = /^stacks\/([^/]+)\/(?:rotations\/|environment\.yaml|payments\.yaml)/.exec(file)?.[1];
  return own === undefined || environments.length === 0 || environments.includes(own);
}
const toCopy = (git: Git, head: string, environments: readonly string[]): string[] => (git.try(["ls-tree", "-r", "-z", "--name-only", head])?.toString("utf8") ?? "").split("\0").filter((f) => COPIED.test(f) && ofThese(f, environments));
/** Files that would be copied, were their names plain ones. */
export const oddlyNamed = (git: Git, head: string, environments: readonly string[]): string[] => toCopy(git, head, environments).filter((f) => !SAFE.test(f));
/** The files an auditor reads as they stand: who may what, reviews, attestations, exceptions, rotations, exposures. */
function* copies(git: Git, head: string, environments: readonly string[]): Generator<[string, Buffer]> {
  const names = toCopy(git, head, environments).filter((f) => SAFE.test(f)).sort();
  for (const name of names) {
    const bytes = git.try(["show", `${head}:./${name}`]);
    if (bytes) yield [`${FILES}${name}`, bytes];
  }
}
export async function all(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const c of chunks) parts.push(c);
  return Buffer.concat(parts);
}
/** Refuses what can't be the whole history. Throws FindingError. */
export function wholeHistory(git: Git): void {
  if (!git.inside) throw new FindingError(auditCodes.finding("AUDIT_NO_GIT", { message: "the project is in no git repository", hint: "clone it with its history" }), 2);
  if (git.text(["rev-parse", "--is-shallow-repository"]) === "true")
    throw new FindingError(auditCodes.finding("AUDIT_SHALLOW", { severity: "error", message: "this clone is shallow: a bundle is made of the whole history, and checked against it", hint: "git fetch --unshallow" }), 2);
}
