import { lstatSync, readdirSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import type { Finding } from "../lib/finding.ts";
import { scanCodes } from "./codes.ts";
import type { Git } from "../lib/git.ts";

/** Folders of others' code and of working files: known, ignored by git where there is git, and left out where there is none. */
const LEFT_OUT = new Set([".git", "node_modules", ".stackseal"]);

export interface Found {
  /** Regular files, in order. */
  readonly files: string[];
  /** Symbolic links, which git keeps as the text of where they lead. */
  readonly links: { readonly path: string; readonly target: string }[];
  readonly findings: Finding[];
}

/** The files below `paths`: in a git checkout those that git tracks or would track; elsewhere all but LEFT_OUT. A file that is named is always taken. */
export function filesOf(root: string, paths: readonly string[], git: Git): Found {
  const found: Found = { files: [], links: [], findings: [] };
  const seen = new Set<string>();
  for (const p of paths.length ? paths : ["."]) {
    const path = resolve(root, p);
    const info = statSync(path, { throwIfNoEntry: false });
    if (!info) found.findings.push(scanCodes.finding("SCAN_NO_SUCH_PATH", { message: `${p}: no such file or folder`, at: at(root, path) }));
    else if (info.isDirectory()) for (const f of gitFiles(path, git) ?? walk(realpathSync(path))) add(root, f, realpathSync(path), seen, found);
    else add(root, path, null, seen, found);
  }
  return found;
}

/** Git's own answer to what belongs to the tree; null outside a checkout. */
function gitFiles(folder: string, git: Git): string[] | null {
  const inFolder = ["-C", folder];
  if (basename(folder) === ".git" || git.try([...inFolder, "rev-parse", "--is-inside-work-tree"])?.toString().trim() !== "true") return null;
  // A folder that git ignores was named on purpose: all of it.
  if (git.try([...inFolder, "check-ignore", "-q", "."])) return null;
  const listed = git.try([...inFolder, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "."]);
  if (!listed) return null;
  const real = realpathSync(folder);
  return [...new Set(listed.toString("utf8").split("\0"))].filter(Boolean).sort().map((f) => join(real, f));
}

function* walk(folder: string): Generator<string> {
  const entries = (() => {
    try {
      return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch {
      return null;
    }
  })();
  // A folder that can't be listed is handed on as it is: whoever takes it finds that it can't be read.
  if (!entries) yield folder;
  else for (const e of entries) {
    if (e.isDirectory()) {
      if (!LEFT_OUT.has(e.name)) yield* walk(join(folder, e.name));
    } else yield join(folder, e.name);
  }
}

function add(root: string, path: string, within: string | null, seen: Set<string>, found: Found): void {
  if (seen.has(path)) return;
  seen.add(path);
  let info;
  try {
    info = within === null ? statSync(path) : lstatSync(path);
  } catch (e) {
    // Tracked and deleted in the working tree: nothing there to scan.
    if ((e as NodeJS.ErrnoException).code !== "ENOENT") found.findings.push(unreadable(root, path, e));
    return;
  }
  if (info.isFile()) found.files.push(path);
  else if (info.isSymbolicLink() && within !== null) {
    found.links.push({ path, target: readlinkSync(path) });
    found.findings.push(...link(root, path, within));
  } else if (info.isDirectory()) {
    try {
      readdirSync(path);
      found.findings.push(scanCodes.finding("SCAN_SUBMODULE_LEFT_OUT", { message: "a submodule, or a repository within this one, is left out", at: at(root, path), hint: `stackseal scan -C ${shown(root, path)}` }));
    } catch (e) {
      found.findings.push(unreadable(root, path, e));
    }
  } else found.findings.push(scanCodes.finding("SCAN_NOT_A_FILE", { message: "a pipe, socket or device is left out", at: at(root, path) }));
}

/** Links are never followed: what they lead to inside the tree is scanned in its own place. */
function link(root: string, path: string, within: string): Finding[] {
  let target: string;
  try {
    target = realpathSync(path);
  } catch (e) {
    return (e as NodeJS.ErrnoException).code === "ELOOP"
      ? [scanCodes.finding("SCAN_LINK_LOOP", { message: "this symbolic link leads back to itself; it is left out", at: at(root, path) })]
      : [scanCodes.finding("SCAN_LINK_LEFT_OUT", { message: "this symbolic link leads nowhere", at: at(root, path) })];
  }
  if (`${dirname(path)}${sep}`.startsWith(target === sep ? sep : `${target}${sep}`)) return [scanCodes.finding("SCAN_LINK_LOOP", { message: "this symbolic link leads to a folder that it lies in; it is left out", at: at(root, path) })];
  if (target === within || target.startsWith(`${within}${sep}`)) return [];
  return [scanCodes.finding("SCAN_LINK_LEFT_OUT", { message: "this symbolic link leads out of what is scanned; it isn't followed", at: at(root, path) })];
}

export const unreadable = (root: string, path: string, e: unknown): Finding =>
  scanCodes.finding("SCAN_UNREADABLE", { message: `can't be read (${(e as NodeJS.ErrnoException).code ?? "unknown"}); it is left out`, at: at(root, path), hint: "make it readable and scan again, or name the paths to scan" });

/** As findings name a file: relative to the root where it lies below it. */
export function shown(root: string, path: string): string {
  const rel = relative(root, path);
  return rel === "" ? "." : rel.startsWith("..") ? path : rel.split(sep).join("/");
}
export const at = (root: string, path: string): { file: string; line: number; column: number } => ({ file: shown(root, path), line: 1, column: 1 });
