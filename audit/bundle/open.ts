import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { FindingError, type Finding } from "../../lib/finding.ts";
import { ownFolder } from "../../lib/own-folder.ts";
import { unpackTar } from "../../lib/tar.ts";
import { auditCodes } from "../codes.ts";
import { MANIFEST, parseManifest } from "./manifest.ts";
import { LARGEST } from "./read.ts";
import { tarOf } from "./write.ts";

/**
 * Lends a bundle's folder, whether `path` is one or a tar of one, which is unpacked for that long; with BUNDLE_CHANGED where the tar isn't, byte for byte,
 * the one that its files make. Throws FindingError: BUNDLE_CHANGED (exit 1) where it can't be unpacked, BUNDLE_UNREADABLE (exit 2) where it is no tar.
 */
export async function withFolder<T>(path: string, label: string, use: (dir: string, found: readonly Finding[]) => Promise<T>): Promise<T> {
  const there = statSync(path, { throwIfNoEntry: false });
  const unreadable = (message: string): FindingError => new FindingError(auditCodes.finding("BUNDLE_UNREADABLE", { message, path: label, hint: "name the bundle's folder, or its .tar" }), 2);
  if (!there) throw unreadable(`there is no ${label}`);
  if (!there.isFile()) return use(path, []);
  if (there.size > LARGEST) throw unreadable(`${label} is larger than ${LARGEST >> 20} MiB: no bundle is`);
  const bytes = readFileSync(path);
  const files = await unpackTar(bytes);
  const changed = (message: string): Finding => auditCodes.finding("BUNDLE_CHANGED", { message, path: label, hint: "ask for the bundle again, from whoever signed it" });
  if (!files) {
    if (bytes.subarray(257, 262).toString("latin1") === "ustar" || bytes.includes("manifest.json")) throw new FindingError(changed("the tar is damaged, or holds something else than plain files under safe names"), 1);
    throw unreadable(`${label} is neither a folder nor a tar`);
  }
  const manifest = parseManifest(files.get(MANIFEST)?.toString("utf8") ?? "");
  const dir = ownFolder(tmpdir(), "stackseal-bundle-");
  try {
    for (const [name, content] of files) {
      mkdirSync(dirname(join(dir, name)), { recursive: true });
      writeFileSync(join(dir, name), content, { mode: 0o600 });
    }
    const whole = manifest === null || (await tarOf(files, manifest.createdAt)).equals(bytes);
    return await use(dir, whole ? [] : [changed("the tar has other bytes in it than the ones it was made with, in its files or between them")]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
