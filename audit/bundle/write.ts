import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { createAtomic, writeAtomic } from "../../lib/atomic.ts";
import { FindingError } from "../../lib/finding.ts";
import { Git } from "../../lib/git.ts";
import { ownFolder } from "../../lib/own-folder.ts";
import { packTar } from "../../lib/tar.ts";
import { sha256 } from "../../lib/sha256.ts";
import type { SigningKey } from "../../seal/signature.ts";
import { auditCodes } from "../codes.ts";
import { follows } from "./chain.ts";
import { COMMITS, gitParts, oddlyNamed, wholeHistory, type Parts } from "./git-parts.ts";
import { instructions } from "./instructions.ts";
import { FORMAT, MANIFEST, renderManifest, SIGNATURE, signManifest, STAMPED, sumsOf, SUMS, TOKEN, type Manifest, type Origin } from "./manifest.ts";
import { controlsParts } from "./controls.ts";
import { rangeOf, type Period } from "./period.ts";
import { intact, readBundle } from "./read.ts";
import { policyResults } from "./recorded.ts";
import { stampedOver } from "./authority.ts";
import { BESIDE, readTimeStamp } from "./timestamp.ts";

export interface Former { readonly manifest: Manifest; readonly sha256: string; readonly label: string }
export interface BundleOptions {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: string;
  readonly period: Period;
  readonly environments: readonly string[];
  readonly now: Date;
  readonly version: string;
  readonly signer: { readonly name: string; readonly key: SigningKey };
  readonly previous: Former | null;
  /** What git doesn't hold, by name under `recorded/`. */
  readonly recorded: Parts;
  readonly absent: readonly string[];
  /** An RFC 3161 token that an authority gave over something that the bundle names. */
  readonly token: Buffer | null;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Writes the bundle's folder, whole or not at all; answers its manifest and every file's content. Throws FindingError. */
export async function writeBundle(o: BundleOptions): Promise<{ readonly manifest: Manifest; readonly sha256: string; readonly files: Parts }> {
  const git = new Git(o.root, o.env);
  wholeHistory(git);
  await placeFor(o.out);
  const range = rangeOf(git, o.period, o.previous?.manifest.git.head ?? null, o.now);
  if (o.previous && git.try(["merge-base", "--is-ancestor", o.previous.manifest.git.head, range.head]) === null)
    throw new FindingError(auditCodes.finding("BUNDLE_HISTORY", { message: `the former bundle ended at ${o.previous.manifest.git.head.slice(0, 12)}, which this history doesn't have: it was rewritten`, hint: "find out who rewrote it; git reflog on the server" }), 1);
  const fromGit = await gitParts({ ...o, ...range });
  const commits = fromGit.get(COMMITS)?.toString("utf8") ?? "";
  const origins = new Map<string, Origin>([...fromGit.keys()].map((k) => [k, "git"]));
  const verdicts = policyResults(git, range);
  const parts: Parts = new Map([...fromGit, ...verdicts.parts, ...o.recorded]);
  const stamp = o.token && readTimeStamp(o.token);
  const fits = stamp && stampedOver(stamp, { [COMMITS]: fromGit.get(COMMITS) ?? Buffer.alloc(0), "git/log.jsonl": fromGit.get("git/log.jsonl") ?? Buffer.alloc(0) }, o.previous ? { "the former bundle's manifest.json": o.previous.sha256 } : {});
  const stamped = STAMPED.find((s) => s === fits) ?? null;
  if (o.token && stamped === null)
    throw new FindingError(auditCodes.finding("BUNDLE_INPUT", { message: "the time stamp token is over none of: git/commits.txt, git/log.jsonl, the former bundle's manifest.json (by SHA-256)", hint: "make the bundle without it, have its git/commits.txt stamped (openssl ts -query -sha256 -cert -data), then make it again with --timestamp-token" }), 2);
  if (o.token) parts.set(TOKEN, o.token);
  const odd = oddlyNamed(git, range.head, o.environments).map((f) => `${JSON.stringify(f).replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)}: its name is no plain one; git show ${range.head.slice(0, 12)} has it`);
  const absent = [...o.absent, ...odd, ...(verdicts.noted > 0 ? [] : ["policy verdicts: no commit of the period has a note (git notes --ref stackseal add -m 'policies: held' COMMIT)"]), ...(o.token ? [] : ["a time stamp of an authority inside of it (--timestamp-token); one over the manifest may lie beside it"])];
  const head: Omit<Manifest, "files"> = {
    stackseal: FORMAT, tool: { name: "stackseal", version: o.version, node: process.version }, createdAt: o.now.toISOString(), period: o.period, environments: [...o.environments],
    git: { head: range.head, headAt: new Date(Number(git.text(["show", "-s", "--format=%ct", range.head])) * 1000).toISOString(), from: range.from, commits: commits.split("\n").length - 1 },
    previous: o.previous && { manifestSha256: o.previous.sha256, head: o.previous.manifest.git.head, period: o.previous.manifest.period, createdAt: o.previous.manifest.createdAt },
    timeStamp: stamped === null ? null : { file: TOKEN, over: stamped }, absent, signer: { name: o.signer.name, key: o.signer.key.publicLine.split(" ").slice(0, 2).join(" ") },
  };
  // What its reader would refuse isn't made.
  const wrong = o.previous ? follows(head, o.previous.manifest, o.previous.label) : [];
  if (wrong.length > 0) throw new FindingError(wrong, 2);
  for (const [name, bytes] of [...controlsParts([...parts.keys()], verdicts.noted), ["VERIFY.txt", Buffer.from(instructions(head))] as const]) {
    parts.set(name, bytes);
    origins.set(name, "generated");
  }
  const listed = [...parts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, bytes]) => ({ path, sha256: sha256(bytes), bytes: bytes.length, origin: origins.get(path) ?? "recorded" as const }));
  const sums = Buffer.from(sumsOf(listed));
  const manifest: Manifest = { ...head, files: [...listed, { path: SUMS, sha256: sha256(sums), bytes: sums.length, origin: "generated" }] };
  const text = renderManifest(manifest);
  const files: Parts = new Map([...parts, [SUMS, sums], [MANIFEST, Buffer.from(text)], [SIGNATURE, Buffer.from(signManifest(text, o.signer.key))]]);
  if (o.signal?.aborted) throw new FindingError(auditCodes.finding("BUNDLE_PLACE", { message: "interrupted: nothing was written" }), 1);
  await place(o.out, files, o.now);
  return { manifest, sha256: sha256(text), files };
}
async function placeFor(out: string): Promise<void> {
  const taken = (message: string, path: string): FindingError => new FindingError(auditCodes.finding("BUNDLE_PLACE", { message, path, hint: "name a new folder with --out; a bundle is never changed" }), 2);
  if (existsSync(dirname(out)) && !statSync(dirname(out)).isDirectory()) throw taken("that is no folder", dirname(out));
  const there = lstatSync(out, { throwIfNoEntry: false });
  if (there && !there.isDirectory()) throw taken("there is something in the bundle's place already, and no folder", out);
  const used = there !== undefined && readdirSync(out).length > 0;
  if (existsSync(tarPath(out))) throw taken("there is a tar of that name already", tarPath(out));
  if (used) throw taken(`there is something in the bundle's place already${(await finished(out)) ? ": a whole bundle, whose run was killed before its tar; the tar is written now" : ""}`, out);
}
/** Writes the tar that a killed run left out, where its folder is whole. */
async function finished(out: string): Promise<boolean> {
  if (!existsSync(join(out, MANIFEST))) return false;
  const b = readBundle(out, out);
  return b.manifest !== null && intact({ ...b, manifest: b.manifest }).length === 0 && createAtomic(tarPath(out), await tarOfFolder(out, b.manifest));
}
/** The same bytes for the same bundle, so that a tar is checked whole, padding and all. */
export const tarOf = (files: ReadonlyMap<string, Buffer>, at: string): Promise<Buffer> => packTar(new Map([...files].filter(([n]) => !BESIDE.includes(n)).sort(([a], [b]) => (a < b ? -1 : 1))), new Date(Math.floor(Date.parse(at) / 1000) * 1000));
/** The tar of a bundle that is whole. */
export const tarOfFolder = (dir: string, m: Manifest): Promise<Buffer> => tarOf(new Map([...m.files.map((f) => f.path), MANIFEST, SIGNATURE].map((n) => [n, readFileSync(join(dir, n))])), m.createdAt);
export const tarPath = (out: string): string => `${out.replace(/\/+$/, "")}.tar`;
/** All of it beside its place, then the folder by one rename, then the tar: of two runs at once one has both. */
async function place(out: string, files: Parts, now: Date): Promise<void> {
  let temp = "", placed = false;
  try {
    mkdirSync(dirname(out), { recursive: true });
    temp = ownFolder(dirname(out), `.${basename(out)}.`);
    for (const [name, bytes] of files) {
      mkdirSync(dirname(join(temp, name)), { recursive: true });
      writeAtomic(join(temp, name), bytes);
    }
    const tar = await tarOf(files, now.toISOString());
    chmodSync(temp, 0o755);
    renameSync(temp, out);
    placed = true;
    if (!createAtomic(tarPath(out), tar)) throw Object.assign(new Error(), { code: "EEXIST" });
  } catch (e) {
    if (temp !== "") rmSync(placed ? out : temp, { recursive: true, force: true });
    const code = (e as NodeJS.ErrnoException).code ?? "unknown";
    const why = ["ENOTEMPTY", "EEXIST"].includes(code) ? "another run put something there in the meantime: this one wrote nothing" : `the bundle can't be written (${code}); nothing of it is there`;
    throw new FindingError(auditCodes.finding("BUNDLE_PLACE", { message: why, path: out, hint: "free space, or name another folder with --out" }), 2);
  }
}
